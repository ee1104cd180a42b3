"""The controller's time over a real broker, to a board that booted in 1970 and lives thirty times faster."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.settings import Broker
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import run_at
from tests.support.virtual_station import VirtualStation
from wire import topics
from wire.ids import ClockTrust
from wire.messages import TimeNotice
from wire.signing import SigningKey

RATE = 30.0
SIX = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
TOLERANCE_S = 15.0
"""Half a second of ours, in its time."""


async def story(folder: Path, centre: Any, port: int, tell: Callable[[VirtualStation], Any]) -> None:
    machine = SimulatedClock(asyncio.get_running_loop().time, SIX)
    machine.boot()
    station = VirtualStation(folder, machine, centre.key, Broker(port=port))
    station.hold([])
    async with station.running() as running:
        await station.until_so(lambda: running.link.connected, "a connection", within_s=600)
        await tell(station)


async def say(station: VirtualStation, centre: Any, key: SigningKey, ahead_s: float = 0.0) -> None:
    notice = TimeNotice(at=station.machine.true_now() + timedelta(seconds=ahead_s))
    await asyncio.to_thread(centre.publish, topics.TIME, key.sign(notice), retain=False)
    await asyncio.sleep(60)


def test_a_board_without_a_time_service_learns_the_time_from_the_centre(
    tmp_path: Path, broker: Any, centre: Any
) -> None:
    async def tell(station: VirtualStation) -> None:
        assert station.station is not None
        clock = station.station.clock
        for _ in range(10):
            await say(station, centre, centre.key)
            if clock.trust() is ClockTrust.STALE:
                break
        assert clock.trust() is ClockTrust.STALE
        assert abs((clock.now() - station.machine.true_now()).total_seconds()) < TOLERANCE_S

    run_at(RATE, story(tmp_path, centre, broker.port, tell))


def test_a_stranger_who_signs_another_time_is_refused_and_reported(
    tmp_path: Path, broker: Any, centre: Any
) -> None:
    async def tell(station: VirtualStation) -> None:
        running = station.station
        assert running is not None
        stranger = SigningKey.generate()
        for _ in range(3):
            await say(station, centre, stranger, ahead_s=3600)
        await station.until_so(lambda: running.inbox.refusals, "a refusal")
        assert running.clock.trust() is ClockTrust.UNKNOWN
        assert [one.topic for one in running.inbox.refusals] == [topics.TIME]

    run_at(RATE, story(tmp_path, centre, broker.port, tell))
