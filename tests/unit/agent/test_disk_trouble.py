"""A disk that is full, failing or cannot be written: an alert sounds once, and the station lives on."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.errors import StateInUse
from agent.files import alone_in
from agent.journal import Journal
from agent.journal_opening import journal_or_memory
from agent.programme import part_of
from agent.sound_files import SoundFiles
from wire.ids import Outcome
from wire.messages import PlaybackReport

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def full(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def fill(disk: pytest.MonkeyPatch, journal: Journal) -> None:
    for way in ("_write", "_transaction"):
        disk.setattr(journal, way, full)


def no_space(*_: object, **__: object) -> None:
    raise OSError(28, "no space left on device")


async def test_a_full_disk_neither_ends_the_station_nor_makes_an_alert_sound_twice(
    life: Any, sound: Any, make_alert: Any, make_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = make_alert(sound(0.6, 1), sound(2.0, 2))
    async with life.running():
        with monkeypatch.context() as disk:
            fill(disk, life.journal)
            disk.setattr("agent.signed_files.write_durably", no_space)
            await life.take(make_board(alert))
            await life.until(lambda: alert.sounding in life.agenda.ledger.ended)
            await life.until(lambda: not life.playing())
            assert life.reports() == {}
        life.conductor.poke()
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, 2.6)
    assert life.heard() == [(alert.sounding, 2.6)]
    again = life.again()
    async with again.running():
        await again.take(make_board(alert, version=2))
        await again.until(lambda: not list(again.agenda.alerts.in_force()))
    assert life.heard() == [(alert.sounding, 2.6)]


async def test_the_timetable_does_not_begin_unwritten_and_an_alert_still_does(
    life: Any,
    sound: Any,
    make_layer: Any,
    make_planned: Any,
    make_alert: Any,
    make_board: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    song = make_planned(sound(3.0, 1), start=life.clock.now() + timedelta(seconds=0.3))
    alert = make_alert(sound(0.3, 2), sound(0.3, 3))
    monkeypatch.setattr(life.journal, "begin", full)
    await life.take(make_layer(song))
    async with life.running():
        await life.until(lambda: "not begun" in caplog.text)
        await life.take(make_board(alert))
        await life.until(lambda: alert.sounding in life.agenda.ledger.ended)
    assert [name for name, _ in life.heard()] == [alert.sounding]
    assert song.id not in life.agenda.ledger.begun
    assert caplog.text.count("journal takes nothing") == 1


async def test_a_failed_change_is_made_later_in_its_order(
    life: Any, make_planned: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, part = life.agenda.ledger, _part(make_planned())
    with monkeypatch.context() as disk:
        fill(disk, life.journal)
        ledger.note_begun(part, NOW)
        ledger.note_sounded(part.planned.id, 3.0)
        await ledger.write()
        with pytest.raises(sqlite3.OperationalError):
            await ledger.begin(_part(make_planned(schedule="khac")), NOW)
        assert life.journal.begun() == {}
    await ledger.write()
    assert {id_: row.sounded_s for id_, row in life.journal.begun().items()} == {part.planned.id: 3.0}
    assert set(ledger.begun) == {part.planned.id}


def _part(planned: Any) -> Any:
    return part_of(planned, "ta-van", 1)


def report(number: int) -> PlaybackReport:
    return PlaybackReport(
        id=f"r{number}", occurrence=f"ban-tin-{number}@20261123T050000Z", outcome=Outcome.PLAYED, ended_at=NOW
    )


def test_where_no_journal_can_be_written_what_it_held_still_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "journal.sqlite"
    with closing(Journal(file)) as journal:
        journal.end([report(1)], NOW)
    monkeypatch.setattr("agent.journal_opening.open_journal", full)
    with closing(journal_or_memory(file)) as journal:
        journal.end([report(2)], NOW)
        assert journal.ended() == {report(1).occurrence, report(2).occurrence}
    assert "CRITICAL" in caplog.text
    with closing(Journal(file)) as journal:
        assert journal.ended() == {report(1).occurrence}


def test_where_there_is_no_journal_at_all_one_in_memory_serves(tmp_path: Path) -> None:
    with closing(journal_or_memory(tmp_path / "no-such-folder" / "journal.sqlite")) as journal:
        journal.end([report(1)], NOW)
        assert journal.owed() == 1


def test_a_transaction_that_could_not_be_ended_does_not_block_the_next(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        with pytest.raises(sqlite3.OperationalError), journal._transaction():
            journal._db.execute("pragma max_page_count = 1")
            journal._db.execute("create table large (x)")
            journal._db.execute("insert into large values (zeroblob(10000000))")
        journal._db.execute("pragma max_page_count = 1000000")
        journal.end([report(1)], NOW)
        assert journal.owed() == 1


def test_a_folder_that_takes_nothing_does_not_keep_the_station_from_its_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SoundFiles(tmp_path / "sound")
    files.path("a" * 64).write_bytes(b"rotted")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "read-only file system")

    monkeypatch.setattr("os.utime", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    files.touch(frozenset(["a" * 64]))
    assert files.remove_unwanted(frozenset(), keep_s=0.0) == 0
    assert files.recheck("a" * 64)


def test_a_folder_that_takes_no_lock_file_is_locked_itself(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with alone_in(tmp_path), pytest.raises(StateInUse), alone_in(tmp_path):
        pass


async def test_a_full_disk_when_the_station_starts(
    life: Any, sound: Any, make_alert: Any, make_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = make_alert(sound(0.3, 1), sound(1.5, 2))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: (now := life.conductor.now_playing()) and now.position_s > 0.8)
    monkeypatch.setattr(Journal, "interrupt_all", full)
    monkeypatch.setattr(Journal, "end", full)
    again = life.again()
    async with again.running():
        await again.until(lambda: alert.sounding in again.agenda.ledger.ended)
        await asyncio.wait_for(again.conductor._ledger.know(["ta-van"], NOW), 5)
    assert sum(seconds for _, seconds in life.heard()) == pytest.approx(1.8, abs=0.03)
