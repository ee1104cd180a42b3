"""The composition root: settings, a clock and a speaker in, a running station out."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agent.agenda import Agenda, agenda_of
from agent.amplifier.board import BoardAmplifier
from agent.amplifier.contract import Amplifier
from agent.amplifier.guard import AmplifierGuard
from agent.amplifier.none import NoAmplifier
from agent.amplifier.powered import PoweredPerformer
from agent.cache import MediaCache
from agent.clock import AssumedClock, Clock, SystemClock
from agent.conductor import Conductor
from agent.files import make_folder
from agent.first_blocks import FirstBlocks
from agent.health import Health
from agent.inbox import Inbox
from agent.journal import Journal
from agent.journal_opening import journal_or_memory
from agent.ledger import Ledger
from agent.link import Connection, Link
from agent.mailbox import Incoming
from agent.microphone import CardMicrophone
from agent.performer import Performer
from agent.player import Player
from agent.receipts import Receipts
from agent.reporter import Reporter
from agent.rereading import Rereading
from agent.selftest.contract import Ear
from agent.selftest.ear import StationEar
from agent.selftest.runner import SelfTest
from agent.settings import ClockMode, Settings
from agent.sound_files import SoundFiles
from agent.speakers.contract import Speaker
from agent.storage import Storage
from agent.supervision import supervise
from wire.evidence import SelfTestKind
from wire.signing import Keyring

log = logging.getLogger(__name__)

_HOUSEKEEPING_S = 60.0


@dataclass
class Station:
    """All parts of one station, put together. `run` returns after `stop` is set and everything is flushed."""

    settings: Settings
    clock: Clock
    performer: Performer
    amplifier: AmplifierGuard
    agenda: Agenda
    cache: MediaCache
    beginnings: FirstBlocks
    journal: Journal
    link: Connection
    inbox: Inbox
    conductor: Conductor
    receipts: Receipts
    reporter: Reporter
    health: Health
    self_test: SelfTest
    beside: dict[str, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    """What else lives and dies with the station, by name: on a board its control socket and its page."""

    async def run(self, stop: asyncio.Event) -> None:
        """Raises what killed a part of the station."""
        log.info("station starts: station=%s state=%s", self.settings.station, self.settings.state_dir)
        self._load()
        tasks = {
            "amplifier": self.amplifier.run,
            "link": self.link.run,
            "alerts": lambda: self._read(self.link.mailbox.urgent),
            "inbox": lambda: self._read(self.link.mailbox.ordinary),
            "conductor": self.conductor.run,
            "cache": self.cache.run,
            "reread": Rereading(self.cache, lambda: self.conductor.stage.run is not None).run,
            "beginnings": self.beginnings.run,
            "receipts": self.receipts.run,
            "reporter": self.reporter.run,
            "health": self.health.run,
            "self-test": self.self_test.run,
            "housekeeping": self._housekeep,
            **self.beside,
        }
        try:
            await supervise(tasks, stop)
        finally:
            await self.performer.close()
            self.journal.close()

    def _load(self) -> None:
        self.agenda.load()
        for issued_at in self.agenda.issued_at():
            self.clock.heed_issue(issued_at)
        self._plan_changed()
        self._standing_changed()

    def _plan_changed(self) -> None:
        """The card or a layer."""
        if self.agenda.store.card is not None:
            self.link.follow(self.agenda.store.card.areas)
        self.agenda.alerts.refresh(self.agenda.moment())
        self._standing_changed()
        self.health.poke()

    def _standing_changed(self) -> None:
        signals = (sound for sound in self.agenda.standing() if sound.kind is None and sound.language is None)
        self.beginnings.want(sound.item.sha256 for sound in signals)
        self.conductor.replan()

    async def _board_changed(self) -> None:
        self.agenda.alerts.refresh(self.agenda.moment())
        await self.conductor.cut_in()
        self.receipts.poke()
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
        try:
            await asyncio.to_thread(self.clock.keep)
        except OSError as error:
            log.warning("clock floor not written: problem=%s", error)
        await asyncio.to_thread(self._pay_the_disk)
        if any(self.agenda.alerts.in_force()):
            await self.agenda.alerts.write_ages()
        at = self.agenda.moment()
        if at.clock_trusted:
            keep = self.agenda.alerts.soundings()
            await self.agenda.ledger.forget(at.now, self.settings.reports.remember_days, keep)

    def _pay_the_disk(self) -> None:
        self.agenda.store.pay()
        self.agenda.boards.pay()
        self.agenda.ledger.pay()

    def connect_parts(self) -> None:
        """Who tells whom."""
        self.inbox.on_plan = self._plan_changed
        self.inbox.on_board = self._board_changed
        self.inbox.on_standing = self._standing_changed
        self.inbox.on_ack = self.reporter.acknowledge
        self.inbox.on_refusal = self.health.poke
        self.cache.arrived = self._sound_arrived
        self.conductor.on_report = self.reporter.poke
        self.conductor.stage.on_sound = self._sound_changed
        self.link.on_up = self._link_up
        self.amplifier.on_change = self.health.poke
        self.self_test.on_result = self.health.poke
        self.conductor.stage.guests.append(self.self_test)
        self.health.self_tests = self.self_test.results

    def _sound_arrived(self) -> None:
        self.conductor.poke()
        self.beginnings.poke()
        self.health.poke()

    def _sound_changed(self) -> None:
        self.receipts.poke()
        self.health.poke()

    def _link_up(self) -> None:
        self.reporter.poke()
        self.receipts.again()
        self.cache.again()
        self.health.poke()


def build(
    settings: Settings,
    speaker: Speaker,
    clock: Clock | None = None,
    *,
    link: Connection | None = None,
    performer: Performer | None = None,
    cache: MediaCache | None = None,
    amplifier: Amplifier | None = None,
    ear: Ear | None = None,
    journal: Journal | None = None,
) -> Station:
    """Put a station together. With a `performer` of its own, nothing reaches `speaker`.

    Without an `ear` it tests itself by `speaker`, microphone and amplifier board, as far as there are any.

    Raises OSError when its state folder cannot even be read.
    """
    folder = settings.state_dir
    make_folder(folder)
    clock = clock or clock_of(settings)
    boot_id = uuid.uuid4().hex
    name = settings.station
    keyring = Keyring.of(*settings.controller_keys)
    cache = cache or MediaCache(SoundFiles(folder / "sound"), settings.media, monotonic_s=clock.monotonic_s)
    beginnings = FirstBlocks(cache.files)
    journal = journal or journal_or_memory(folder / "journal.sqlite")
    agenda = agenda_of(folder, keyring, Ledger(journal), clock)
    link = link or Link(name, boot_id, settings.broker, clock)
    inbox = Inbox(name, keyring, agenda.store, agenda.boards, clock)
    amplifier = amplifier or amplifier_of(settings, clock)
    guard = AmplifierGuard(amplifier, clock)
    kinds = kinds_of(settings, amplifier) if performer is None else ()
    performer = PoweredPerformer(performer or Player(speaker, cache.files, beginnings), guard, clock)
    conductor = Conductor(agenda, cache, performer)
    receipts = Receipts(name, link, agenda.alerts, conductor.stage, clock=clock)
    reporter = Reporter(name, journal, link, settings.reports)
    health = Health(
        name, boot_id, settings.heartbeat_s, clock, link, agenda, cache, journal, inbox, conductor
    )
    health.amplifier = guard.state
    self_test = SelfTest(
        ear or ear_of(settings, speaker, guard, clock),
        tuple(SelfTestKind) if ear is not None else kinds,
        agenda,
        lambda: conductor.stage.run is None,
        folder,
    )
    health.storage = Storage(folder, agenda, cache.files, journal).state
    station = Station(
        settings,
        clock,
        performer,
        guard,
        agenda,
        cache,
        beginnings,
        journal,
        link,
        inbox,
        conductor,
        receipts,
        reporter,
        health,
        self_test,
    )
    station.connect_parts()
    return station


def clock_of(settings: Settings) -> Clock:
    if settings.clock is ClockMode.ASSUME_TRUSTED:
        return AssumedClock()
    return SystemClock(settings.state_dir / "clock.json")


def kinds_of(settings: Settings, amplifier: Amplifier) -> tuple[SelfTestKind, ...]:
    """The self-tests that this board has the parts for."""
    fitted = {
        SelfTestKind.ACOUSTIC: settings.microphone.enabled,
        SelfTestKind.ELECTRICAL: not isinstance(amplifier, NoAmplifier),
    }
    return tuple(kind for kind, there in fitted.items() if there)


def ear_of(settings: Settings, speaker: Speaker, guard: AmplifierGuard, clock: Clock) -> Ear:
    """Loudspeaker, amplifier board and, where the settings name one, the microphone."""
    microphone = CardMicrophone(settings.microphone) if settings.microphone.enabled else None
    return StationEar(speaker, microphone, guard.powered, guard.measure, clock)


def amplifier_of(settings: Settings, clock: Clock) -> Amplifier:
    """The board on the serial port that the settings name, if any."""
    wired = settings.amplifier
    if not wired.port:
        return NoAmplifier(clock)
    from agent.amplifier.modbus import ModbusBus

    return BoardAmplifier(ModbusBus(wired), clock, wired.settle_s, wired.gain_db)
