"""The one decision in trouble: interrupted, in quiet hours, without a trusted clock; what is remembered."""

from dataclasses import replace
from datetime import datetime, time

import pytest

from schedules.cue import Cue, Ending, Progress, QuietWindow, advance, decide, finished
from tests.support.cue import AT_17_01, BEGUN, CRASHED, START, after, emergency, one, outcomes
from wire.ids import Outcome, OutcomeReason, Priority

# --- interrupted


@pytest.mark.parametrize("memory", [BEGUN, CRASHED], ids=["nothing noted", "noted"])
def test_after_a_restart_a_skip_is_over_and_a_resume_goes_on(memory: Progress) -> None:
    memories = {"s": memory, "r": memory}
    cue = decide(after(5), [one("s", skip=True), one("r")], memories, None, None)
    assert outcomes(cue) == [("s", Outcome.PARTLY_PLAYED, OutcomeReason.INTERRUPTED)]
    assert (cue.sound, cue.from_s) == (one("r"), 5)


def test_a_begun_resume_whose_end_passed_while_the_station_was_off_is_partly_played() -> None:
    cue = decide(after(500), [one()], {"a": CRASHED}, None, None, up_since=after(400))
    assert outcomes(cue) == [("a", Outcome.PARTLY_PLAYED, OutcomeReason.INTERRUPTED)]


def test_a_crash_after_the_last_sample_does_not_make_it_less_than_played() -> None:
    memory = {"a": replace(CRASHED, sounded_s=60)}
    assert outcomes(decide(after(70), [one(skip=True)], memory, None, None)) == [("a", Outcome.PLAYED, None)]


def test_a_held_resume_that_never_comes_back_names_what_held_it() -> None:
    memory = replace(BEGUN, interrupted=True, interrupted_by=OutcomeReason.HIGHER_PRIORITY)
    cue = decide(after(60), [one(), emergency(at_s=20, seconds=90)], {"a": memory, "e": BEGUN}, "e", None)
    assert outcomes(cue) == [("a", Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)]


# --- quiet hours


def test_what_starts_in_quiet_hours_is_skipped_at_its_start() -> None:
    cue = decide(after(90), [one(at_s=90)], {}, None, AT_17_01)
    assert outcomes(cue) == [("a", Outcome.SKIPPED, OutcomeReason.QUIET_HOURS)]


def test_a_long_one_does_not_join_when_quiet_hours_end() -> None:
    early = QuietWindow(time(16), time(17, 0, 10), "Asia/Ho_Chi_Minh")
    assert decide(after(10), [one()], {}, None, early).sound is None


def test_what_runs_into_quiet_hours_is_cut_at_the_boundary() -> None:
    long = one(seconds=600)
    before = decide(after(10), [long], {"a": BEGUN}, "a", AT_17_01)
    assert (before.sound, before.wake_at) == (long, after(60))
    cue = decide(after(60), [long], {"a": BEGUN}, "a", AT_17_01)
    assert cue.sound is None
    assert outcomes(cue) == [("a", Outcome.PARTLY_PLAYED, OutcomeReason.QUIET_HOURS)]


def test_an_emergency_sounds_through_quiet_hours() -> None:
    alert = emergency(at_s=90)
    assert decide(after(90), [one(at_s=90), alert], {}, None, AT_17_01).sound is alert


def test_a_live_page_does_not_sound_in_quiet_hours() -> None:
    page = replace(one(at_s=90), priority=Priority.LIVE)
    assert decide(after(90), [page], {}, None, AT_17_01).sound is None


def test_a_skip_blocked_until_quiet_hours_does_not_begin_inside() -> None:
    late = replace(one(at_s=55, skip=True), grace_s=30)
    memory = {"a": Progress(interrupted_by=OutcomeReason.HIGHER_PRIORITY)}
    cue = decide(after(61), [late], memory, None, AT_17_01)
    assert outcomes(cue) == [("a", Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)]


# --- a clock that is not trusted


def test_without_a_trusted_clock_nothing_planned_sounds_or_ends() -> None:
    cue = decide(after(5000), [one(), one("b", 4990)], {}, None, None, clock_trusted=False)
    assert (cue.sound, cue.endings) == (None, ())
    assert cue.held == dict.fromkeys(("a", "b"), OutcomeReason.CLOCK_UNTRUSTED)


def test_losing_the_clock_silences_what_is_planned() -> None:
    cue = decide(after(5), [one(), one("s", skip=True)], {"s": BEGUN}, "s", None, clock_trusted=False)
    assert cue.sound is None
    assert outcomes(cue) == [("s", Outcome.PARTLY_PLAYED, OutcomeReason.CLOCK_UNTRUSTED)]


@pytest.mark.parametrize("priority", [Priority.LIVE, Priority.EMERGENCY])
def test_what_is_not_by_schedule_needs_no_trusted_clock(priority: Priority) -> None:
    now = replace(one(), priority=priority)
    assert decide(START, [now], {}, None, None, clock_trusted=False).sound is now


def test_once_trusted_what_was_missed_is_named() -> None:
    cue = decide(after(100), [one()], {}, None, None, up_since=after(-900), trusted_since=after(95))
    assert outcomes(cue) == [("a", Outcome.MISSED, OutcomeReason.CLOCK_UNTRUSTED)]
    remembered = {"a": Progress(interrupted_by=OutcomeReason.CLOCK_UNTRUSTED)}
    assert outcomes(decide(after(100), [one()], remembered, None, None)) == outcomes(cue)


# --- memory


def test_advance_remembers_who_began_and_who_waits_and_forgets_who_ended() -> None:
    gone = Ending(one("gone"), Outcome.SKIPPED, OutcomeReason.TOO_LATE)
    cue = Cue(
        one("a"), 0.0, (gone,), None, {"b": OutcomeReason.HIGHER_PRIORITY, "c": OutcomeReason.SOUND_MISSING}
    )
    memories = advance({"gone": Progress(), "b": replace(BEGUN, sounded_s=7)}, cue, after(3))
    assert memories == {
        "a": Progress(begun_at=after(3)),
        "b": Progress(START, 7, interrupted=True, interrupted_by=OutcomeReason.HIGHER_PRIORITY),
        "c": Progress(interrupted_by=OutcomeReason.SOUND_MISSING),
    }


def test_the_first_beginning_is_kept() -> None:
    assert advance({"a": BEGUN}, Cue(one(), 40, (), None), after(40))["a"].begun_at == START


@pytest.mark.parametrize(
    ("memory", "up_since", "expected"),
    [
        (Progress(START, 60.0), None, (Outcome.PLAYED, None)),
        (Progress(START, 59.6, interrupted=True), None, (Outcome.PLAYED, None)),
        (
            Progress(START, 40.0, True, OutcomeReason.HIGHER_PRIORITY),
            None,
            (Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY),
        ),
        (Progress(after(20), 40.0), after(19), (Outcome.PARTLY_PLAYED, OutcomeReason.STATION_OFF)),
        (Progress(after(20), 40.0), after(-19), (Outcome.PARTLY_PLAYED, OutcomeReason.TOO_LATE)),
    ],
)
def test_only_what_was_heard_whole_is_played(
    memory: Progress, up_since: datetime | None, expected: tuple[Outcome, OutcomeReason | None]
) -> None:
    ending = finished(one(), memory, up_since)
    assert (ending.outcome, ending.reason) == expected
