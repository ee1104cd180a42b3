"""One board on its pole: the edges that the real program runs on, its power, its lives one after another."""

import asyncio
import errno
import logging
import random
from collections.abc import Callable, Hashable
from contextlib import AbstractAsyncContextManager
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
from firmware_sim.fleet.storage import CountedCache, PartDied
from firmware_sim.network.conditions import Conditions, Trouble
from firmware_sim.network.network import Network

log = logging.getLogger(__name__)

_NO_SIGNAL = Conditions(Trouble.LINK_DOWN)
_DIED = "program died: station=%s problem=%r"
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
        self._is_off = False

    @property
    def is_dark(self) -> bool:
        """Without power, or not booted yet since it came back."""
        return self._is_off

    def cut_power(self, why: Hashable) -> None:
        """Nothing that happens in its program from here on reaches card, network or loudspeaker."""
        self._without_power.add(why)
        self._power_changed.set()
        if self._is_off:
            return
        self._is_off = True
        self.signal.lay("power", _NO_SIGNAL)
        self.card.refuse("power", errno.EIO)
        if self.life is not None:
            self.life.performer.cut()

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

    def powered(self, progress: Callable[[], float]) -> AbstractAsyncContextManager[None]:
        """The amplifier of the present life, for its own self-test."""
        assert self.life is not None
        return self.life.station.amplifier.powered(progress)

    async def live(self, stop: asyncio.Event, build: Callable[["Board"], Life]) -> None:
        self.card.use()
        while not stop.is_set():
            if self._is_off:
                await self._boot(stop)
            else:
                await self._one_life(stop, build)

    async def _boot(self, stop: asyncio.Event) -> None:
        """As soon as the power has stayed for long enough."""
        off_at = self.machine.true_now()
        while self._is_off and not stop.is_set():
            if self._without_power:
                await self._power_changes(stop)
            elif not await self._power_changes(stop, self._chance.uniform(*BOOT_S)):
                self._is_off = False
                self.card.mend("power")
                self.signal.lift("power")
                self.machine.boot(NO_BATTERY if any(self._without_time.values()) else off_at)

    async def _power_changes(self, stop: asyncio.Event, within_s: float | None = None) -> bool:
        """Whether it does, or `stop` is set, in that time."""
        self._power_changed.clear()
        try:
            async with asyncio.timeout(within_s):
                await _first_of(self._power_changed, stop)
        except TimeoutError:
            return False
        return True

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
        if not self._is_off and not stop.is_set():
            await self._power_changes(stop, RESTART_S)

    async def _run(self, stop: asyncio.Event, build: Callable[["Board"], Life]) -> None:
        """Whatever kills a program kills that one board's program, and is counted."""
        try:
            self.life = build(self)
            await self.life.station.run(stop)
        except Exception as error:  # noqa: BLE001 - its service manager would not ask what it was either
            if not self._is_off:
                self.deaths += 1
                wanted = isinstance(error, ExceptionGroup) and error.subgroup(PartDied) is not None
                log.log(logging.INFO if wanted else logging.ERROR, _DIED, self.id, error)

    async def _gone_dark(self) -> None:
        while not self._is_off:
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
