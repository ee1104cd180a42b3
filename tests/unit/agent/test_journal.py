import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.journal import Journal
from agent.journal_opening import open_journal
from agent.ledger import Ledger
from agent.programme import part_of
from schedules.cue import decide
from wire.ids import LatenessRule, Outcome, OutcomeReason
from wire.messages import Lateness, PlannedOccurrence, PlaybackReport

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


def report(number: int) -> PlaybackReport:
    start = NOW + timedelta(days=number)
    return PlaybackReport(id=f"r{number}", occurrence=f"a@{start:%Y%m%dT%H%M%SZ}", outcome=Outcome.PLAYED)


def reopened(folder: Path, now: datetime = NOW, *, clock_trusted: bool = True) -> Ledger:
    ledger = Ledger(Journal(folder / "journal.sqlite"))
    ledger.load(now, clock_trusted=clock_trusted)
    return ledger


async def test_a_restart_in_the_middle_leaves_an_honest_count(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    part = part_of(make_planned(start=NOW), "ta-van", depth=1)
    id_ = part.planned.id
    ledger = reopened(tmp_path)
    await ledger.begin(part, NOW)
    ledger.note_first_frame(id_, NOW, 0.4)
    ledger.note_sounded(id_, 4.0)
    await ledger.write()

    ledger = reopened(tmp_path)
    row = ledger.begun[id_]
    assert (row.sounded_s, row.interrupted, row.interrupted_by) == (4.0, True, OutcomeReason.STATION_OFF)
    await ledger.begin(part, NOW + timedelta(seconds=6))
    ledger.note_first_frame(id_, NOW + timedelta(seconds=6), 99.0)
    assert not ledger.begun[id_].interrupted
    assert ledger.begun[id_].begun_at == NOW
    done = await ledger.finish(part, 8.0, NOW + timedelta(seconds=10))

    assert (done.outcome, done.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.STATION_OFF)
    assert (done.seconds_played, done.seconds_planned) == (8.0, 10.0)
    assert (done.started_at, done.start_error_ms) == (NOW, 0.4)
    ledger = reopened(tmp_path)
    assert ledger.ended == {id_}
    assert ledger.begun == {}
    assert ledger.journal.outbox(10) == (done,)


async def test_what_was_only_armed_when_the_power_went_has_not_begun(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    part = part_of(make_planned(start=NOW), "ta-van", depth=1)
    await reopened(tmp_path).begin(part, NOW + timedelta(seconds=1))
    assert reopened(tmp_path).begun == {}
    await reopened(tmp_path).begin(part, NOW)
    assert reopened(tmp_path).begun[part.planned.id].interrupted


@pytest.mark.parametrize("clock_trusted", [False, True])
async def test_what_was_heard_has_begun_although_the_clock_came_up_behind(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence], clock_trusted: bool
) -> None:
    """A board without a clock loses power 3 s into a *skip*, before its first frame count is on disk."""
    skip = Lateness(rule=LatenessRule.SKIP, grace_s=300)
    part = part_of(make_planned(start=NOW, lateness=skip), "ta-van", depth=1)
    id_ = part.planned.id
    ledger = reopened(tmp_path)
    await ledger.begin(part, NOW)
    ledger.note_first_frame(id_, NOW, 0.4)
    await ledger.write()

    ledger = reopened(tmp_path, NOW - timedelta(hours=3), clock_trusted=clock_trusted)
    cue = decide(NOW + timedelta(minutes=1), [part.occurrence], ledger.progress(), None, None)

    assert cue.sound is None
    assert [ending.outcome for ending in cue.endings] == [Outcome.PARTLY_PLAYED]


async def test_without_a_trusted_clock_nobody_can_say_that_it_was_only_armed(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    part = part_of(make_planned(start=NOW), "ta-van", depth=1)
    await reopened(tmp_path).begin(part, NOW)
    ledger = reopened(tmp_path, NOW - timedelta(hours=3), clock_trusted=False)
    assert set(ledger.begun) == {part.planned.id}


async def test_all_frames_heard_is_played_and_half_a_second_less_still_is(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    ledger = reopened(tmp_path)
    for schedule, sounded_s, outcome in (
        ("a", 10.0, Outcome.PLAYED),
        ("b", 9.6, Outcome.PLAYED),
        ("c", 9.4, Outcome.PARTLY_PLAYED),
    ):
        part = part_of(make_planned(start=NOW, schedule=schedule), "ta-van", depth=1)
        await ledger.begin(part, NOW)
        assert (await ledger.finish(part, sounded_s, NOW)).outcome is outcome


async def test_why_it_was_silent_at_first_is_why_it_is_only_partly_played(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    part = part_of(make_planned(start=NOW), "ta-van", depth=1)
    ledger = reopened(tmp_path)
    ledger.held[part.planned.id] = OutcomeReason.SOUND_MISSING
    assert ledger.progress()[part.planned.id].interrupted_by is OutcomeReason.SOUND_MISSING
    await ledger.begin(part, NOW)
    assert (await ledger.finish(part, 3.0, NOW)).reason is OutcomeReason.SOUND_MISSING


async def test_what_nobody_heard_has_not_begun(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    heard, unheard = (part_of(make_planned(start=NOW, schedule=name), "ta-van", depth=1) for name in "ab")
    ledger = reopened(tmp_path)
    for part in (heard, unheard):
        await ledger.begin(part, NOW)
    ledger.note_sounded(heard.planned.id, 1.0)
    for part in (heard, unheard):
        ledger.note_not_begun(part.planned.id)
    await ledger.write()
    assert set(reopened(tmp_path).begun) == {heard.planned.id}


def test_an_occurrence_has_one_end_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.end([report(1)], NOW)
    journal.end([report(1).model_copy(update={"id": "again"})], NOW)
    assert [owed.id for owed in journal.outbox(10)] == ["r1"]


def test_the_outbox_keeps_its_order_until_acknowledged(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.end([report(number) for number in range(30)], NOW)
    assert [one.id for one in journal.outbox(2)] == ["r0", "r1"]
    journal.acknowledge(["r0", "r2", "unheard-of"])
    assert [one.id for one in journal.outbox(2)] == ["r1", "r3"]
    assert journal.owed() == 28
    journal.acknowledge([f"r{number}" for number in range(30)])
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.owed() == 0
    assert len(journal.delivered()) == 20
    assert journal.delivered()[0].id == "r29"


def test_old_ends_are_forgotten_and_recent_ones_are_not(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.end([report(1)], NOW)
    journal.end([report(20)], NOW + timedelta(days=20))
    journal.forget(NOW + timedelta(days=31), days=30)
    assert journal.ended() == {report(20).occurrence}


async def test_an_end_noted_by_a_clock_that_is_behind_is_remembered_as_long_as_any(
    tmp_path: Path, make_planned: Callable[..., PlannedOccurrence]
) -> None:
    part = part_of(make_planned(start=NOW), "ta-van", depth=1)
    ledger = reopened(tmp_path)
    await ledger.end(part, Outcome.PARTLY_PLAYED, OutcomeReason.STATION_OFF, NOW - timedelta(days=2000))
    await ledger.forget(NOW + timedelta(days=1), days=30)
    assert reopened(tmp_path).ended == {part.planned.id}


def full_journal(file: Path) -> None:
    with closing(Journal(file)) as journal:
        journal.end([report(number) for number in range(200)], NOW)


def no_database(file: Path) -> None:
    file.write_bytes(b"\x00 the card has rotted" * 1000)


def rotted_page(file: Path) -> None:
    full_journal(file)
    content = bytearray(file.read_bytes())
    content[-8192:] = b"\xff" * 8192
    file.write_bytes(content)


def rotted_row(file: Path) -> None:
    full_journal(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("update outbox set report = '{' where id = 'r7'")
        database.commit()


@pytest.mark.parametrize("damage", [no_database, rotted_page, rotted_row])
def test_a_damaged_journal_is_put_aside_and_begun_anew(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "journal.sqlite"
    damage(file)
    rotten = file.read_bytes()
    with closing(open_journal(file)) as journal:
        assert journal.owed() == 0
        journal.end([report(1)], NOW)
    assert file.with_name("journal.sqlite.damaged").read_bytes() == rotten
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]
    with closing(open_journal(file)) as journal:
        assert journal.owed() == 1


def test_a_journal_that_is_busy_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "journal.sqlite"
    full_journal(file)

    def busy(_: Journal) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Journal, "check", busy)
    with pytest.raises(sqlite3.OperationalError):
        open_journal(file)
    with closing(Journal(file)) as journal:
        assert journal.owed() == 200
