"""Which alert takes the loudspeaker, and how one ends that was not heard, or not to its end."""

import asyncio
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from wire.ids import ClockTrust, Outcome, OutcomeReason, Severity
from wire.messages import Item

NOWHERE = Item(sha256="b" * 64, seconds=5.0, size_bytes=100)


async def test_a_drill_does_not_keep_a_real_alert_waiting(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    drill = make_alert(sound(0.3, 1), sound(2.0, 2), severity=Severity.EXTREME, drill=True)
    real = make_alert(sound(0.3, 3), sound(0.4, 4), number=2, severity=Severity.MINOR)
    async with life.running():
        await life.take(make_board(drill))
        await life.until(lambda: life.playing() == drill.sounding)
        await life.take(make_board(drill, real, version=2))
        await life.until(lambda: life.playing() == real.sounding)
        assert (await life.report(drill.sounding)).outcome is Outcome.PLAYED
    assert [name for name, _ in life.heard()] == [drill.sounding, real.sounding, drill.sounding]


async def test_an_all_clear_waits_for_the_end_of_another_alert(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    over = make_alert(sound(0.3, 1), sound(0.3, 2), severity=Severity.EXTREME)
    real = make_alert(sound(0.3, 3), sound(1.5, 4), number=2, severity=Severity.UNKNOWN)
    clear = make_alert(
        sound(0.3, 5), sound(0.3, 6), revision=2, severity=Severity.EXTREME, only_after=(over.sounding,)
    )
    async with life.running():
        await life.take(make_board(over))
        await life.report(over.sounding)
        await life.take(make_board(over, real, version=2))
        await life.until(lambda: life.playing() == real.sounding)
        await life.take(make_board(clear, real, version=3))
        await life.report(clear.sounding)
    assert life.heard()[1:] == [(real.sounding, 1.8), (clear.sounding, 0.6)]


async def test_cancelled_where_its_sound_was_missing_it_has_failed(
    life: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(NOWHERE, NOWHERE)
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: alert.sounding in life.agenda.ledger.held)
        await life.take(make_board(version=2))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.FAILED, OutcomeReason.SOUND_MISSING)


@pytest.mark.parametrize("trust", [ClockTrust.UNKNOWN, ClockTrust.TRUSTED])
async def test_taken_off_when_its_time_was_over_it_ends_as_expired_by_any_clock(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any, trust: ClockTrust
) -> None:
    """The centre's clock is a little ahead of this one, or this one is not believed."""
    clock.trusted = trust
    soon = clock.now() + timedelta(minutes=5)
    loud = make_alert(sound(0.3, 1), sound(1.5, 2), severity=Severity.EXTREME, expires_at=soon)
    missing = make_alert(NOWHERE, NOWHERE, number=2, expires_at=soon)
    waiting = make_alert(sound(0.3, 1), sound(0.5, 4), number=3, severity=Severity.MINOR, expires_at=soon)
    async with life.running():
        await life.take(make_board(loud, missing, waiting))
        await life.until(lambda: life.playing() == loud.sounding)
        await life.until(lambda: {missing.sounding, waiting.sounding} <= set(life.agenda.ledger.held))
        await life.take(make_board(version=2).model_copy(update={"issued_at": soon}))
        reports = [await life.report(one.sounding) for one in (loud, missing, waiting)]
        await asyncio.sleep(0.5)
    assert [(one.outcome, one.reason) for one in reports] == [
        (Outcome.PLAYED, None),
        (Outcome.FAILED, OutcomeReason.SOUND_MISSING),
        (Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY),
    ]
    assert life.heard() == [(loud.sounding, 1.8)]


async def test_a_late_comer_without_a_clock_hears_it_to_its_end(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    clock.trusted = ClockTrust.UNKNOWN
    soon = clock.now() + timedelta(seconds=1)
    alert = make_alert(
        sound(0.3, 1), sound(2.0, 2), sent_at=clock.now() - timedelta(minutes=10), expires_at=soon
    )
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: clock.now() > soon)
        assert life.playing() == alert.sounding
        await life.take(make_board(version=2))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, 2.3)


