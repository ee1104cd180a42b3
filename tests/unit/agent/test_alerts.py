"""Alerts on a station in real time, on a WAV speaker: what is heard, and what is told of it."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wire.ids import ClockTrust, LatenessRule, Outcome, OutcomeReason, Severity
from wire.messages import Item, Lateness


async def test_an_alert_cuts_in_at_the_emergency_volume_and_the_programme_goes_on_afterwards(
    life: Any,
    sound: Any,
    make_layer: Any,
    make_planned: Any,
    make_alert: Any,
    make_board: Any,
    record_property: Any,
) -> None:
    song = make_planned(sound(5.0, 1), start=life.clock.now() + timedelta(seconds=0.2), volume=100)
    alert = make_alert(sound(0.5, 2), sound(0.5, 3))
    await life.take(make_layer(song))
    async with life.running():
        await life.until(lambda: life.playing() == song.id)
        began_s = time.monotonic()
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        took_s = time.monotonic() - began_s
        assert life.conductor.volume() == 90
        await life.until(lambda: life.playing() == song.id)
        assert life.conductor.volume() == 40
        over = await life.report(song.id)
    record_property("preemption_ms", round(took_s * 1000))
    assert took_s < 0.5
    assert (over.outcome, over.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)
    report = life.reports()[alert.sounding]
    assert (report.outcome, report.seconds_planned) == (Outcome.PLAYED, 1.0)
    assert [name for name, _ in life.heard()] == [song.id, alert.sounding, song.id]


async def test_an_update_silences_the_old_sound_and_is_heard_in_its_place(
    life: Any, sound: Any, make_alert: Any, make_board: Any, record_property: Any
) -> None:
    first = make_alert(sound(0.3, 1), sound(5.0, 2))
    second = make_alert(sound(0.3, 1), sound(0.5, 3), revision=2)
    async with life.running():
        await life.take(make_board(first))
        await life.until(lambda: life.playing() == first.sounding)
        began_s = time.monotonic()
        await life.take(make_board(second, version=2))
        await life.until(lambda: life.playing() == second.sounding)
        record_property("update_ms", round((time.monotonic() - began_s) * 1000))
        replaced = await life.report(first.sounding)
        heard = await life.report(second.sounding)
    assert (replaced.outcome, replaced.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)
    assert (heard.outcome, heard.seconds_played) == (Outcome.PLAYED, 0.8)


async def test_a_cancel_silences_at_once_and_says_how_much_was_heard(
    life: Any, sound: Any, make_alert: Any, make_board: Any, record_property: Any
) -> None:
    alert = make_alert(sound(0.3, 1), sound(5.0, 2))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        began_s = time.monotonic()
        await life.take(make_board(version=2))
        took_s = time.monotonic() - began_s
        assert life.playing() is None
        report = await life.report(alert.sounding)
    record_property("cancel_ms", round(took_s * 1000))
    assert took_s < 0.5
    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)
    assert 0 < report.seconds_played < 2
    [(name, seconds)] = life.heard()
    assert name == alert.sounding
    assert seconds == pytest.approx(report.seconds_played, abs=0.02)


async def test_cancelled_before_it_was_heard_is_skipped_because_withdrawn(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    loud = make_alert(sound(0.3, 1), sound(3.0, 2), severity=Severity.EXTREME)
    waiting = make_alert(sound(0.3, 1), sound(1.0, 3), number=2)
    async with life.running():
        await life.take(make_board(loud, waiting))
        await life.until(lambda: life.playing() == loud.sounding)
        await life.take(make_board(loud, version=2))
        report = await life.report(waiting.sounding)
    assert (report.outcome, report.reason) == (Outcome.SKIPPED, OutcomeReason.WITHDRAWN)
    assert report.seconds_played == 0


async def test_a_worse_alert_cuts_in_and_the_lesser_one_goes_on_where_it_stopped(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    minor = make_alert(sound(0.3, 1), sound(1.5, 2), severity=Severity.MINOR)
    extreme = make_alert(sound(0.3, 1), sound(0.4, 3), number=2, severity=Severity.EXTREME)
    async with life.running():
        await life.take(make_board(minor))
        await life.until(lambda: (now := life.conductor.now_playing()) and now.position_s > 0.6)
        await life.take(make_board(minor, extreme, version=2))
        await life.until(lambda: life.playing() == extreme.sounding)
        report = await life.report(minor.sounding)
    assert report.outcome is Outcome.PLAYED
    assert report.seconds_played == pytest.approx(1.8, abs=0.02)
    names = [name for name, _ in life.heard()]
    assert names == [minor.sounding, extreme.sounding, minor.sounding]
    assert life.heard()[0][1] + life.heard()[2][1] == pytest.approx(1.8, abs=0.02)


async def test_of_two_equal_alerts_the_one_that_sounds_goes_on_and_the_other_follows(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    first = make_alert(sound(0.3, 1), sound(0.7, 2))
    second = make_alert(sound(0.3, 1), sound(0.4, 3), number=2)
    async with life.running():
        await life.take(make_board(first))
        await life.until(lambda: life.playing() == first.sounding)
        await life.take(make_board(first, second, version=2))
        await life.report(second.sounding)
    assert life.heard() == [(first.sounding, 1.0), (second.sounding, 0.7)]


async def test_a_restart_in_the_middle_goes_on_and_nothing_is_heard_twice(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(sound(0.3, 1), sound(2.5, 2))
    board = make_board(alert)
    async with life.running():
        await life.take(board)
        await life.until(lambda: (now := life.conductor.now_playing()) and now.position_s > 1.4)
    next_life = life.again()
    async with next_life.running():
        report = await next_life.report(alert.sounding)
        await next_life.take(board)
        await next_life.take(make_board(alert, version=2))
        await next_life.until(lambda: not next_life.playing())
    assert (report.outcome, report.reason) == (Outcome.PLAYED, None)
    first, second = (seconds for _, seconds in life.heard())
    assert first + second == pytest.approx(2.8, abs=0.03)
    assert report.seconds_played == pytest.approx(2.8, abs=0.03)


async def test_a_longer_validity_of_the_same_sounding_is_not_heard_again(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    alert = make_alert(sound(0.3, 1), sound(0.3, 2))
    longer = alert.model_copy(
        update={"revision": 2, "expires_at": alert.expires_at + timedelta(hours=1)}, deep=True
    )
    async with life.running():
        await life.take(make_board(alert))
        await life.report(alert.sounding)
        await life.take(make_board(longer, version=2))
        await life.take(make_board(longer, area="lao-cai"))
        await asyncio.sleep(0.5)
    assert life.heard() == [(alert.sounding, 0.6)]
    assert list(life.agenda.alerts.in_force()) == []


async def test_a_late_comer_hears_it_from_its_beginning_unless_its_rule_says_otherwise(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    signal, voice = sound(0.3, 1), sound(0.3, 2)
    sent_at = clock.now() - timedelta(minutes=5)
    late = make_alert(signal, voice, sent_at=sent_at)
    only_now = make_alert(
        signal, voice, number=2, sent_at=sent_at, lateness=Lateness(rule=LatenessRule.SKIP, grace_s=60)
    )
    async with life.running():
        await life.take(make_board(late, only_now))
        played = await life.report(late.sounding)
        skipped = await life.report(only_now.sounding)
    assert (played.outcome, played.seconds_played) == (Outcome.PLAYED, 0.6)
    assert (skipped.outcome, skipped.reason) == (Outcome.MISSED, OutcomeReason.STATION_OFF)


async def test_what_expires_unheard_is_missed_and_says_why(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    nowhere = Item(sha256="b" * 64, seconds=3.0, size_bytes=9)
    soon = clock.now() + timedelta(seconds=1.5)
    silent = make_alert(nowhere, nowhere, number=1, expires_at=soon)
    signal, voice = sound(0.3, 1), sound(0.3, 2)
    waiting = make_alert(signal, voice, number=2, severity=Severity.MINOR, expires_at=soon)
    loud = make_alert(sound(0.3, 1), sound(3.0, 3), number=3, severity=Severity.EXTREME)
    async with life.running():
        await life.take(make_board(silent, waiting, loud))
        await life.until(lambda: life.playing() == loud.sounding)
        missing, held = await life.report(silent.sounding), await life.report(waiting.sounding)
        assert life.playing() == loud.sounding
        assert (await life.report(loud.sounding)).outcome is Outcome.PLAYED
    assert (missing.outcome, missing.reason) == (Outcome.FAILED, OutcomeReason.SOUND_MISSING)
    assert (held.outcome, held.reason) == (Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)


async def test_without_a_trusted_clock_it_sounds_and_expires_by_its_age_here(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    """The board believes it is 1970; the alert came in, was held back by a worse one, and is over by age."""
    clock.trusted = ClockTrust.UNKNOWN
    waiting = make_alert(sound(0.3, 1), sound(0.3, 2), severity=Severity.MINOR)
    loud = make_alert(sound(0.3, 1), sound(2.0, 3), number=2, severity=Severity.EXTREME)
    clock.shift = -timedelta(days=20_000)
    async with life.running():
        await life.take(make_board(waiting, loud))
        await life.until(lambda: life.playing() == loud.sounding)
    assert waiting.sounding not in life.reports()
    clock.ahead_s += 601
    next_life = life.again()
    async with next_life.running():
        over = await next_life.report(waiting.sounding)
    assert over.outcome is Outcome.MISSED
    assert waiting.sounding not in dict(next_life.heard())


async def test_all_clear_only_where_the_alert_was_heard(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    signal, voice = sound(0.3, 1), sound(0.4, 2)
    alert = make_alert(signal, sound(3.0, 3))
    clear = make_alert(signal, voice, revision=2, only_after=(alert.sounding,))
    other = make_alert(signal, voice, number=2, revision=2, only_after=("kc-x-r1@20261123T000000Z",))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        await life.take(make_board(clear, other, version=2))
        await life.until(lambda: life.playing() == clear.sounding)
        passed_over = await life.report(other.sounding)
        assert (await life.report(clear.sounding)).outcome is Outcome.PLAYED
    assert (passed_over.outcome, passed_over.reason) == (Outcome.SKIPPED, OutcomeReason.NOTHING_BEFORE)
    again = life.again()
    repeated = make_alert(signal, voice, revision=3, only_after=(alert.sounding,))
    async with again.running():
        await again.take(make_board(repeated, version=3))
        assert (await again.report(repeated.sounding)).outcome is Outcome.PLAYED


async def test_speech_that_has_not_come_is_replaced_by_the_standing_message_and_said_so(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    standing = sound(0.5, 2)
    fresh = Item(sha256="c" * 64, seconds=9.0, size_bytes=9, instead=standing)
    alert = make_alert(sound(0.4, 1), fresh, repeats=2)
    async with life.running():
        await life.take(make_board(alert))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD)
    assert (report.seconds_played, report.seconds_planned) == (1.4, 1.4)


async def test_speech_that_comes_while_the_signal_sounds_is_heard(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    fresh = sound(0.6, 3)
    arriving = life.files.path(fresh.sha256).rename(life.folder / "on-its-way")
    alert = make_alert(sound(2.0, 1), fresh.model_copy(update={"instead": sound(0.2, 2)}))
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        arriving.rename(life.files.path(fresh.sha256))
        report = await life.report(alert.sounding)
    assert (report.reason, report.seconds_played) == (None, 2.6)


async def test_while_its_speech_is_missing_the_programme_goes_on_and_then_the_alert(
    life: Any, sound: Any, make_layer: Any, make_planned: Any, make_alert: Any, make_board: Any
) -> None:
    song = make_planned(sound(30.0, 1), start=life.clock.now() + timedelta(seconds=0.2))
    fresh = sound(0.6, 3)
    arriving = life.files.path(fresh.sha256).rename(life.folder / "on-its-way")
    alert = make_alert(sound(0.317, 2), fresh)
    await life.take(make_layer(song))
    async with life.running():
        await life.until(lambda: life.playing() == song.id)
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        await life.until(lambda: life.playing() == song.id)
        await asyncio.sleep(2.5)
        assert [name for name, _ in life.heard()] == [song.id, alert.sounding, song.id]
        arriving.rename(life.files.path(fresh.sha256))
        life.conductor.poke()
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, 0.917)


async def test_what_stood_in_is_remembered_over_a_restart(
    life: Any, clock: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    standing = sound(2.5, 2)
    fresh = Item(sha256="c" * 64, seconds=9.0, size_bytes=9, instead=standing)
    alert = make_alert(sound(0.3, 1), fresh)
    async with life.running():
        await life.take(make_board(alert))
        await life.until(lambda: (now := life.conductor.now_playing()) and now.position_s > 1.5)
    next_life = life.again()
    async with next_life.running():
        report = await next_life.report(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD)
    assert report.seconds_planned == pytest.approx(2.8)
    assert sum(seconds for _, seconds in life.heard()) == pytest.approx(2.8, abs=0.03)


async def test_no_disk_is_waited_for_before_the_first_sample(
    life: Any, sound: Any, make_alert: Any, make_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory card that takes two seconds for every write."""
    signal = sound(0.3, 1)
    alert = make_alert(signal, sound(0.3, 2))
    written: list[float] = []

    def slowly(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*values: Any, **_: Any) -> Any:
            written.append(time.monotonic())
            time.sleep(2)
            return original(*values)

        return write

    async with life.running():
        await asyncio.sleep(0.1)
        monkeypatch.setattr("agent.signed_files.write_durably", slowly(lambda *_: None))
        monkeypatch.setattr(life.journal, "begin", slowly(life.journal.begin))
        began_s = time.monotonic()
        await life.take(make_board(alert))
        first = await life.until(lambda: life.conductor.stage.first_frame_at(alert.sounding))
        assert time.monotonic() - began_s < 0.5
        assert first is not None
        assert not written
        await life.report(alert.sounding)
    assert len(written) >= 2


async def test_a_signal_held_in_memory_begins_without_its_file(
    life: Any, sound: Any, make_alert: Any, make_board: Any
) -> None:
    signal = sound(1.6, 1)
    alert = make_alert(signal, sound(0.3, 2))
    async with asyncio.TaskGroup() as group:
        decoding = group.create_task(life.beginnings.run())
        life.beginnings.want([signal.sha256])
        await life.until(lambda: life.beginnings.of(signal.sha256) is not None)
        decoding.cancel()
    async with life.running():
        await life.take(make_board(alert))
        report = await life.report(alert.sounding)
    assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, 1.9)
