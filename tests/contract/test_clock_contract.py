"""Every clock keeps the contracts of `agent/clock.py`: a board's own, and what the station makes of it."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.clock import AssumedClock, Clock, LinuxClock, MachineClock, SystemClock
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from wire.ids import ClockTrust

NearlyNow = timedelta(minutes=1)


def drifting() -> SimulatedClock:
    return SimulatedClock(drift_ppm=100, offset_s=2.0, synchronised=False)


MACHINES: dict[str, Callable[[], MachineClock]] = {
    "the kernel's": LinuxClock,
    "simulated": SimulatedClock,
    "simulated, drifting": drifting,
}


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> MachineClock:
    return MACHINES[request.param]()


@pytest.fixture(params=[*MACHINES, "assumed"])
def clock(request: pytest.FixtureRequest, tmp_path: Path) -> Clock:
    if request.param == "assumed":
        return AssumedClock()
    return SystemClock(tmp_path / "clock.json", MACHINES[request.param]())


def test_a_machines_wall_clock_is_aware_and_in_utc(machine: MachineClock) -> None:
    assert machine.now().utcoffset() == timedelta(0)
    assert abs(machine.now() - datetime.now(UTC)) < NearlyNow


@pytest.mark.parametrize("name", ["monotonic_s", "since_boot_s"])
def test_what_is_counted_goes_on_with_time_and_never_back(machine: MachineClock, name: str) -> None:
    count: Callable[[], float] = getattr(machine, name)
    begin_s, real_s = count(), time.monotonic()
    before_s = begin_s
    while time.monotonic() - real_s < 0.05:
        now_s = count()
        assert now_s >= before_s
        before_s = now_s
    least_s, most_s = 0.05 * 0.99, time.monotonic() - real_s + 0.001
    assert least_s <= count() - begin_s <= most_s * 1.01 + 0.01


def test_a_power_on_has_one_name(machine: MachineClock) -> None:
    assert machine.boot_id() == machine.boot_id() != ""


def test_somebody_keeps_the_wall_clock_or_not(machine: MachineClock) -> None:
    assert machine.is_synchronised() in {True, False}


def test_a_station_knows_the_time_in_utc_and_how_far_to_believe_it(clock: Clock) -> None:
    assert clock.now().utcoffset() == timedelta(0)
    assert abs(clock.now() - datetime.now(UTC)) < NearlyNow
    assert clock.trust() in tuple(ClockTrust)


async def test_a_station_counts_in_the_event_loops_own_seconds(clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    assert before_s <= clock.monotonic_s() <= loop.time()


def test_a_station_counts_in_virtual_seconds_too(tmp_path: Path) -> None:
    async def hour() -> tuple[float, float, timedelta]:
        loop = asyncio.get_running_loop()
        clock = SystemClock(tmp_path / "clock.json", SimulatedClock(loop.time))
        begin, begin_s = clock.now(), clock.monotonic_s()
        await asyncio.sleep(3600)
        return clock.monotonic_s() - begin_s, loop.time(), clock.now() - begin

    counted_s, loop_s, gone = run_at(AT_ONCE, hour())
    assert counted_s == loop_s == pytest.approx(3600)
    assert gone.total_seconds() == pytest.approx(3600)


def test_notices_and_documents_that_are_right_take_no_trust_away(clock: Clock) -> None:
    before = clock.trust()
    clock.heed_issue(datetime.now(UTC) - timedelta(days=1))
    clock.heed_notice(datetime.now(UTC) - timedelta(seconds=1))
    assert clock.trust() is before
    assert abs(clock.now() - datetime.now(UTC)) < NearlyNow


def test_what_is_kept_is_known_to_the_next_life(clock: Clock, tmp_path: Path) -> None:
    """Whoever has nothing to keep, or no trust to keep it with, says nothing and writes nothing."""
    clock.keep()
    file = tmp_path / "clock.json"
    if not file.exists():
        assert isinstance(clock, AssumedClock) or clock.trust() is ClockTrust.UNKNOWN
        return
    machine = SimulatedClock(true_now=datetime(1990, 1, 1, tzinfo=UTC))
    assert SystemClock(file, machine).trust() is ClockTrust.UNKNOWN
