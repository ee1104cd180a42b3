"""The station's one decision, state by state."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from schedules.cue import Cue, Ending, Progress, QuietWindow, advance, decide, finished
from schedules.occurrence import Occurrence
from wire.ids import LatenessRule, Outcome, OutcomeReason, Priority

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # 17:00 in the village
AT_17_01 = QuietWindow(time(17, 1), time(18), "Asia/Ho_Chi_Minh")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def one(id_: str = "a", at_s: float = 0, seconds: float = 60, *, skip: bool = False) -> Occurrence:
    return Occurrence(id_, after(at_s), seconds, lateness=LatenessRule.SKIP if skip else LatenessRule.RESUME)


def emergency(id_: str = "e", at_s: float = 0, seconds: float = 30) -> Occurrence:
    return replace(one(id_, at_s, seconds), priority=Priority.EMERGENCY)


BEGUN = Progress(begun_at=START)
CRASHED = replace(BEGUN, interrupted=True, interrupted_by=OutcomeReason.INTERRUPTED)


def outcomes(cue: Cue) -> list[tuple[str, Outcome, OutcomeReason | None]]:
    return [(ending.occurrence.id, ending.outcome, ending.reason) for ending in cue.endings]


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


# --- alerts: CONTINUE


def alert(id_: str = "alert", at_s: float = 0, *, rank: int = 0, grace_s: float = 600) -> Occurrence:
    plain = emergency(id_, at_s, 60)
    return replace(plain, rank=rank, lateness=LatenessRule.CONTINUE, grace_s=grace_s)


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
