"""Every occurrence on every station ends; until then it is plain what is waited for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.playback.rules import Overall, Pending, Standing, Window, countable, overall, standing
from wire.ids import Outcome, OutcomeReason
from wire.messages import PlaybackReport

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(seconds=60), report_deadline_s=3600)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "reachable", "state"),
    [
        (-1, True, Pending.PLANNED),
        (0, True, Pending.SOUNDING),
        (59.9, True, Pending.SOUNDING),
        (30, False, Pending.WAITING_REPORT),
        (60, True, Pending.WAITING_REPORT),
        (3659, True, Pending.WAITING_REPORT),
        (3660, True, Outcome.UNKNOWN),
    ],
)
def test_without_a_report_the_clock_decides(
    seconds: float, reachable: bool, state: Outcome | Pending
) -> None:
    assert standing(WINDOW, at(seconds), None, reachable=reachable).state is state


def test_unknown_says_why() -> None:
    assert standing(WINDOW, at(9999), None).reason is OutcomeReason.NO_REPORT


def test_one_withdrawn_before_its_start_is_over_and_one_withdrawn_while_sounding_is_waited_for() -> None:
    before = Window(WINDOW.start, WINDOW.end, 3600, withdrawn_at=at(-5))
    during = Window(WINDOW.start, WINDOW.end, 3600, withdrawn_at=at(20))
    assert standing(before, at(5000), None).state is Pending.WITHDRAWN
    assert standing(during, at(30), None).state is Pending.WAITING_REPORT


@given(st.sampled_from(Outcome), st.integers(-10_000, 10_000), st.booleans())
def test_a_report_is_the_last_word(outcome: Outcome, seconds: int, reachable: bool) -> None:
    said = Standing(outcome, OutcomeReason.TOO_LATE)
    assert standing(WINDOW, at(seconds), said, reachable=reachable) == said


@given(st.booleans())
def test_no_state_lasts_for_ever(reachable: bool) -> None:
    assert isinstance(standing(WINDOW, at(10**6), None, reachable=reachable).state, Outcome)


def test_the_first_word_counts_and_unknown_is_none() -> None:
    def report(id_: str, outcome: Outcome) -> PlaybackReport:
        return PlaybackReport(id=id_, occurrence="sang@20261123T100000Z", outcome=outcome)

    reports = [report("a", Outcome.UNKNOWN), report("b", Outcome.PLAYED), report("c", Outcome.MISSED)]
    assert [one.id for one in countable(reports)] == ["b"]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({}, Overall.NOBODY),
        ({"played": 2}, Overall.PLAYED),
        ({"played": 1, "missed": 1}, Overall.PARTLY),
        ({"partly_played": 2}, Overall.PARTLY),
        ({"played": 1, "unknown": 1}, Overall.PARTLY),
        ({"played": 1, "waiting_report": 1}, Overall.WAITING),
        ({"missed": 2}, Overall.MISSED),
        ({"failed": 1, "waiting_report": 1}, Overall.MISSED),
        ({"skipped": 1, "preempted": 1}, Overall.GAVE_WAY),
        ({"skipped": 1, "unknown": 1}, Overall.UNKNOWN),
        ({"waiting_report": 2}, Overall.WAITING),
    ],
)
def test_what_all_stations_did_together(counts: dict[str, int], expected: Overall) -> None:
    assert overall(counts) is expected
