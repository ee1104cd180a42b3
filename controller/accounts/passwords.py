"""Argon2id, through pwdlib with its recommended cost."""

from threading import BoundedSemaphore
from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$xGXv5TPpWtXGwk+LBFEw4A$j+RUJZZyNvBJICm7V1FGgfgieOrFfm53w/GlqdEbu8k"
)
"""Of a password that nobody has: checked for unknown names, so that they take as long as known ones."""

_AT_ONCE: Final = BoundedSemaphore(2)
"""Each check takes 64 MiB, and anybody may ask for one: the bound is the process's, like its memory."""


def hashed(password: str) -> str:
    with _AT_ONCE:
        return PasswordHash.recommended().hash(password)


def matches(password: str, password_hash: str) -> bool:
    """Waits its turn: two are looked at at a time."""
    try:
        with _AT_ONCE:
            return PasswordHash.recommended().verify(password, password_hash)
    except UnknownHashError:
        return False
