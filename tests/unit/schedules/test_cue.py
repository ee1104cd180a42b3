"""The station's one decision, state by state: beginning, who is stronger, and why some are never heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedules.cue import Cue, Progress, decide
from tests.support.cue import BEGUN, START, after, emergency, one, outcomes
from wire.ids import Outcome, OutcomeReason, Priority

# --- beginning


def test_before_its_start_nothing_sounds_and_the_wake_is_the_start() -> None:
    cue = decide(after(-5), [one(), one("b", 90)], {}, None, None)
    assert (cue.sound, cue.endings, cue.wake_at) == (None, (), START)


def test_nothing_planned_is_silence_without_a_wake() -> None:
    assert decide(START, [], {}, None, None) == Cue(None, 0.0, (), None)


@pytest.mark.parametrize(("late_s", "from_s"), [(0, 0), (0.499, 0), (0.5, 0.5), (20, 20), (59, 59)])
def test_resume_joins_at_the_elapsed_position(late_s: float, from_s: float) -> None:
    cue = decide(after(late_s), [one()], {}, None, None)
    assert cue.sound is not None
    assert cue.from_s == from_s


def test_less_than_a_second_at_the_end_is_not_joined() -> None:
    cue = decide(after(59.5), [one()], {}, None, None, up_since=after(59))
    assert cue.sound is None
    assert outcomes(cue) == [("a", Outcome.SKIPPED, OutcomeReason.TOO_LATE)]


def test_a_sound_shorter_than_a_second_still_begins_on_time() -> None:
    chime = one(seconds=0.8)
    assert decide(after(0.3), [chime], {}, None, None).sound is chime
    assert decide(after(0.6), [chime], {}, None, None).sound is None


@pytest.mark.parametrize("late_s", [0, 3, 10])
def test_skip_begins_from_its_first_sample_within_the_grace(late_s: float) -> None:
    cue = decide(after(late_s), [one(skip=True)], {}, None, None)
    assert cue.sound is not None
    assert cue.from_s == 0


def test_skip_is_over_once_the_grace_has_passed() -> None:
    cue = decide(after(10.001), [one(skip=True)], {}, None, None, up_since=after(5))
    assert cue.sound is None
    assert outcomes(cue) == [("a", Outcome.SKIPPED, OutcomeReason.TOO_LATE)]


def test_skip_without_grace_allows_for_a_late_wake() -> None:
    strict = replace(one(skip=True), grace_s=0)
    assert decide(after(0.4), [strict], {}, None, None).sound is strict
    assert decide(after(0.5), [strict], {}, None, None).sound is None


# --- who is stronger


def test_a_higher_priority_takes_over_at_once_and_resume_waits() -> None:
    cue = decide(after(20), [one(), emergency(at_s=20)], {"a": BEGUN}, "a", None)
    assert cue.sound == emergency(at_s=20)
    assert cue.endings == ()
    assert cue.held == {"a": OutcomeReason.HIGHER_PRIORITY}


def test_a_skip_that_is_pushed_aside_is_over() -> None:
    cue = decide(after(20), [one(skip=True), emergency(at_s=20)], {"a": BEGUN}, "a", None)
    assert outcomes(cue) == [("a", Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)]


def test_a_resume_that_is_pushed_aside_in_its_last_second_is_over() -> None:
    cue = decide(after(59.5), [one(), emergency(at_s=59.5)], {"a": BEGUN}, "a", None)
    assert outcomes(cue) == [("a", Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)]


def test_resume_goes_on_where_it_would_have_been() -> None:
    memory = replace(BEGUN, interrupted=True, interrupted_by=OutcomeReason.HIGHER_PRIORITY)
    cue = decide(after(50), [one()], {"a": memory}, None, None)
    assert (cue.sound, cue.from_s) == (one(), 50)


def test_a_moment_after_an_interruption_nothing_is_heard_twice() -> None:
    assert decide(after(0.3), [one()], {"a": BEGUN}, None, None).from_s == 0.3


def test_among_equals_the_one_that_sounds_goes_on() -> None:
    earlier, later = one("early", -30), one("late", 0)
    assert decide(START, [earlier, later], {"late": BEGUN}, "late", None).sound is later


def test_among_equals_that_are_silent_earlier_then_wider_then_id() -> None:
    a, b = one("a", 1), one("b", 0)
    assert decide(after(2), [a, b], {}, None, None).sound is b
    commune, province = replace(one("a"), depth=2), replace(one("b"), depth=0)
    assert decide(START, [commune, province], {}, None, None).sound is province
    assert decide(START, [one("b"), one("a")], {}, None, None).sound == one("a")


def test_the_sounding_one_is_never_ended_by_time() -> None:
    cue = decide(after(61), [one()], {"a": BEGUN}, "a", None)
    assert (cue.sound, cue.endings) == (one(), ())


def test_a_clock_that_steps_back_does_not_stop_what_sounds() -> None:
    assert decide(after(-3), [one()], {"a": BEGUN}, "a", None).sound == one()


def test_what_was_withdrawn_does_not_sound() -> None:
    assert decide(after(5), [], {"a": BEGUN}, "a", None).sound is None


# --- never heard: why


def test_blocked_to_its_end_is_preempted() -> None:
    blocker = replace(one("p", -5, 300), priority=Priority.PRIORITY)
    waiting = decide(after(1), [one(), blocker], {"p": BEGUN}, "p", None)
    assert waiting.held == {"a": OutcomeReason.HIGHER_PRIORITY}
    assert waiting.wake_at == after(59) + timedelta.resolution
    cue = decide(waiting.wake_at, [one(), blocker], {"p": BEGUN}, "p", None)
    assert outcomes(cue) == [("a", Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)]


def test_a_skip_blocked_through_its_grace_is_preempted() -> None:
    blocker = replace(one("p", -5, 300), priority=Priority.PRIORITY)
    cue = decide(after(11), [one(skip=True), blocker], {"p": BEGUN}, "p", None)
    assert outcomes(cue) == [("a", Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)]


def test_the_reason_is_remembered_when_the_blocker_is_gone() -> None:
    memory = Progress(interrupted_by=OutcomeReason.HIGHER_PRIORITY)
    cue = decide(after(60), [one()], {"a": memory}, None, None, up_since=after(-600))
    assert outcomes(cue) == [("a", Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY)]


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("sounding", ["other", None])
def test_a_station_that_came_up_after_its_end_missed_it(skip: bool, sounding: str | None) -> None:
    other = one("other", 60, 600)
    cue = decide(
        after(100),
        [one(skip=skip), other],
        {"other": BEGUN} if sounding else {},
        sounding,
        None,
        up_since=after(90),
    )
    assert outcomes(cue) == [("a", Outcome.MISSED, OutcomeReason.STATION_OFF)]


def test_a_station_that_came_up_in_the_middle_is_too_late_for_skip() -> None:
    cue = decide(after(30), [one(skip=True)], {}, None, None, up_since=after(30))
    assert outcomes(cue) == [("a", Outcome.SKIPPED, OutcomeReason.TOO_LATE)]


def test_a_plan_that_came_after_the_end_is_too_late_on_a_station_that_was_up() -> None:
    cue = decide(after(100), [one()], {}, None, None, up_since=after(-600))
    assert outcomes(cue) == [("a", Outcome.SKIPPED, OutcomeReason.TOO_LATE)]


def test_without_knowing_when_the_station_came_up_a_resume_counts_as_missed() -> None:
    assert outcomes(decide(after(100), [one()], {}, None, None)) == [
        ("a", Outcome.MISSED, OutcomeReason.STATION_OFF)
    ]


def test_missing_sound_is_passed_over_then_failed() -> None:
    other = one("b", 0, 600)
    cue = decide(START, [one(), other], {}, None, None, unready={"a"})
    assert (cue.sound, cue.held) == (other, {"a": OutcomeReason.SOUND_MISSING})
    end = decide(after(60), [one()], {}, None, None, unready={"a"}, up_since=after(-9))
    assert outcomes(end) == [("a", Outcome.FAILED, OutcomeReason.SOUND_MISSING)]


@pytest.mark.parametrize("reason", [OutcomeReason.SOUND_UNREADABLE, OutcomeReason.SPEAKER_FAILED])
def test_what_the_station_could_not_sound_has_failed(reason: OutcomeReason) -> None:
    cue = decide(after(60), [one()], {"a": Progress(interrupted_by=reason)}, None, None)
    assert outcomes(cue) == [("a", Outcome.FAILED, reason)]


def test_sound_that_arrives_in_time_is_joined() -> None:
    memory = Progress(interrupted_by=OutcomeReason.SOUND_MISSING)
    cue = decide(after(20), [one()], {"a": memory}, None, None)
    assert (cue.sound, cue.from_s) == (one(), 20)