async def test_expired_unheard_without_a_cause_it_is_missed(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    clock.trusted = ClockTrust.UNKNOWN
    soon = clock.now() + timedelta(minutes=5)
    alert = make_alert(sound(0.3, 1), sound(0.3, 2), expires_at=soon)
    await life.take(make_board(alert))
    await life.take(make_board(version=2).model_copy(update={"issued_at": soon}))
    async with life.running():
        report = await life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.MISSED, OutcomeReason.EXPIRED)
    assert life.heard() == []


async def test_extended_past_all_memory_it_is_not_heard_again(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(sound(0.3, 1), sound(0.3, 2))
    async with life.running():
        await life.take(make_board(alert))
        await life.report(alert.sounding)
    clock.shift = timedelta(days=45)
    longer = alert.model_copy(update={"revision": 2, "expires_at": clock.now() + timedelta(days=1)})
    await life.take(make_board(longer, version=2))
    await life.agenda.alerts.write()
    await life.agenda.ledger.forget(clock.now(), 30, life.agenda.alerts.soundings())
    again = life.again()
    assert alert.sounding in again.agenda.ledger.ended
    assert list(again.agenda.alerts.in_force()) == []
    clear = make_alert(sound(0.3, 1), sound(0.3, 3), revision=3, only_after=(alert.sounding,))
    async with again.running():
        await again.take(make_board(clear.model_copy(update={"sent_at": clock.now()}), version=3))
        await again.until(lambda: again.agenda.ledger.has_been_heard(alert.sounding))
        await again.take(make_board(version=4))
        await again.agenda.ledger.forget(clock.now() + timedelta(days=31), 30)
    assert alert.sounding not in again.journal.heard()


# --- with what is at hand


async def test_without_its_signal_the_voice_is_heard_at_once(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(NOWHERE, sound(0.6, 2))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        assert NOWHERE in list(life.agenda.alert_sound(life.agenda.moment()))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played, report.seconds_planned) == (Outcome.PLAYED, 0.6, 0.6)


async def test_without_signal_and_voice_the_standing_message_is_heard(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    fresh = Item(sha256="c" * 64, seconds=9.0, size_bytes=9, instead=sound(0.5, 2))
    alert = make_alert(NOWHERE, fresh)
    async with life.running():
        await life.take(make_board(alert))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD)
    assert life.heard() == [(alert.sounding, 0.5)]


async def test_interrupted_without_its_signal_it_is_still_withdrawn_by_a_cancel(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(NOWHERE, sound(4.0, 2))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: (now := life.conductor.now_playing()) and now.position_s > 0.3)
    again = life.again()
    async with again.running():
        await again.take(make_board(version=2))
        report = await again.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)


async def test_speech_that_cannot_be_decoded_gives_way_to_the_standing_message(
    life: Any, sound: Any, make_alert: Any, make_board: Any, junk: Item
) -> None:
    fresh = junk.model_copy(update={"instead": sound(0.5, 2)})
    alert = make_alert(sound(0.4, 1), fresh, repeats=2)
    async with life.running():
        await life.take(make_board(alert))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD)
    assert life.heard() == [(alert.sounding, 1.4)]


async def test_a_signal_that_cannot_be_decoded_is_left_out(
    life: Any, sound: Any, make_alert: Any, make_board: Any, junk: Item
) -> None:
    alert = make_alert(junk, sound(0.5, 2))
    async with life.running():
        await life.take(make_board(alert))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, 0.5)


@pytest.fixture
def junk(life: Any) -> Item:
    """What it says, but no sound."""
    content = b"no sound at all" * 100
    item = Item(sha256=hashlib.sha256(content).hexdigest(), seconds=3.0, size_bytes=len(content))
    life.files.path(item.sha256).write_bytes(content)
    return item
