"""What the station knows of itself, every half minute and at once when its sound changes."""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.agenda import Agenda
from agent.cache import Grade, MediaCache
from agent.clock import Clock
from agent.conductor import Conductor
from agent.inbox import Inbox
from agent.journal import Journal
from agent.link import Connection
from agent.receipts import PAUSE_S
from wire import topics
from wire.evidence import AmplifierState, SelfTestResult, StorageState
from wire.messages import Heartbeat, HeldLayer

log = logging.getLogger(__name__)

LEAST_PAUSE_S = 1.0
AFTER_CHANGE_S = (0.0, PAUSE_S)
AFTER_ALERT_S = (0.5, 2.5)
"""Heartbeats of thousands of stations must not stand in the way of the alert that they tell of."""


@dataclass
class Health:
    """Heartbeats are never queued: a late one would be a lie."""

    station: str
    boot_id: str
    every_s: float
    clock: Clock
    link: Connection
    agenda: Agenda
    cache: MediaCache
    journal: Journal
    inbox: Inbox
    conductor: Conductor
    chance: random.Random = field(default_factory=random.Random)
    amplifier: Callable[[], AmplifierState | None] = lambda: None
    storage: Callable[[], StorageState | None] = lambda: None
    self_tests: Callable[[], tuple[SelfTestResult | None, SelfTestResult | None]] = lambda: (None, None)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._began_s = self.clock.monotonic_s()

    def poke(self) -> None:
        """Something worth telling at once; several in a second make one heartbeat."""
        self._wanted.set()

    async def run(self) -> None:
        while True:
            self._wanted.clear()
            if self.link.connected:
                await self._beat()
            await asyncio.sleep(min(LEAST_PAUSE_S, self.every_s))
            await self._pause(max(self.every_s - LEAST_PAUSE_S, 0.0))

    async def _beat(self) -> None:
        try:
            heartbeat = await self.heartbeat()
        except (OSError, sqlite3.Error) as error:
            log.warning("no heartbeat, the disk cannot be read: problem=%s", error)
            return
        self.link.send(topics.heartbeat(self.station), heartbeat.encode(), qos=0)

    async def heartbeat(self) -> Heartbeat:
        """Raises OSError or sqlite3.Error when the station's own disk cannot be read."""
        store, boards = self.agenda.store, self.agenda.boards
        card = store.card
        held = boards.boards(card.areas) if card else ()
        playing = self.conductor.now_playing()
        acoustic, electrical = self.self_tests()
        return Heartbeat(
            station=self.station,
            boot_id=self.boot_id,
            at=self.clock.now(),
            uptime_s=round(self.clock.monotonic_s() - self._began_s, 1),
            clock=self.clock.trust(),
            playing=playing,
            card_version=card.version if card else None,
            layers=tuple(HeldLayer(area=layer.area, version=layer.version) for layer in store.layers()),
            cache=await asyncio.to_thread(self.cache.state),
            standing=await asyncio.to_thread(self.cache.state, Grade.STANDING),
            boards=tuple(HeldLayer(area=board.area, version=board.version) for board in held),
            volume=self.conductor.volume(),
            outbox=await asyncio.to_thread(self.journal.owed),
            refusals=self.inbox.refusals,
            amplifier=self.amplifier(),
            acoustic_test=acoustic,
            electrical_test=electrical,
            storage=await asyncio.to_thread(self.storage),
            link=self.link.state(),
        )

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._wanted.wait()
        except TimeoutError:
            return
        in_force = any(self.agenda.alerts.in_force())
        await asyncio.sleep(self.chance.uniform(*(AFTER_ALERT_S if in_force else AFTER_CHANGE_S)))
