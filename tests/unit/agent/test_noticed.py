"""Notices come late, in heaps, from a controller that is set right now and then, to a crystal that drifts."""

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.noticed import AGREE_S, APART_S, LATE_IN_A_ROW, Anchor, NoticedTime

BEGIN_UTC_S = 1_795_411_800.0
HOUR_S = 3600.0


class Board:
    """`at_s` is what the board counts, `utc_s` what is true; the crystal gains `ppm`."""

    def __init__(self, ppm: float = 0.0) -> None:
        self.ppm = ppm
        self.true_s = 0.0
        self.noticed = NoticedTime()

    @property
    def at_s(self) -> float:
        return self.true_s * (1 + self.ppm * 1e-6)

    @property
    def error_s(self) -> float | None:
        """How far the board is ahead of the truth; None where it has no time."""
        utc_s = self.noticed.utc_at(self.at_s)
        return None if utc_s is None else utc_s - BEGIN_UTC_S - self.true_s

    def hear(self, late_s: float = 0.0, controller_ahead_s: float = 0.0) -> None:
        self.noticed.hear(BEGIN_UTC_S + self.true_s - late_s + controller_ahead_s, self.at_s)

    def hear_for(self, seconds: float, delays: Iterator[float], ahead_s: float = 0.0) -> None:
        for _ in range(int(seconds // 60)):
            self.hear(next(delays), ahead_s)
            self.true_s += 60


def delays(least_s: float = 0.03, seed: int = 1) -> Iterator[float]:
    """Of a mobile network: mostly little, now and then a second and a half."""
    chance = random.Random(seed)
    while True:
        yield least_s + min(chance.expovariate(1 / 0.15), 1.5)


def test_nothing_is_known_before_the_second_notice() -> None:
    board = Board()
    board.hear()
    assert board.error_s is None
    assert board.noticed.bound_at(30.0) == BEGIN_UTC_S + 30


def test_notices_out_of_one_queue_prove_nothing() -> None:
    board = Board()
    for late_s in (180.0, 120.0, 60.0, 0.0):
        board.hear(late_s)
    assert board.error_s is None
    board.true_s += APART_S
    board.hear()
    assert board.error_s == pytest.approx(0)


def test_the_same_notice_again_proves_nothing() -> None:
    board = Board()
    for minute in range(10):
        board.hear(late_s=minute * 60.0)
        board.true_s += 60
    assert board.error_s is None


def test_the_least_delayed_counts() -> None:
    board = Board()
    for late_s in (1.2, 0.4, 0.05, 0.9, 1.4):
        board.hear(late_s)
        board.true_s += 60
    assert board.error_s == pytest.approx(-0.05)


def test_a_notice_far_too_late_changes_nothing() -> None:
    board = Board()
    board.hear_for(300, delays())
    before_s = board.error_s
    board.hear(late_s=40.0)
    assert board.error_s == before_s


@pytest.mark.parametrize("ahead_s", [10.0, 3600.0, 86_400.0])
def test_a_controller_ahead_of_us_disproves_us_until_it_says_so_twice(ahead_s: float) -> None:
    board = Board()
    board.hear_for(600, delays())
    board.hear(0.1, ahead_s)
    assert board.error_s is None
    board.true_s += 60
    board.hear(0.1, ahead_s)
    assert board.error_s == pytest.approx(ahead_s - 0.1)


def test_a_controller_that_was_set_back_is_followed_when_it_has_said_so_often_enough() -> None:
    board = Board()
    board.hear_for(600, delays())
    for _ in range(LATE_IN_A_ROW - 1):
        board.hear(0.1, -30.0)
        board.true_s += 60
    assert board.error_s is not None and abs(board.error_s) < AGREE_S
    board.hear(0.1, -30.0)
    assert board.error_s == pytest.approx(-30.1)


@pytest.mark.parametrize("ppm", [100.0, -100.0, 20.0, 0.0])
def test_a_day_without_the_controller_after_a_day_with_it_is_less_than_a_second(ppm: float) -> None:
    board = Board(ppm)
    board.hear_for(24 * HOUR_S, delays())
    board.true_s += 24 * HOUR_S
    assert board.error_s is not None and abs(board.error_s) < 0.5


def test_without_having_learned_the_crystal_a_day_costs_what_it_drifts() -> None:
    board = Board(100.0)
    board.hear_for(HOUR_S, delays())
    board.true_s += 24 * HOUR_S
    assert board.error_s == pytest.approx(8.6, abs=0.5)


def test_with_notices_a_drifting_crystal_stays_right() -> None:
    board, late = Board(100.0), delays()
    worst_s = 0.0
    for _ in range(12 * 60):
        board.hear_for(60, late)
        if board.error_s is not None:
            worst_s = max(worst_s, abs(board.error_s))
    assert worst_s < 1.7


def test_what_was_found_out_goes_on_from_an_anchor() -> None:
    noticed = NoticedTime(Anchor(at_s=100.0, utc_s=BEGIN_UTC_S, rate=1e-4))
    assert noticed.utc_at(100.0 + HOUR_S) == pytest.approx(BEGIN_UTC_S + HOUR_S * 1.0001)
    assert noticed.rate == 1e-4


@settings(max_examples=60, deadline=None)
@given(
    late=st.lists(st.floats(0.0, 1.9), min_size=2, max_size=60),
    ppm=st.floats(-100.0, 100.0),
)
def test_it_is_never_further_behind_than_the_network_was_slow(late: list[float], ppm: float) -> None:
    board = Board(ppm)
    for late_s in late:
        board.hear(late_s)
        board.true_s += 60
    assert board.error_s is not None
    drifted_s = 16 * 60 * 100e-6
    assert -max(late) - drifted_s <= board.error_s <= drifted_s
