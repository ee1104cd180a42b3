"""The composition root: settings, a clock and a speaker in, a running station out."""

import asyncio
import logging
import uuid
from dataclasses import dataclass

from agent.cache import MediaCache
from agent.clock import AssumedClock, Clock, SystemClock
from agent.conductor import Conductor
from agent.health import Health
from agent.inbox import Inbox
from agent.journal import Journal, open_journal
from agent.ledger import Ledger
from agent.link import Connection, Link
from agent.mailbox import Incoming
from agent.performer import Performer
from agent.player import Player
from agent.reporter import Reporter
from agent.settings import ClockMode, Settings
from agent.sound_files import SoundFiles
from agent.speakers.contract import Speaker
from agent.store import PlanStore
from agent.supervision import supervise
from wire.ids import ClockTrust
from wire.signing import Keyring

log = logging.getLogger(__name__)

_HOUSEKEEPING_S = 60.0


@dataclass
class Station:
    """All parts of one station, put together. `run` returns after `stop` is set and everything is flushed."""

    settings: Settings
    clock: Clock
    performer: Performer
    store: PlanStore
    cache: MediaCache
    journal: Journal
    ledger: Ledger
    link: Connection
    inbox: Inbox
    conductor: Conductor
    reporter: Reporter
    health: Health

    async def run(self, stop: asyncio.Event) -> None:
        """Raises what killed a part of the station."""
        log.info("station starts: station=%s state=%s", self.settings.station, self.settings.state_dir)
        self._load()
        tasks = {
            "link": self.link.run,
            "alerts": lambda: self._read(self.link.mailbox.urgent),
            "inbox": lambda: self._read(self.link.mailbox.ordinary),
            "conductor": self.conductor.run,
            "cache": self.cache.run,
            "reporter": self.reporter.run,
            "health": self.health.run,
            "housekeeping": self._housekeep,
        }
        try:
            await supervise(tasks, stop)
        finally:
            await self.performer.close()
            self.journal.close()

    def _load(self) -> None:
        self.store.load()
        self.ledger.load(self.clock.now(), clock_trusted=self._clock_trusted())
        self._plan_changed()

    def _plan_changed(self) -> None:
        if self.store.card is not None:
            self.link.follow(self.store.card.areas)
        self.conductor.replan()
        self.health.poke()

    async def _read(self, lane: "asyncio.Queue[Incoming]") -> None:
        while True:
            incoming = await lane.get()
            await self.inbox.take(incoming.topic, incoming.payload)

    async def _housekeep(self) -> None:
        while True:
            await self.tidy()
            await asyncio.sleep(_HOUSEKEEPING_S)

    async def tidy(self) -> None:
        """By a wrong clock everything may look old, and what is forgotten could be heard twice."""
        await asyncio.to_thread(self.clock.keep)
        if self._clock_trusted():
            await self.ledger.forget(self.clock.now(), self.settings.reports.remember_days)

    def _clock_trusted(self) -> bool:
        return self.clock.trust() is not ClockTrust.UNKNOWN

    def connect_parts(self) -> None:
        """Who tells whom."""
        self.inbox.on_plan = self._plan_changed
        self.inbox.on_ack = self.reporter.acknowledge
        self.inbox.on_refusal = self.health.poke
        self.cache.arrived = self._sound_arrived
        self.conductor.on_report = self.reporter.poke
        self.conductor.stage.on_sound = self.health.poke
        self.link.on_up = self._link_up

    def _sound_arrived(self) -> None:
        self.conductor.poke()
        self.health.poke()

    def _link_up(self) -> None:
        self.reporter.poke()
        self.health.poke()


def build(
    settings: Settings,
    speaker: Speaker,
    clock: Clock | None = None,
    *,
    link: Connection | None = None,
    performer: Performer | None = None,
    cache: MediaCache | None = None,
) -> Station:
    """Put a station together. With a `performer` of its own, nothing reaches `speaker`.

    Raises OSError or sqlite3.Error when its state folder cannot be used.
    """
    folder = settings.state_dir
    folder.mkdir(parents=True, exist_ok=True)
    clock = clock or clock_of(settings)
    boot_id = uuid.uuid4().hex
    name = settings.station
    keyring = Keyring.of(*settings.controller_keys)
    store = PlanStore(folder, keyring)
    cache = cache or MediaCache(SoundFiles(folder / "sound"), settings.media)
    journal = open_journal(folder / "journal.sqlite")
    ledger = Ledger(journal)
    link = link or Link(name, boot_id, settings.broker, clock)
    performer = performer or Player(speaker, cache.files)
    inbox = Inbox(name, keyring, store, clock)
    conductor = Conductor(store, cache, ledger, performer, clock)
    reporter = Reporter(name, journal, link, settings.reports)
    health = Health(name, boot_id, settings.heartbeat_s, clock, link, store, cache, journal, inbox, conductor)
    station = Station(
        settings, clock, performer, store, cache, journal, ledger, link, inbox, conductor, reporter, health
    )
    station.connect_parts()
    return station


def clock_of(settings: Settings) -> Clock:
    if settings.clock is ClockMode.ASSUME_TRUSTED:
        return AssumedClock()
    return SystemClock(settings.state_dir / "clock.json")
