"""Ids of areas, made from their Vietnamese names."""

import re
import unicodedata
from typing import Final

_TYPE_WORDS: Final = ("tinh", "thanh-pho", "quan", "huyen", "thi-xa", "thi-tran", "phuong", "xa")
_ID_LENGTH: Final = 63
_BARRED_D: Final = {0x111: "d"}
"""The one Vietnamese letter that Unicode does not take apart."""


def slug(name: str) -> str:
    """`Bát Xát` becomes `bat-xat`: plain lower-case ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFD", name.lower().translate(_BARRED_D))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")


def short_slug(name: str) -> str:
    """The slug without the word that tells the level: `Xã Bát Xát` becomes `bat-xat`."""
    whole = slug(name)
    for word in _TYPE_WORDS:
        if whole.startswith(f"{word}-"):
            return whole.removeprefix(f"{word}-")
    return whole


def area_id(name: str, code: str | None, parent_id: str | None) -> str:
    """With the state's code where there is one; else with the parent's id, which keeps it apart."""
    if code:
        return f"{short_slug(name)[: _ID_LENGTH - len(code) - 1]}-{code.lower()}"
    own = slug(name)[:40].strip("-")
    if parent_id is None:
        return own
    return f"{parent_id[: _ID_LENGTH - len(own) - 1].strip('-')}-{own}"
