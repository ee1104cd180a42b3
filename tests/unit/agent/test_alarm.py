"""The alarm rings by the station's clock, in any event loop's time."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from agent.alarm import Alarm
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


class Bell:
    """Notes the village's time at which it was rung."""

    def __init__(self) -> None:
        self.machine = SimulatedClock(asyncio.get_running_loop().time, NOON)
        self.rung_s: list[float] = []
        self.alarm = Alarm(self._ring, self.machine.now)

    def _ring(self) -> None:
        self.rung_s.append((self.machine.true_now() - NOON).total_seconds())


@pytest.mark.parametrize(("rate", "late_s"), [(AT_ONCE, 1e-6), (60.0, 60.0)])
def test_it_rings_once_at_its_instant(rate: float, late_s: float) -> None:
    async def main() -> list[float]:
        bell = Bell()
        bell.alarm.set(NOON + timedelta(seconds=90))
        await asyncio.sleep(90 + late_s)
        return bell.rung_s

    (rung_s,) = run_at(rate, main())
    assert 90 - 1e-6 <= rung_s <= 90 + late_s


def test_by_a_clock_that_is_wrong_it_rings_when_that_clock_says_so() -> None:
    async def main() -> list[float]:
        bell = Bell()
        bell.machine.step(-30)
        bell.alarm.set(NOON + timedelta(seconds=60))
        await asyncio.sleep(3600)
        return bell.rung_s

    assert run_at(AT_ONCE, main()) == [pytest.approx(90)]


def test_set_anew_it_forgets_the_old_instant_and_none_is_no_alarm() -> None:
    async def main() -> list[float]:
        bell = Bell()
        bell.alarm.set(NOON + timedelta(seconds=10))
        bell.alarm.set(NOON + timedelta(seconds=20))
        await asyncio.sleep(60)
        bell.alarm.set(NOON + timedelta(seconds=70))
        bell.alarm.set(None)
        await asyncio.sleep(60)
        return bell.rung_s

    assert run_at(AT_ONCE, main()) == [pytest.approx(20)]


def test_an_instant_that_has_passed_rings_at_once() -> None:
    async def main() -> list[float]:
        bell = Bell()
        bell.alarm.set(NOON - timedelta(hours=1))
        await asyncio.sleep(1)
        return bell.rung_s

    assert run_at(AT_ONCE, main()) == [0.0]


def test_stopped_it_rings_no_more() -> None:
    async def main() -> list[float]:
        bell = Bell()
        bell.alarm.set(NOON + timedelta(seconds=10))
        bell.alarm.stop()
        await asyncio.sleep(60)
        return bell.rung_s

    assert run_at(AT_ONCE, main()) == []
