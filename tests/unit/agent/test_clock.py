"""What the station believes of its time, on a simulated machine whose time the test moves by hand."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import HOLD_S, NOTICES_EVERY_S, SLACK, SystemClock
from firmware_sim.clock import NO_BATTERY, SimulatedClock
from wire.ids import ClockTrust

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)


class World:
    """Time goes by only when told to."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.ticks_s = 1000.0
        self.machine = SimulatedClock(lambda: self.ticks_s, NOW)

    def clock(self) -> SystemClock:
        return SystemClock(self.file, self.machine)

    def pass_(self, seconds: float) -> None:
        self.ticks_s += seconds

    def hear(self, clock: SystemClock, count: int = 2, late_s: float = 0.1, ahead_s: float = 0.0) -> None:
        """Notices of the controller, a minute apart."""
        for _ in range(count):
            clock.heed_notice(self.machine.true_now() + timedelta(seconds=ahead_s - late_s))
            self.pass_(60)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "clock.json")


def error_s(world: World, clock: SystemClock) -> float:
    return (clock.now() - world.machine.true_now()).total_seconds()


def test_a_clock_that_was_never_set_is_not_believed(world: World) -> None:
    world.machine.boot()
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_a_synchronised_clock_behind_the_floor_is_not_believed(world: World) -> None:
    world.clock().keep()
    world.machine.set(NO_BATTERY)
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_a_clock_that_is_a_little_behind_the_floor_is_only_inexact(world: World) -> None:
    world.clock().keep()
    world.machine.step(-SLACK.total_seconds() / 2)
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_trust_outlives_the_link_and_a_restart_but_grows_stale(world: World) -> None:
    world.clock().keep()
    world.machine.lose_synchronisation()
    world.pass_(HOLD_S - 1)
    assert world.clock().trust() is ClockTrust.TRUSTED
    world.pass_(2)
    assert world.clock().trust() is ClockTrust.STALE


def test_trust_does_not_outlive_a_power_cut(world: World) -> None:
    world.clock().keep()
    world.machine.boot(NOW)
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_a_clock_that_nobody_believes_is_still_not_behind_what_is_known(world: World) -> None:
    world.clock().keep()
    world.machine.boot()
    clock = world.clock()
    assert clock.now() == NOW
    world.pass_(100)
    assert clock.now() == NOW + timedelta(seconds=100)


def test_the_floor_is_written_once_an_hour_and_only_by_a_clock_that_is_believed(world: World) -> None:
    world.machine.boot(NOW)
    clock = world.clock()
    clock.keep()
    assert not world.file.exists()
    world.machine.synchronise()
    clock.keep()
    first = world.file.read_bytes()
    world.pass_(59 * 60)
    clock.keep()
    assert world.file.read_bytes() == first
    world.pass_(120)
    clock.keep()
    assert world.file.read_bytes() != first


@pytest.mark.parametrize("content", ["{", "[]", '{"floor": "yesterday"}', '{"floor": 5, "boot": "x"}'])
def test_a_damaged_floor_is_no_reason_to_stay_silent(world: World, content: str) -> None:
    world.file.write_text(content)
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_a_floor_of_an_older_program_is_understood(world: World) -> None:
    boot = world.machine.boot_id()
    world.file.write_text(json.dumps({"floor": NOW.isoformat(), "boot": boot, "synchronised_at_s": 0.0}))
    world.machine.lose_synchronisation()
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_one_notice_is_a_bound_and_two_that_agree_are_a_time(world: World) -> None:
    world.machine.boot()
    clock = world.clock()
    world.hear(clock, count=1)
    assert clock.trust() is ClockTrust.UNKNOWN
    assert error_s(world, clock) == pytest.approx(-0.1)
    world.hear(clock, count=1, late_s=0.4)
    assert clock.trust() is ClockTrust.STALE
    assert error_s(world, clock) == pytest.approx(-0.1)


def test_a_time_from_notices_outlives_the_link_and_a_restart_but_no_power_cut(world: World) -> None:
    world.machine.boot()
    clock = world.clock()
    world.hear(clock)
    clock.keep()
    world.pass_(3600)
    again = world.clock()
    assert again.trust() is ClockTrust.STALE
    assert error_s(world, again) == pytest.approx(-0.1)
    world.machine.boot()
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_what_the_crystal_is_like_outlives_a_power_cut(world: World) -> None:
    world.machine.boot()
    world.machine.drift(100)
    clock = world.clock()
    world.hear(clock, count=6 * 60)
    clock.keep()
    world.machine.boot()
    again = world.clock()
    world.hear(again)
    world.pass_(86_400)
    assert abs(error_s(world, again)) < 0.5


def test_a_synchronised_clock_goes_before_notices(world: World) -> None:
    clock = world.clock()
    world.hear(clock, late_s=1.5)
    assert clock.trust() is ClockTrust.TRUSTED
    assert error_s(world, clock) == 0


def test_notices_go_before_a_clock_that_was_synchronised_long_ago(world: World) -> None:
    world.machine.lose_synchronisation()
    world.machine.drift(100)
    world.machine.synchronise()
    clock = world.clock()
    assert clock.trust() is ClockTrust.TRUSTED
    world.machine.lose_synchronisation()
    world.pass_(HOLD_S + 3600)
    assert clock.trust() is ClockTrust.STALE
    assert error_s(world, clock) > 15
    world.hear(clock)
    assert clock.trust() is ClockTrust.STALE
    assert abs(error_s(world, clock)) < 0.2


