"""Every overlap is found, and what it costs is what really happens."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.conflicts import Conflict, Effect, conflicts
from schedules.occurrence import Occurrence, occurrence_id
from schedules.quiet import QuietWindow
from schedules.rehearsal import rehearse, resolve
from schedules.rule import Frequency, Rule, expand
from wire.ids import LatenessRule, Priority

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
GENEROUS_S = 30


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def occurrence(id_: st.SearchStrategy[str]) -> st.SearchStrategy[Occurrence]:
    return st.builds(
        Occurrence,
        id=id_,
        start=st.integers(0, 40).map(after),
        seconds=st.sampled_from([0.0, 0.4, 1.0, 1.2, 5.0, 10.0, 20.0]),
        priority=st.sampled_from(Priority),
        rank=st.integers(0, 1),
        lateness=st.sampled_from(LatenessRule),
        grace_s=st.sampled_from([0.1, 0.3, 4.0, 10.0]),
        depth=st.integers(0, 2),
    )


timetables = st.lists(occurrence(st.sampled_from("abcdefgh")), max_size=8, unique_by=lambda one: one.id)


@given(timetables)
def test_the_sweep_finds_every_pair_that_overlaps_and_no_other(timetable: list[Occurrence]) -> None:
    overlapping = {
        frozenset((a.id, b.id)): (min(a.end, b.end) - max(a.start, b.start)).total_seconds()
        for a, b in combinations(timetable, 2)
        if min(a.end, b.end) > max(a.start, b.start)
    }
    found = conflicts(timetable)
    assert {frozenset((c.first.id, c.second.id)): c.overlap_s for c in found} == overlapping
    assert len(found) == len(overlapping)
    assert all(c.first.start <= c.second.start for c in found)


@given(timetables, st.sets(st.sampled_from("abcdefgh")))
def test_among_keeps_the_pairs_that_hold_one_of_them(timetable: list[Occurrence], ids: set[str]) -> None:
    kept = [c for c in conflicts(timetable) if ids & {c.first.id, c.second.id}]
    assert conflicts(timetable, ids) == kept


@given(occurrence(st.just("a")), occurrence(st.just("b")))
def test_the_verdict_on_a_pair_is_what_a_station_does(a: Occurrence, b: Occurrence) -> None:
    for conflict in conflicts([a, b]):
        assert conflict.effect is lived(conflict)
        won = [s for s in resolve([a, b], None) if s.occurrence is conflict.winner]
        assert [(s.begins, s.ends) for s in won] == [(conflict.winner.start, conflict.winner.end)]


def lived(conflict: Conflict) -> Effect:
    heard = [s for s in resolve([conflict.first, conflict.second], None) if s.occurrence is conflict.loser]
    if not heard:
        return Effect.NOT_HEARD
    if heard[0].from_s > 0:
        return Effect.LOSES_BEGINNING
    if sum((s.ends - s.begins).total_seconds() for s in heard) == conflict.loser.seconds:
        return Effect.DELAYED
    if len(heard) == 2:
        return Effect.LOSES_MIDDLE
    late = heard[0].begins > conflict.loser.start
    return Effect.DELAYED if late else Effect.LOSES_END


@pytest.mark.parametrize(
    ("loser_s", "winner_s", "lateness", "effect"),
    [
        ((0, 600), (60, 120), LatenessRule.RESUME, Effect.LOSES_MIDDLE),
        ((0, 600), (60, 120), LatenessRule.SKIP, Effect.LOSES_END),
        ((0, 600), (300, 600), LatenessRule.RESUME, Effect.LOSES_END),
        ((60, 600), (0, 120), LatenessRule.RESUME, Effect.LOSES_BEGINNING),
        ((60, 600), (0, 68), LatenessRule.SKIP, Effect.DELAYED),
        ((60, 600), (0, 120), LatenessRule.SKIP, Effect.NOT_HEARD),
        ((60, 100), (0, 120), LatenessRule.RESUME, Effect.NOT_HEARD),
        ((0, 600), (5, 8), LatenessRule.CONTINUE, Effect.DELAYED),
        ((0, 600), (5, 120), LatenessRule.CONTINUE, Effect.LOSES_END),
        ((60, 600), (0, 68), LatenessRule.CONTINUE, Effect.DELAYED),
        ((60, 600), (0, 120), LatenessRule.CONTINUE, Effect.NOT_HEARD),
    ],
)
def test_what_the_operator_is_told(
    loser_s: tuple[int, int], winner_s: tuple[int, int], lateness: LatenessRule, effect: Effect
) -> None:
    loser = Occurrence("l", after(loser_s[0]), loser_s[1] - loser_s[0], lateness=lateness)
    winner = Occurrence("w", after(winner_s[0]), winner_s[1] - winner_s[0], Priority.PRIORITY)
    [conflict] = conflicts([loser, winner])
    assert (conflict.loser, conflict.winner, conflict.effect) == (loser, winner, effect)


def test_back_to_back_is_no_conflict() -> None:
    assert conflicts([Occurrence("a", after(0), 60), Occurrence("b", after(60), 60)]) == []


@pytest.fixture(scope="module")
def crowd() -> list[Occurrence]:
    """300 rules, 14 days, everybody at half past five."""
    since = datetime(2026, 11, 23, tzinfo=UTC)
    return [
        Occurrence(
            occurrence_id(f"rule-{n}", start),
            start,
            600.0,
            list(Priority)[n % 3],
            lateness=list(LatenessRule)[n % 2],
            depth=n % 4,
        )
        for n in range(300)
        for start in expand(half_past_five(n), since, since + timedelta(days=14))
    ]


def half_past_five(n: int) -> Rule:
    return Rule(frequency=Frequency.DAILY, times=(time(5, 30 + n % 20, n % 60),), start_date=date(2020, 1, 1))


def test_300_overlapping_rules_are_checked_for_conflicts_in_time(crowd: list[Occurrence]) -> None:
    began = perf_counter()
    found = conflicts(crowd)
    assert perf_counter() - began < GENEROUS_S
    assert len(crowd) == 300 * 14
    assert len(found) > 100_000


def test_300_overlapping_rules_are_rehearsed_in_time(crowd: list[Occurrence]) -> None:
    quiet = QuietWindow(time(22), time(5), "Asia/Ho_Chi_Minh")
    began = perf_counter()
    rehearsal = rehearse(crowd, quiet)
    assert perf_counter() - began < GENEROUS_S
    assert len(rehearsal.endings) == len(crowd)
