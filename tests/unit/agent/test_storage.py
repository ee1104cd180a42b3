"""What a station tells of its card, and a journal that leaves it and returns."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent import sound_files
from agent.journal import Journal
from agent.journal_opening import journal_or_memory, open_journal
from agent.storage import Storage
from wire.ids import Outcome
from wire.messages import PlaybackReport

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def report(number: int) -> PlaybackReport:
    return PlaybackReport(
        id=f"r{number}", occurrence=f"ban-tin-{number}@20261123T050000Z", outcome=Outcome.PLAYED, ended_at=NOW
    )


def owed(file: Path) -> list[str]:
    with closing(open_journal(file)) as journal:
        return [one.id for one in journal.outbox(10)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_what_was_written_away_from_the_card_is_on_it_after_the_return(file: Path) -> None:
    with closing(Journal(file)) as journal:
        journal.end([report(1)], NOW)
        journal.leave_disk()
        assert not journal.remembers
        journal.end([report(2)], NOW)
        assert owed(file) == ["r1"]
        journal.return_to_disk()
        assert journal.remembers
        journal.end([report(3)], NOW)
    assert owed(file) == ["r1", "r2", "r3"]


def test_a_return_that_fails_loses_nothing(file: Path) -> None:
    with closing(Journal(file)) as journal:
        journal.leave_disk()
        journal.end([report(1)], NOW)
        for part in (file, file.with_name("journal.sqlite-wal"), file.with_name("journal.sqlite-shm")):
            part.unlink(missing_ok=True)
        file.mkdir()
        with pytest.raises(sqlite3.Error):
            journal.return_to_disk()
        assert not journal.remembers
        assert journal.owed() == 1
        file.rmdir()
        journal.return_to_disk()
    assert owed(file) == ["r1"]


def test_a_journal_that_began_in_memory_comes_home_when_it_can(tmp_path: Path) -> None:
    file = tmp_path / "later" / "journal.sqlite"
    with closing(journal_or_memory(file)) as journal:
        assert not journal.remembers
        journal.end([report(1)], NOW)
        file.parent.mkdir()
        journal.return_to_disk()
    assert owed(file) == ["r1"]


def test_a_file_that_could_not_be_read_at_first_is_not_written_over(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def refused(name: object, *args: Any, **options: Any) -> sqlite3.Connection:
        if ":memory:" not in str(name):
            raise sqlite3.OperationalError("disk I/O error")
        made: sqlite3.Connection = connect(str(name), *args, **options)
        return made

    with closing(Journal(file)) as journal:
        journal.end([report(1)], NOW)
    with monkeypatch.context() as card:
        card.setattr(sqlite3, "connect", refused)
        began = journal_or_memory(file)
    with closing(began) as journal:
        assert (journal.remembers, journal.owed()) == (False, 0)
        journal.end([report(2)], NOW)
        journal.return_to_disk()
        assert journal.remembers
    assert sorted(owed(file)) == ["r1", "r2"]
    with closing(Journal(file)) as journal:
        assert journal.ended() == {report(1).occurrence, report(2).occurrence}


def test_a_damaged_journal_is_counted(file: Path) -> None:
    file.write_bytes(b"no database at all" * 100)
    with closing(open_journal(file)) as journal:
        assert journal.damaged == 1
    with closing(open_journal(file)) as journal:
        assert journal.damaged == 0


def test_all_that_is_known_of_the_card(life: Any, tmp_path: Path) -> None:
    storage = Storage(tmp_path, life.agenda, life.cache.files, life.journal)
    good = storage.state()
    assert (good.writable, good.remembers, good.damaged) == (True, True, 0)
    assert good.bytes_free and good.written_bytes is not None
    life.journal.leave_disk()
    life.cache.files.damaged += 1
    bad = storage.state()
    assert (bad.writable, bad.remembers, bad.damaged) == (False, False, 1)


def test_a_card_that_is_gone_is_not_writable(life: Any, tmp_path: Path) -> None:
    state = Storage(tmp_path / "gone", life.agenda, life.cache.files, life.journal).state()
    assert (state.writable, state.bytes_free) == (False, None)


def test_more_cancelled_than_written_is_nothing_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "io"
    told.write_text("read_bytes: 7\nwrite_bytes: 4096\ncancelled_write_bytes: 8192\n")
    monkeypatch.setattr(sound_files, "Path", lambda _: told)
    assert sound_files.bytes_written_by_this_program() == 0
