"""The conductor in real time on a WAV speaker: what it does when the world is not as planned."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.conducted import Bench
from wire.ids import ClockTrust, LatenessRule, Outcome, OutcomeReason, Priority
from wire.messages import Item, Lateness, QuietHours
from wire.signing import SigningKey


@pytest.fixture
def bench(tmp_path: Path, key: SigningKey) -> Bench:
    return Bench(tmp_path, key)


@pytest.fixture
def sound(bench: Bench, make_sound: Callable[..., Any]) -> Any:
    return make_sound(bench.folder / "sound", 1.0)[0]


async def test_quiet_hours_hold_whatever_the_plan_says_but_not_for_an_emergency(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    now = datetime.now(UTC)
    quiet = QuietHours(begins=(now - timedelta(hours=1)).time(), ends=(now + timedelta(hours=1)).time())
    bench.hold(make_card(quiet_hours=quiet, zone="UTC"))
    normal = make_planned(sound, start=bench.soon(), volume=100)
    alarm = make_planned(sound, start=bench.soon(), schedule="khan-cap", priority=Priority.EMERGENCY)
    bench.hold(make_layer(normal, alarm))
    async with bench.running():
        reports = await bench.until(lambda: len(found := bench.journal.outbox(9)) == 2 and found)
    outcomes = {report.occurrence: (report.outcome, report.reason) for report in reports}
    assert outcomes[normal.id] == (Outcome.SKIPPED, OutcomeReason.QUIET_HOURS)
    assert outcomes[alarm.id] == (Outcome.PLAYED, None)
    assert len(bench.heard()) == 1


async def test_without_a_trusted_clock_nothing_sounds_by_schedule(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.clock.trusted = ClockTrust.UNKNOWN
    bench.hold(make_card())
    planned = make_planned(sound, start=bench.soon())
    bench.hold(make_layer(planned))
    async with bench.running():
        await bench.until(lambda: bench.ledger.held)
        assert bench.ledger.held == {planned.id: OutcomeReason.CLOCK_UNTRUSTED}
        assert bench.heard() == []


async def test_a_loudspeaker_that_comes_back_is_joined_in_the_middle(
    bench: Bench, make_sound: Any, make_card: Any, make_layer: Any, make_planned: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("agent.conductor.SPEAKER_RETRY_S", 0.8)
    item, _ = make_sound(bench.folder / "sound", 3.0)
    bench.speaker.refusals = 1
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(item, start=bench.soon(0.1))))
    async with bench.running():
        report = await bench.report()
    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.SPEAKER_FAILED)
    assert 0.5 < report.seconds_played < 2.6


async def test_a_loudspeaker_that_stays_broken_is_a_failure(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("agent.conductor.SPEAKER_RETRY_S", 0.2)
    bench.speaker.refusals = 1000
    bench.hold(make_card())
    skip = Lateness(rule=LatenessRule.SKIP, grace_s=0.5)
    bench.hold(make_layer(make_planned(sound, start=bench.soon(), lateness=skip)))
    async with bench.running():
        report = await bench.report()
    assert (report.outcome, report.reason) == (Outcome.FAILED, OutcomeReason.SPEAKER_FAILED)
    assert report.seconds_played == 0


async def test_a_sound_that_nobody_can_decode_is_a_failure_at_once(
    bench: Bench, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    content = b"OggS but nothing else"
    sha256 = hashlib.sha256(content).hexdigest()
    bench.files.path(sha256).write_bytes(content)
    item = Item(sha256=sha256, seconds=5, size_bytes=len(content))
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(item, start=bench.soon())))
    async with bench.running():
        report = await bench.report(within_s=3)
    assert (report.outcome, report.reason) == (Outcome.FAILED, OutcomeReason.SOUND_UNREADABLE)
    assert bench.files.has(sha256)


async def test_a_rotted_sound_is_thrown_away_to_be_fetched_again(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.files.path(sound.sha256).write_bytes(b"rotted")
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=bench.soon())))
    async with bench.running():
        report = await bench.report()
    assert report.outcome is Outcome.FAILED
    assert not bench.files.has(sound.sha256)


async def test_a_missing_second_item_ends_what_the_first_began(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    missing = sound.model_copy(update={"sha256": "b" * 64})
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, missing, start=bench.soon())))
    async with bench.running():
        report = await bench.report()
    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.SOUND_MISSING)
    assert abs(report.seconds_played - 1.0) < 0.1


async def test_a_cancelled_start_leaves_no_trace(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=bench.soon(1.0)), version=1))
    async with bench.running():
        await bench.until(lambda: bench.conductor.stage.run)
        bench.hold(make_layer(version=2))
        await bench.until(lambda: bench.conductor.stage.run is None)
        await asyncio.sleep(1.2)
    assert bench.heard() == []
    assert bench.journal.outbox(9) == ()
    assert bench.journal.begun() == {}


async def test_a_clock_that_is_set_while_armed_moves_the_start(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=bench.soon(1.8))))
    async with bench.running():
        await bench.until(lambda: bench.conductor.stage.run)
        bench.clock.shift = timedelta(seconds=1)
        bench.conductor.poke()
        report = await bench.report()
    assert report.outcome is Outcome.PLAYED
    assert report.start_error_ms is not None and abs(report.start_error_ms) < 50


async def test_a_clock_set_back_across_the_start_repeats_nothing(
    bench: Bench, make_sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    item, _ = make_sound(bench.folder / "sound", 3.0)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(item, start=bench.soon(0.5))))
    async with bench.running():
        await bench.until(lambda: (now := bench.conductor.now_playing()) and now.position_s >= 0.5)
        bench.clock.shift = timedelta(seconds=-3)
        bench.conductor.poke()
        report = await bench.report()
    assert report.outcome is Outcome.PLAYED
    assert abs(report.seconds_played - 3.0) < 0.1
    assert len(bench.heard()) == 1


async def test_a_plan_that_changes_while_armed_is_what_is_heard(
    bench: Bench, make_sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    old, _ = make_sound(bench.folder / "sound", 1.0, seed=1)
    new, _ = make_sound(bench.folder / "sound", 2.0, seed=2)
    start = bench.soon(1.5)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(old, start=start)))
    async with bench.running():
        await bench.until(lambda: bench.conductor.stage.run)
        bench.hold(make_layer(make_planned(new, start=start), version=2))
        report = await bench.report()
    assert (report.outcome, report.seconds_planned) == (Outcome.PLAYED, 2.0)
    assert abs(report.seconds_played - 2.0) < 0.1
    assert len(bench.heard()) == 1


@pytest.mark.parametrize("changed", ["plan", "card"])
async def test_a_volume_that_changes_while_armed_holds_from_the_first_sample(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any, changed: str
) -> None:
    start = bench.soon(1.5)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=start, volume=80)))
    async with bench.running():
        await bench.until(lambda: bench.conductor.stage.run)
        if changed == "plan":
            bench.hold(make_layer(make_planned(sound, start=start, volume=40), version=2))
        else:
            bench.hold(make_card(version=2, volume_max=40))
        volume = await bench.until(bench.conductor.volume)
    assert volume == 40


async def test_a_new_station_is_not_to_blame_for_what_was_over_before_it_came(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    yesterday = make_planned(sound, start=bench.soon(-20 * 3600), schedule="hom-qua")
    today = make_planned(sound, start=bench.soon())
    bench.hold(make_card())
    bench.hold(make_layer(yesterday, today))
    async with bench.running():
        report = await bench.report()
    assert report.occurrence == today.id
    assert bench.journal.owed() == 1


async def test_what_it_slept_through_in_an_area_it_knows_is_reported(
    bench: Bench, key: SigningKey, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=bench.soon(1800))))
    async with bench.running():
        await bench.until(lambda: bench.ledger.known_since)
    later = Bench(bench.folder, key)
    later.clock.shift = timedelta(hours=1)
    async with later.running():
        report = await later.report()
    assert (report.outcome, report.reason) == (Outcome.MISSED, OutcomeReason.STATION_OFF)


async def test_a_station_that_moves_starts_afresh_in_the_new_area(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.hold(make_card())
    bench.hold(make_layer(area="ta-van"))
    async with bench.running():
        await bench.until(lambda: bench.ledger.known_since)
        bench.hold(make_card(version=2, areas=("lao-cai", "ban-ho")))
        bench.hold(make_layer(make_planned(sound, start=bench.soon(-3600)), area="ban-ho"))
        await bench.until(lambda: set(bench.ledger.known_since) == {"ban-ho"})
    assert bench.journal.known_since() == bench.ledger.known_since
    assert bench.journal.owed() == 0


async def test_a_clock_that_is_not_trusted_dates_nothing(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    bench.clock.trusted, bench.clock.shift = ClockTrust.UNKNOWN, -timedelta(days=2000)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=datetime.now(UTC) - timedelta(hours=20))))
    async with bench.running():
        await asyncio.sleep(0.2)
        assert bench.ledger.known_since == {}
        bench.clock.trusted, bench.clock.shift = ClockTrust.TRUSTED, timedelta(0)
        bench.conductor.poke()
        await bench.until(lambda: bench.ledger.known_since)
    assert bench.journal.owed() == 0


async def test_between_two_broadcasts_the_disk_is_asked_only_for_an_end_and_a_beginning(
    bench: Bench, sound: Any, make_card: Any, make_layer: Any, make_planned: Any, monkeypatch: Any
) -> None:
    """Each write may cost a slow card a tenth of a second, and the next broadcast waits for all of them."""
    writes: list[str] = []

    def watched(name: str) -> Callable[..., Any]:
        real = getattr(bench.journal, name)

        def write(*values: Any) -> Any:
            writes.append(name)
            return real(*values)

        return write

    for name in ("begin", "first_frame", "sounded", "interrupted", "end"):
        monkeypatch.setattr(bench.journal, name, watched(name))
    start = bench.soon(0.5)
    next_start = start + timedelta(seconds=sound.seconds)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(sound, start=start), make_planned(sound, start=next_start)))
    async with bench.running():
        reports = await bench.until(lambda: len(found := bench.journal.outbox(9)) == 2 and found)
    assert writes == ["begin", "first_frame", "end"] * 2
    assert [report.outcome for report in reports] == [Outcome.PLAYED] * 2


async def test_who_joins_in_the_middle_is_at_its_place_however_slow_the_disk_is(
    bench: Bench, make_sound: Any, make_card: Any, make_layer: Any, make_planned: Any, monkeypatch: Any
) -> None:
    begin = bench.journal.begin

    def slowly(*values: Any) -> None:
        time.sleep(1.5)  # The card's own time: it is what this test is about.
        begin(*values)

    monkeypatch.setattr(bench.journal, "begin", slowly)
    item, _ = make_sound(bench.folder / "sound", 6.0)
    bench.hold(make_card())
    bench.hold(make_layer(make_planned(item, start=bench.soon(-1.0))))
    async with bench.running():
        report = await bench.report(within_s=15)
    assert report.start_error_ms is not None
    assert abs(report.start_error_ms) < 1_000
    assert report.seconds_played < 4.0


async def test_the_end_of_the_program_is_an_interruption_that_the_next_life_knows_of(
    bench: Bench, make_sound: Any, make_card: Any, make_layer: Any, make_planned: Any
) -> None:
    item, _ = make_sound(bench.folder / "sound", 5.0)
    planned = make_planned(item, start=bench.soon(0.1))
    bench.hold(make_card())
    bench.hold(make_layer(planned))
    async with bench.running():
        await bench.until(lambda: (now := bench.conductor.now_playing()) and now.position_s >= 0.5)
    row = bench.journal.begun()[planned.id]
    assert row.interrupted and row.interrupted_by is OutcomeReason.STATION_OFF
    assert 0.4 <= row.sounded_s <= 2.0
