"""Which of our kinds of alert a message is about, by the lists in `events.toml`. Pure once they are read."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controller.cap.model import Info
from wire.ids import AlertKind

_FILE: Final = Path(__file__).with_name("events.toml")


@dataclass(frozen=True)
class KindWords:
    kind: AlertKind
    words: re.Pattern[str]
    codes: frozenset[str]
    categories: frozenset[str]


@dataclass(frozen=True)
class Events:
    """The lists, in the order in which they are asked."""

    kinds: tuple[KindWords, ...]

    @classmethod
    def load(cls, path: Path = _FILE) -> "Events":
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["kind"]
        return cls(
            tuple(
                KindWords(
                    kind=AlertKind(table["name"]),
                    words=any_of(table["words"]),
                    codes=frozenset(table.get("codes", ())),
                    categories=frozenset(table.get("categories", ())),
                )
                for table in tables
            )
        )

    def kind_of(self, info: Info) -> AlertKind:
        """*Other* where no list knows it."""
        codes = {value.strip() for _, value in info.event_codes}
        return (
            self._first(one for one in self.kinds if one.words.search(plain(info.event)))
            or self._first(one for one in self.kinds if one.codes & codes)
            or self._first(one for one in self.kinds if one.words.search(plain(info.headline)))
            or self._first(one for one in self.kinds if one.categories & set(info.categories))
            or AlertKind.OTHER
        )

    def _first(self, found: Iterable[KindWords]) -> AlertKind | None:
        return next((one.kind for one in found), None)


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of them as whole words in a `plain` text."""
    choices = "|".join(re.escape(plain(word)) for word in words)
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)")


def plain(text: str) -> str:
    """Small letters, single blanks, and each Vietnamese letter as one character."""
    return unicodedata.normalize("NFC", " ".join(text.split()).casefold())
