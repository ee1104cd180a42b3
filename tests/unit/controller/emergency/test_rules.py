"""What may be done with an alert, and the one state of each station; for every order of things."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.emergency.rules import (
    GROUPS,
    REPORT_GRACE_S,
    Evidence,
    Group,
    Move,
    Refusal,
    Situation,
    Sounding,
    Stage,
    StandingMove,
    Stands,
    due_at,
    moves,
    refusal,
    standing_refusal,
    stands,
)
from controller.emergency.tables import ActKind, AlertState, RevisionState, StandingState
from wire.ids import Outcome, OutcomeReason

SENT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOUR = Sounding(SENT, 90.0, SENT + timedelta(hours=1))


def after(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


moments = st.floats(min_value=-600, max_value=8000).map(after)
maybe = st.none() | moments
ordered = st.builds(
    Sounding,
    sent_at=st.just(SENT),
    seconds=st.floats(min_value=5, max_value=900),
    expires_at=st.floats(min_value=60, max_value=7200).map(after),
    ended_at=st.none() | st.floats(min_value=0, max_value=7200).map(after),
    late=st.booleans(),
)
evidence = st.builds(
    Evidence,
    reachable=st.booleans(),
    back_at=maybe,
    received_at=maybe,
    sounding_at=maybe,
    outcome=st.none() | st.sampled_from(Outcome),
    reason=st.none() | st.sampled_from(OutcomeReason),
)


@given(ordered, evidence, moments)
def test_every_station_is_in_exactly_one_state_of_one_group(
    sounding: Sounding, known: Evidence, now: datetime
) -> None:
    found = stands(sounding, known, now)
    assert isinstance(found.stage, Stage)
    assert found.group is GROUPS[found.stage]


@given(ordered, evidence, moments, st.floats(min_value=0, max_value=8000))
def test_what_is_final_stays_so_until_something_new_is_heard(
    sounding: Sounding, known: Evidence, now: datetime, later_s: float
) -> None:
    found = stands(sounding, known, now)
    later = stands(sounding, known, now + timedelta(seconds=later_s))
    if found.final:
        assert later == found


@given(ordered, evidence)
def test_everything_is_final_thirty_seconds_after_the_end(sounding: Sounding, known: Evidence) -> None:
    """Of its own sounding where a station can be reached; of the whole alert where it cannot."""
    end = max([sounding.over_at, *(at for at in (known.sounding_at, known.received_at, known.back_at) if at)])
    assert stands(sounding, known, end + timedelta(seconds=30)).final
    if known.reachable:
        assert stands(sounding, known, due_at(sounding, known)).final
        told = known.sounding_at or known.received_at or known.back_at or SENT
        assert due_at(sounding, known) <= max(told, SENT) + timedelta(seconds=sounding.seconds + 30)


@given(ordered, evidence, moments)
def test_a_told_end_is_final_and_nothing_else_overrules_it(
    sounding: Sounding, known: Evidence, now: datetime
) -> None:
    if known.outcome in {None, Outcome.UNKNOWN}:
        return
    found = stands(sounding, known, now)
    assert found.final
    assert found.group in {Group.FINISHED, Group.FAILED, Group.UNREACHABLE}
    assert stands(sounding, replace(known, reachable=not known.reachable), now) == found


@given(ordered, evidence, moments)
def test_a_station_out_of_reach_never_counts_as_sounding(
    sounding: Sounding, known: Evidence, now: datetime
) -> None:
    quiet = replace(known, reachable=False, outcome=None)
    assert stands(sounding, quiet, now).stage is Stage.UNREACHABLE


@pytest.mark.parametrize(
    ("known", "at_s", "stage", "final"),
    [
        (Evidence(True), 1, Stage.WAITING, False),
        (Evidence(True, received_at=after(0.2)), 1, Stage.RECEIVED, False),
        (Evidence(True, received_at=after(0.2), sounding_at=after(0.4)), 1, Stage.SOUNDING, False),
        (Evidence(True, received_at=after(0.2), sounding_at=after(0.4)), 115, Stage.SOUNDING, False),
        (Evidence(True, received_at=after(0.2), sounding_at=after(0.4)), 115.4, Stage.NO_REPORT, True),
        (Evidence(True), 90 + REPORT_GRACE_S, Stage.NO_REPORT, True),
        (Evidence(False), 1, Stage.UNREACHABLE, False),
        (Evidence(False), 600, Stage.UNREACHABLE, False),
        (Evidence(False), 3600, Stage.UNREACHABLE, True),
        (Evidence(True, back_at=after(1800)), 1801, Stage.WAITING, False),
        (Evidence(True, received_at=after(1801), sounding_at=after(1802)), 1850, Stage.SOUNDING, False),
        (Evidence(True, back_at=after(3600)), 3600, Stage.MISSED, True),
        (Evidence(True, outcome=Outcome.PLAYED), 91, Stage.PLAYED, True),
        (Evidence(True, outcome=Outcome.UNKNOWN), 91, Stage.WAITING, False),
        (Evidence(False, outcome=Outcome.PLAYED), 91, Stage.PLAYED, True),
    ],
)
def test_where_a_station_stands(known: Evidence, at_s: float, stage: Stage, final: bool) -> None:
    found = stands(HOUR, known, after(at_s))
    assert (found.stage, found.final) == (stage, final)


@pytest.mark.parametrize(
    ("outcome", "reason", "stage"),
    [
        (Outcome.PLAYED, None, Stage.PLAYED),
        (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD, Stage.PLAYED),
        (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN, Stage.STOPPED),
        (Outcome.SKIPPED, OutcomeReason.WITHDRAWN, Stage.STOPPED),
        (Outcome.SKIPPED, OutcomeReason.NOTHING_BEFORE, Stage.NOT_FOR_IT),
        (Outcome.SKIPPED, OutcomeReason.TOO_LATE, Stage.MISSED),
        (Outcome.MISSED, OutcomeReason.EXPIRED, Stage.MISSED),
        (Outcome.MISSED, OutcomeReason.STATION_OFF, Stage.MISSED),
        (Outcome.MISSED, OutcomeReason.SOUND_MISSING, Stage.FAILED),
        (Outcome.PARTLY_PLAYED, OutcomeReason.INTERRUPTED, Stage.PARTLY),
        (Outcome.PARTLY_PLAYED, OutcomeReason.EXPIRED, Stage.PARTLY),
        (Outcome.FAILED, OutcomeReason.SPEAKER_FAILED, Stage.FAILED),
        (Outcome.PREEMPTED, OutcomeReason.HIGHER_PRIORITY, Stage.FAILED),
    ],
)
def test_what_a_reported_end_means(outcome: Outcome, reason: OutcomeReason | None, stage: Stage) -> None:
    known = Evidence(True, outcome=outcome, reason=reason)
    assert stands(HOUR, known, after(100)) == Stands(stage, final=True, reason=reason)


def test_a_cancel_ends_the_waiting() -> None:
    cancelled = replace(HOUR, ended_at=after(10))
    sounding = Evidence(True, received_at=after(0.2), sounding_at=after(0.4))
    assert stands(cancelled, sounding, after(34.9)).stage is Stage.SOUNDING
    assert stands(cancelled, sounding, after(35)).stage is Stage.NO_REPORT
    assert stands(cancelled, Evidence(False), after(9.9)) == Stands(Stage.UNREACHABLE, final=False)
    assert stands(cancelled, Evidence(False), after(10)) == Stands(Stage.UNREACHABLE, final=True)


def test_who_may_not_come_late_is_out_when_the_sounding_is_over() -> None:
    punctual = replace(HOUR, late=False)
    assert not stands(punctual, Evidence(False), after(114)).final
    assert stands(punctual, Evidence(False), after(115)).final


situations = st.builds(
    Situation,
    state=st.sampled_from(AlertState),
    in_force=st.booleans(),
    needs_two=st.booleans(),
    person_id=st.sampled_from(["a", "b"]),
    open_act=st.none() | st.sampled_from([ActKind.PRESS, ActKind.UPDATE, ActKind.REPEAT]),
    open_state=st.sampled_from([RevisionState.DRAFT, RevisionState.WAITING]),
    asked_by=st.none() | st.sampled_from(["a", "b"]),
)


@given(situations)
def test_nobody_carries_out_alone_what_needs_two(found: Situation) -> None:
    for move in (Move.PRESS, Move.UPDATE, Move.REPEAT):
        if found.needs_two and refusal(move, found) is None:
            assert found.open_state is RevisionState.WAITING
            assert found.asked_by != found.person_id


@given(situations)
def test_to_silence_or_to_extend_one_is_always_enough(found: Situation) -> None:
    for move in (Move.CANCEL, Move.EXTEND):
        assert (refusal(move, found) is None) is found.in_force


@given(situations)
def test_what_is_over_is_left_alone(found: Situation) -> None:
    over = {AlertState.CANCELLED, AlertState.EXPIRED, AlertState.DISCARDED}
    if found.state in over:
        assert set(moves(replace(found, in_force=False, open_act=None, open_state=None))) == set()


def test_why_a_move_cannot_be_made() -> None:
    draft = Situation(AlertState.DRAFT, False, True, "a", ActKind.PRESS, RevisionState.DRAFT)
    assert refusal(Move.PRESS, draft) is Refusal.NEEDS_SECOND
    assert refusal(Move.ASK, draft, ActKind.PRESS) is None
    assert refusal(Move.ASK, replace(draft, needs_two=False)) is Refusal.ONE_IS_ENOUGH
    asked = replace(draft, state=AlertState.WAITING, open_state=RevisionState.WAITING, asked_by="a")
    assert refusal(Move.PRESS, asked) is Refusal.OWN_REQUEST
    assert refusal(Move.PRESS, replace(asked, person_id="b")) is None
    active = Situation(AlertState.ACTIVE, True, False, "a")
    assert refusal(Move.UPDATE, active) is Refusal.NOTHING_PREPARED
    assert refusal(Move.PRESS, active) is Refusal.WRONG_STATE
    assert refusal(Move.REPEAT, active) is None
    waits = replace(active, needs_two=True, open_act=ActKind.REPEAT, open_state=RevisionState.WAITING)
    assert refusal(Move.EDIT, waits) is Refusal.OTHER_PREPARED
    assert refusal(Move.REPEAT, waits) is None


def test_a_standing_message_needs_another_hand() -> None:
    assert standing_refusal(StandingMove.APPROVE, StandingState.WAITING, own_work=True)
    assert standing_refusal(StandingMove.APPROVE, StandingState.WAITING, own_work=False) is None
    assert standing_refusal(StandingMove.APPROVE, StandingState.APPROVED, own_work=False)
    assert standing_refusal(StandingMove.RETIRE, StandingState.APPROVED, own_work=True) is None
    assert standing_refusal(StandingMove.RETIRE, StandingState.RETIRED, own_work=False)
