"""A board's clocks as the simulation has them: what steps, drifts and boots do to each of them."""

from datetime import UTC, datetime, timedelta

import pytest

from firmware_sim.clock import NO_BATTERY, SimulatedClock

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
DAY_S = 86_400.0


class Ticks:
    def __init__(self) -> None:
        self.s = 500.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


def test_kept_it_is_right_however_bad_the_crystal(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON, drift_ppm=100)
    ticks.s += DAY_S
    assert clock.now() == clock.true_now() == NOON + timedelta(days=1)


def test_unkept_it_drifts_and_so_does_what_it_counts_since_power_on(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON, drift_ppm=100, synchronised=False)
    ticks.s += DAY_S
    assert clock.error_s() == pytest.approx(8.64)
    assert clock.since_boot_s() == pytest.approx(DAY_S + 8.64)
    assert clock.monotonic_s() == ticks.s


def test_it_begins_as_wrong_as_it_is_told(ticks: Ticks) -> None:
    assert SimulatedClock(ticks, NOON, offset_s=-2.5).error_s() == -2.5


def test_a_step_changes_the_wall_clock_and_nothing_else(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON)
    ticks.s += 10
    clock.step(-3600)
    assert clock.error_s() == -3600
    assert (clock.since_boot_s(), clock.true_now()) == (10, NOON + timedelta(seconds=10))
    ticks.s += 10
    assert clock.error_s() == -3600


def test_a_boot_without_battery_begins_in_1970_unkept_and_by_another_name(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON)
    name = clock.boot_id()
    ticks.s += 100
    clock.boot()
    assert clock.now() == NO_BATTERY
    assert clock.since_boot_s() == 0
    assert not clock.is_synchronised()
    assert clock.boot_id() != name
    assert clock.true_now() == NOON + timedelta(seconds=100)


def test_a_time_service_sets_it_right_and_losing_it_leaves_it_to_the_crystal(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON, drift_ppm=-50)
    clock.boot()
    clock.synchronise(error_s=0.004)
    ticks.s += DAY_S
    assert clock.is_synchronised()
    assert clock.error_s() == pytest.approx(0.004)
    clock.lose_synchronisation()
    ticks.s += DAY_S
    assert not clock.is_synchronised()
    assert clock.error_s() == pytest.approx(0.004 - 4.32)


def test_heat_changes_the_crystal_from_now_on(ticks: Ticks) -> None:
    clock = SimulatedClock(ticks, NOON, drift_ppm=100, synchronised=False)
    ticks.s += DAY_S
    before_s = clock.since_boot_s()
    clock.drift(-100)
    assert clock.since_boot_s() == pytest.approx(before_s)
    assert clock.error_s() == pytest.approx(8.64)
    ticks.s += DAY_S
    assert clock.error_s() == pytest.approx(0.0)
    assert clock.since_boot_s() == pytest.approx(2 * DAY_S)
