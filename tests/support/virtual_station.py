"""A whole station in a time of its own: real player, real Opus files, a board's own clock."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.app import Station, build
from agent.clock import SystemClock
from agent.journal import Journal
from agent.settings import Broker, Media, Settings
from agent.store import PlanStore
from firmware_sim.clock import SimulatedClock
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.network.network import Network
from firmware_sim.wav_speaker import WavSpeaker
from tests.support.sounds import RATE_HZ, encoded
from wire import topics
from wire.base import Message
from wire.ids import LatenessRule, StationKind
from wire.messages import (
    Item,
    Lateness,
    PlanLayer,
    PlannedOccurrence,
    PlaybackReport,
    StationCard,
    TimeNotice,
)
from wire.signing import Keyring, SigningKey

NAME, AREA = "cum-loa-1", "ta-van"


@dataclass(frozen=True)
class Sounded:
    """One stretch of sound; `at` is the village's time of its first frame, whatever the board thinks."""

    occurrence: str
    at: datetime
    seconds: float
    silent_s: float


@dataclass
class VirtualStation:
    """Everything but the clocks is real. `machine` is the board's and knows the true time.

    Without a `broker` it has no network.
    """

    folder: Path
    machine: SimulatedClock
    key: SigningKey = field(default_factory=SigningKey.generate)
    broker: Broker | None = None
    station: Station | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def sound(self, seconds: float, seed: int = 1) -> Item:
        """Encoded into the station's own cache."""
        target = self.state / "sound"
        target.mkdir(parents=True, exist_ok=True)
        return encoded(target, seconds, seed)

    def planned(self, schedule: str, start: datetime, *items: Item, **changes: Any) -> PlannedOccurrence:
        id_ = f"{schedule}@{start:%Y%m%dT%H%M%SZ}"
        values = {"volume": 100, "lateness": Lateness(rule=LatenessRule.RESUME)} | changes
        return PlannedOccurrence(id=id_, schedule=schedule, start=start, items=items, **values)

    def hold(self, planned: Iterable[PlannedOccurrence], version: int = 1) -> None:
        """Card and plan are on its disk before it starts."""
        issued_at = self.machine.true_now() - timedelta(days=2)
        card = StationCard(
            station=NAME,
            version=version,
            issued_at=issued_at,
            name="Cụm loa bản 1",
            kind=StationKind.VILLAGE_CLUSTER,
            areas=("lao-cai", AREA),
            zone="Asia/Ho_Chi_Minh",
            media_url="http://127.0.0.1:9/media",
        )
        expires_at = self.machine.true_now() + timedelta(days=14)
        layer = PlanLayer(
            area=AREA,
            version=version,
            issued_at=issued_at,
            expires_at=expires_at,
            occurrences=tuple(planned),
        )
        store = PlanStore(self.state, Keyring.of(self.key.public_jwk()))
        store.keep_card(card, self.key.sign(card))
        store.keep_layer(layer, self.key.sign(layer))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Station]:
        """One life of the program."""
        made, stop = self.build(), asyncio.Event()
        self.station = made
        async with asyncio.TaskGroup() as group:
            life = group.create_task(made.run(stop))
            yield made
            stop.set()
            await life
        self.station = None

    def build(self) -> Station:
        settings = Settings(
            station=NAME,
            state_dir=self.state,
            controller_keys=(self.key.public_jwk(),),
            media=Media(reserve_mb=0),
            broker=self.broker or Broker(),
        )
        clock, network = SystemClock(self.state / "clock.json", self.machine), Network()
        if self.broker is None:
            network.unplug()
        speaker = WavSpeaker(self.folder / "heard", self.machine.true_now, self.machine.monotonic_s)
        link = LightLink(NAME, "boot-1", settings.broker, clock, network)
        return build(settings, speaker, clock, link=link)

    async def take(self, topic: str, document: Message) -> None:
        """As if it had come in by a link."""
        assert self.station is not None
        await self.station.inbox.take(topic, self.key.sign(document))

    async def hear_notices(self, minutes: int, late_s: Callable[[], float] = lambda: 0.1) -> None:
        """The controller says what time it is, once a minute, over a network that takes its time."""
        for _ in range(minutes):
            notice = TimeNotice(at=self.machine.true_now())
            delay_s = late_s()
            await asyncio.sleep(delay_s)
            await self.take(topics.TIME, notice)
            await asyncio.sleep(60 - delay_s)

    async def until(self, moment: datetime) -> None:
        """The village's time."""
        await asyncio.sleep(max((moment - self.machine.true_now()).total_seconds(), 0.0))

    async def until_so(self, look: Callable[[], object], what: str, within_s: float = 60.0) -> None:
        """Its own seconds; they cost none of ours."""
        for _ in range(int(within_s * 20)):
            if look():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {within_s} s of its time: {what}")

    def heard(self) -> list[Sounded]:
        """In the order in which it sounded."""
        files = (self.folder / "heard").glob("*.json")
        return sorted((_sounded(file) for file in files), key=lambda one: one.at)

    def reports(self) -> dict[str, PlaybackReport]:
        journal = Journal(self.state / "journal.sqlite")
        try:
            return {report.occurrence: report for report in journal.outbox(10_000)}
        finally:
            journal.close()


def _sounded(file: Path) -> Sounded:
    record = json.loads(file.read_text())
    at = datetime.fromisoformat(record["first_frame_at"])
    seconds, silent_s = record["frames"] / RATE_HZ, record["silent_frames"] / RATE_HZ
    return Sounded(record["occurrence"], at, seconds, silent_s)
