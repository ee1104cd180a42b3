"""One board on its pole: the edges that the real program runs on, its power, its lives one after another."""

import asyncio
import errno
import logging
import random
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from agent.app import Station
from agent.settings import Broker
from firmware_sim.clock import NO_BATTERY, SimulatedClock
from firmware_sim.fleet.card import MemoryCard
from firmware_sim.fleet.loudspeaker import Loudspeaker
from firmware_sim.fleet.paper import PaperPerformer
from firmware_sim.fleet.signal import Signal
from firmware_sim.fleet.storage import CountedCache
from firmware_sim.network.conditions import Conditions, Trouble
from firmware_sim.network.network import Network

log = logging.getLogger(__name__)

_NO_SIGNAL = Conditions(Trouble.LINK_DOWN)
BOOT_S = (12.0, 25.0)
"""From the power to the program, on a Raspberry Pi 3 with a slow card."""
RESTART_S = 5.0
"""The service manager waits so long before it starts a program that has died."""
SYNCHRONISED_WITHIN_S = (5.0, 40.0)
"""After a boot, while there is a network: the time service asks its servers."""


class Life(Protocol):
    """One run of the program, put together on the board's edges."""

    @property
    def station(self) -> Station: ...

    @property
    def performer(self) -> PaperPerformer: ...

    @property
    def cache(self) -> CountedCache: ...


class Board:
    """`live` returns when `stop` is set and the program has said goodbye."""

    def __init__(
        self, station_id: str, folder: Path, broker: Broker, now: datetime, chance: random.Random
    ) -> None:
        """`now` is the time in the village."""
        loop = asyncio.get_running_loop()
        self.id = station_id
        self.broker = broker
        self.network = Network(chance)
        self.signal = Signal(self.network)
        self.machine = SimulatedClock(loop.time, now)
        self.card = MemoryCard(folder, chance)
        self.loudspeaker = Loudspeaker(station_id, chance)
        self.faults = 0
        self.deaths = 0
        self.boots = 0
        self.life: Life | None = None
        self._chance = chance
        self._without_power: set[Hashable] = set()
        self._without_time: dict[Hashable, bool] = {}
        self._power_changed = asyncio.Event()

    @property
    def is_dark(self) -> bool:
        return bool(self._without_power)

    def cut_power(self, why: Hashable) -> None:
        """Nothing that happens in its program from here on reaches card, network or loudspeaker."""
        was_dark = self.is_dark
        self._without_power.add(why)
        if was_dark:
            return
        self.signal.lay("power", _NO_SIGNAL)
        self.card.refuse("power", errno.EIO)
        if self.life is not None:
            self.life.performer.cut()
        self._power_changed.set()

    def restore_power(self, why: Hashable) -> None:
        self._without_power.discard(why)
        self._power_changed.set()

    def deny_time(self, why: Hashable, *, wakes_in_1970: bool = False) -> None:
        """No time service reaches it until `allow_time`."""
        self._without_time[why] = wakes_in_1970

    def allow_time(self, why: Hashable) -> None:
        self._without_time.pop(why, None)
        if not self._without_time:
            self.machine.synchronise()

    async def live(self, stop: asyncio.Event, build: Callable[["Board"], Life]) -> None:
        self.card.use()
        while not stop.is_set():
            if self.is_dark:
                await self._until_power(stop)
            else:
                await self._one_life(stop, build)

    async def _until_power(self, stop: asyncio.Event) -> None:
        off_at = self.machine.true_now()
        while self.is_dark and not stop.is_set():
            await self._power_changes(stop)
        if stop.is_set():
            return
        if not await self._dark_within(self._chance.uniform(*BOOT_S), stop):
            self.card.mend("power")
            self.signal.lift("power")
            self.machine.boot(NO_BATTERY if any(self._without_time.values()) else off_at)

    async def _dark_within(self, seconds: float, stop: asyncio.Event) -> bool:
        """While it boots the power may go again."""
        try:
            async with asyncio.timeout(seconds):
                while not self.is_dark and not stop.is_set():
                    await self._power_changes(stop)
        except TimeoutError:
            return False
        return True

    async def _power_changes(self, stop: asyncio.Event) -> None:
        self._power_changed.clear()
        await _first_of(self._power_changed, stop)

    async def _one_life(self, stop: asyncio.Event, build: Callable[["Board"], Life]) -> None:
        """From the start of the program to its end, a good or a bad one."""
        self.boots += 1
        async with asyncio.TaskGroup() as group:
            program = group.create_task(self._run(stop, build), name=self.id)
            others = [group.create_task(self._gone_dark()), group.create_task(self._keep_time())]
            await asyncio.wait([program, others[0]], return_when=asyncio.FIRST_COMPLETED)
            for task in (program, *others):
                task.cancel()
        self.life = None
        if not self.is_dark and not stop.is_set():
            await self._dark_within(RESTART_S, stop)

    async def _run(self, stop: asyncio.Event, build: Callable[["Board"], Life]) -> None:
        """Whatever kills a program kills that one board's program, and is counted."""
        try:
            self.life = build(self)
            await self.life.station.run(stop)
        except Exception as error:  # noqa: BLE001 - its service manager would not ask what it was either
            if not self.is_dark:
                self.deaths += 1
                log.warning("program died: station=%s problem=%r", self.id, error)

    async def _gone_dark(self) -> None:
        while not self.is_dark:
            self._power_changed.clear()
            await self._power_changed.wait()

    async def _keep_time(self) -> None:
        """What chrony does on the board."""
        while not self.machine.is_synchronised():
            await asyncio.sleep(self._chance.uniform(*SYNCHRONISED_WITHIN_S))
            if self.signal.carries and not self._without_time and not self.machine.is_synchronised():
                self.machine.synchronise()


async def _first_of(*events: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
