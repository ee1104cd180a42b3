"""The one decision about alerts: CONTINUE, from the beginning however late."""

from dataclasses import replace
from typing import Any

import pytest

from schedules.cue import Progress, decide
from tests.support.cue import AT_17_01, BEGUN, CRASHED, after, alert, outcomes
from wire.ids import Outcome, OutcomeReason


@pytest.mark.parametrize("late_s", [0, 20, 59.5, 60, 599.9])
def test_continue_sounds_from_its_beginning_however_late(late_s: float) -> None:
    cue = decide(after(late_s), [alert()], {}, None, AT_17_01, up_since=after(late_s))
    assert (cue.sound, cue.from_s) == (alert(), 0.0)


@pytest.mark.parametrize("now_s", [61, 300, 599.9])
def test_continue_goes_on_where_it_stopped(now_s: float) -> None:
    cue = decide(after(now_s), [alert()], {"alert": replace(CRASHED, sounded_s=12.5)}, None, None)
    assert (cue.sound, cue.from_s) == (alert(), 12.5)


def test_continue_is_over_at_the_very_instant_its_grace_ends() -> None:
    cue = decide(after(600), [alert()], {}, None, None)
    assert outcomes(cue) == [("alert", Outcome.MISSED, OutcomeReason.EXPIRED)]


def test_what_expires_says_what_really_kept_it_silent() -> None:
    def ending(
        progress: dict[str, Progress], **known: Any
    ) -> list[tuple[str, Outcome, OutcomeReason | None]]:
        return outcomes(decide(after(600), [alert()], progress, None, None, **known))

    held = Progress(interrupted_by=OutcomeReason.HIGHER_PRIORITY)
    assert ending({"alert": held}) == [("alert", Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)]
    assert ending({}, unready={"alert"}) == [("alert", Outcome.FAILED, OutcomeReason.SOUND_MISSING)]
    assert ending({}, up_since=after(601)) == [("alert", Outcome.MISSED, OutcomeReason.STATION_OFF)]
    assert ending({"alert": replace(CRASHED, sounded_s=5)}) == [
        ("alert", Outcome.PARTLY_PLAYED, OutcomeReason.INTERRUPTED)
    ]


def test_what_sounds_when_its_grace_ends_is_heard_to_its_end() -> None:
    cue = decide(after(600), [alert()], {"alert": BEGUN}, "alert", None)
    assert (cue.sound, cue.endings) == (alert(), ())


def test_a_worse_alert_cuts_in_and_the_lesser_one_waits() -> None:
    minor, extreme = alert("minor", rank=1), alert("extreme", 5, rank=4)
    cue = decide(after(5), [minor, extreme], {"minor": BEGUN}, "minor", None)
    assert (cue.sound, cue.endings) == (extreme, ())
    assert cue.held == {"minor": OutcomeReason.HIGHER_PRIORITY}


def test_an_equal_alert_waits_for_the_one_that_sounds() -> None:
    first, second = alert("first", 5), alert("second", 0)
    cue = decide(after(6), [first, second], {"first": BEGUN}, "first", None)
    assert cue.sound is first
    assert cue.wake_at == after(600)


def test_an_alert_needs_no_trusted_clock_to_sound_or_to_expire() -> None:
    assert decide(after(599), [alert()], {}, None, None, clock_trusted=False).sound == alert()
    over = decide(after(600), [alert()], {}, None, None, clock_trusted=False)
    assert outcomes(over) == [("alert", Outcome.MISSED, OutcomeReason.EXPIRED)]