def test_a_clock_that_the_controller_contradicts_is_not_believed(world: World) -> None:
    """A router without a battery may hand out its own 1970 as the time of the network."""
    clock = world.clock()
    world.hear(clock)
    world.machine.step(-86_400)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.machine.synchronise()
    assert clock.trust() is ClockTrust.TRUSTED


def test_a_controller_that_was_ahead_for_a_moment_does_not_silence_for_good(world: World) -> None:
    clock = world.clock()
    world.hear(clock, count=1, ahead_s=86_400)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=1)
    assert clock.trust() is ClockTrust.TRUSTED


def test_a_document_of_the_future_is_a_bound_until_the_controller_says_what_time_it_is(world: World) -> None:
    clock = world.clock()
    clock.heed_issue(NOW - MINUTE)
    assert clock.trust() is ClockTrust.TRUSTED
    clock.heed_issue(LONG_AFTER)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=1)
    assert clock.trust() is ClockTrust.TRUSTED


def test_old_notices_played_back_take_time_no_further_back_than_the_floor(world: World) -> None:
    clock = world.clock()
    clock.keep()
    world.machine.boot()
    replayed = world.clock()
    world.hear(replayed, count=20, late_s=86_400)
    assert replayed.trust() is ClockTrust.UNKNOWN
    assert replayed.now() >= NOW - SLACK


def test_a_time_server_ahead_of_what_the_controller_says_now_is_not_believed(world: World) -> None:
    clock = world.clock()
    world.hear(clock, count=3)
    assert clock.trust() is ClockTrust.TRUSTED
    world.machine.step(9 * 3600)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=3)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.machine.step(-9 * 3600)
    assert clock.trust() is ClockTrust.TRUSTED


def test_a_controller_that_was_behind_takes_no_trust_away_once_it_is_right_or_gone(world: World) -> None:
    clock = world.clock()
    world.hear(clock, count=3, ahead_s=-3600)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=2)
    assert clock.trust() is ClockTrust.TRUSTED
    silent = world.clock()
    world.hear(silent, count=3, ahead_s=-3600)
    world.pass_(2 * NOTICES_EVERY_S + 1)
    assert silent.trust() is ClockTrust.TRUSTED


def test_a_controller_that_was_ahead_for_minutes_does_not_become_the_floor(world: World) -> None:
    world.machine.boot()
    clock = world.clock()
    for ahead_s in (0, 365 * 86_400, 0):
        for _ in range(10):
            world.hear(clock, count=1, ahead_s=ahead_s)
            clock.keep()
    assert clock.trust() is ClockTrust.STALE
    assert abs(error_s(world, clock)) < 1
    assert world.clock().now() <= world.machine.true_now()


def test_a_time_server_that_was_ahead_for_minutes_does_not_become_the_floor(world: World) -> None:
    clock = world.clock()
    clock.keep()
    world.machine.step(365 * 86_400)
    for _ in range(30):
        world.pass_(60)
        clock.keep()
    world.machine.step(-365 * 86_400)
    assert clock.trust() is ClockTrust.TRUSTED
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_a_floor_of_the_future_gives_way_to_time_server_and_controller_together(world: World) -> None:
    world.file.write_text(
        json.dumps({"floor": LONG_AFTER.isoformat(), "boot": "x", "synchronised_at_s": None})
    )
    clock = world.clock()
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=3)
    assert clock.trust() is ClockTrust.TRUSTED
    clock.keep()
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_a_floor_does_not_give_way_to_old_notices_or_a_wrong_time_server_alone(world: World) -> None:
    clock = world.clock()
    clock.keep()
    world.machine.set(world.machine.true_now() - timedelta(days=2))
    assert clock.trust() is ClockTrust.UNKNOWN
    world.hear(clock, count=20, late_s=86_400)
    assert clock.trust() is ClockTrust.UNKNOWN


def test_a_board_that_was_long_without_power_has_a_new_floor_within_the_hour(world: World) -> None:
    world.clock().keep()
    world.pass_(30 * 86_400)
    world.machine.boot()
    world.machine.synchronise()
    clock = world.clock()
    for _ in range(2):
        clock.keep()
        world.pass_(3600)
    world.machine.boot()
    assert world.clock().now() >= NOW + timedelta(days=30)


def test_a_step_of_the_machines_clock_is_followed_at_once(world: World) -> None:
    world.machine.boot()
    clock = world.clock()
    assert clock.trust() is ClockTrust.UNKNOWN
    world.machine.synchronise()
    assert (clock.trust(), error_s(world, clock)) == (ClockTrust.TRUSTED, 0)
    world.machine.step(-300)
    assert (clock.trust(), error_s(world, clock)) == (ClockTrust.TRUSTED, -300)


@pytest.mark.parametrize("by_h", [9.5, -9.5])
def test_a_clock_that_somebody_sets_by_hours_is_not_believed_until_it_is_kept_again(
    world: World, by_h: float
) -> None:
    clock = world.clock()
    assert clock.trust() is ClockTrust.TRUSTED
    world.machine.lose_synchronisation()
    world.pass_(600)
    assert clock.trust() is ClockTrust.TRUSTED
    world.machine.step(by_h * 3600)
    assert clock.trust() is ClockTrust.UNKNOWN
    world.machine.synchronise()
    assert clock.trust() is ClockTrust.TRUSTED


def test_a_clock_that_somebody_keeps_seldom_asks_the_controller(world: World) -> None:
    clock = world.clock()
    assert clock.wants_notice()
    world.hear(clock, count=1)
    assert not clock.wants_notice()
    world.pass_(NOTICES_EVERY_S)
    assert clock.wants_notice()
    world.machine.boot()
    unkept = world.clock()
    world.hear(unkept, count=3)
    assert unkept.wants_notice()
