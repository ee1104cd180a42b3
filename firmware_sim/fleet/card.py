"""The memory card of one simulated board: slow, full, read-only, damaged, or without power."""

import errno
import logging
import os
import random
import sqlite3
from collections.abc import Hashable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

from agent.journal import IN_MEMORY, Journal
from agent.journal_opening import open_journal

_DOCUMENTS = ("*.jws", "*/*.jws", "journal.sqlite", "clock.json", "boards/ages.json")
log = logging.getLogger(__name__)
_in_use: ContextVar["MemoryCard | None"] = ContextVar("memory_card", default=None)


def card_in_use() -> "MemoryCard | None":
    """The card of the board whose program runs right now."""
    return _in_use.get()


class MemoryCard:
    """What is on it lies in `folder`; who writes there by way of `mounted` meets what is wrong with it."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder
        self.mounted = _path_on(self)(folder)
        self._chance = chance
        self._refusing: dict[Hashable, int] = {}
        self._latencies: dict[Hashable, float] = {}
        self._last_turn_s = 0.0

    def use(self) -> None:
        """By this task and all that it starts."""
        _in_use.set(self)

    def refuse(self, why: Hashable, code: int) -> None:
        """Every write fails with this error number, until `mend`."""
        self._refusing[why] = code

    def slow_down(self, why: Hashable, latency_s: float) -> None:
        self._latencies[why] = latency_s

    def mend(self, why: Hashable) -> None:
        self._refusing.pop(why, None)
        self._latencies.pop(why, None)

    @property
    def latency_s(self) -> float:
        """What everything takes more than on a good card."""
        return max(self._latencies.values(), default=0.0)

    def turn_s(self, due_s: float) -> float:
        """When its next piece of work is done, behind those before it."""
        self._last_turn_s = max(self._last_turn_s, due_s + self.latency_s)
        return self._last_turn_s

    def check(self) -> None:
        """Before a write. Raises OSError where it takes none."""
        if (problem := self.problem()) is not None:
            raise problem

    def problem(self) -> OSError | None:
        """What a write would meet now."""
        code = next(reversed(self._refusing.values()), None)
        return None if code is None else OSError(code, os.strerror(code))

    def flip_a_bit(self) -> Path | None:
        """In one of the files that are there, if any."""
        if (file := self._one_of_the_files()) is None:
            return None
        content = bytearray(file.read_bytes())
        if content:
            content[self._chance.randrange(len(content))] ^= 1 << self._chance.randrange(8)
            file.write_bytes(content)
        return file

    def delete_a_file(self) -> Path | None:
        if (file := self._one_of_the_files()) is not None:
            file.unlink()
        return file

    def tear_the_newest(self) -> Path | None:
        """Its second half never reached the card."""
        newest = max(self._files(), key=lambda file: file.stat().st_mtime_ns, default=None)
        if newest is not None:
            content = newest.read_bytes()
            newest.write_bytes(content[: len(content) // 2])
        return newest

    def _one_of_the_files(self) -> Path | None:
        files = self._files()
        return self._chance.choice(files) if files else None

    def _files(self) -> list[Path]:
        return sorted(file for pattern in _DOCUMENTS for file in self.folder.glob(pattern) if file.is_file())


class CardJournal(Journal):
    """A journal whose card may take nothing. Raises sqlite3.OperationalError then, as SQLite itself does."""

    def __init__(self, file: Path, card: MemoryCard, home: Path | None = None) -> None:
        self._card = card
        super().__init__(file, home)

    def return_to_disk(self) -> None:
        self._refuse()
        super().return_to_disk()

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        self._check()
        super()._write(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._check()
        with super()._transaction():
            yield

    def _check(self) -> None:
        if self.remembers:
            self._refuse()

    def _refuse(self) -> None:
        problem = self._card.problem()
        if problem is None:
            return
        if problem.errno == errno.ENOSPC:
            raise sqlite3.OperationalError("database or disk is full")
        raise sqlite3.OperationalError("attempt to write a readonly database")


def journal_on(card: MemoryCard) -> CardJournal:
    """As the real program opens it: a damaged file is put aside, one on a full card read into memory."""
    file = card.folder / "journal.sqlite"
    if card.problem() is not None:
        return _in_memory(file, card)
    with closing(open_journal(file)) as opened:
        damaged = opened.damaged
    journal = CardJournal(file, card)
    journal.damaged = damaged
    return journal


def _in_memory(file: Path, card: MemoryCard) -> CardJournal:
    journal = CardJournal(IN_MEMORY, card, home=file)
    if file.exists():
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as on_disk:
                journal.fill_from(on_disk)
        except sqlite3.Error as error:
            log.warning("journal not read: file=%s problem=%s", file, error)
    return journal


def _path_on(card: MemoryCard) -> type[Path]:
    """Paths that ask the card before they write. What they lead to is as real as with any other path."""

    class CardPath(type(Path())):  # type: ignore[misc]
        def open(self, mode: str = "r", *rest: Any, **named: Any) -> IO[Any]:
            if set(mode) & set("wax+"):
                card.check()
            opened: IO[Any] = super().open(mode, *rest, **named)
            return opened

        def mkdir(self, *rest: Any, **named: Any) -> None:
            if not self.exists():
                card.check()
            super().mkdir(*rest, **named)

        def replace(self, target: Any) -> Any:
            card.check()
            return super().replace(target)

    return CardPath
