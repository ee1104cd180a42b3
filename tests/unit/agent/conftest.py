"""Small real sounds, and a station's parts without the network."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from agent.agenda import agenda_of
from agent.cache import MediaCache
from agent.clock import AssumedClock
from agent.conductor import Conductor
from agent.first_blocks import FirstBlocks
from agent.inbox import Inbox
from agent.journal import Journal
from agent.ledger import Ledger
from agent.player import Player
from agent.settings import Media
from agent.sound_files import SoundFiles
from firmware_sim.wav_speaker import WavSpeaker
from wire import topics
from wire.alerts import Alert, AlertBoard, Voice
from wire.ids import AlertKind, ClockTrust, LatenessRule, Severity, StationKind
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, PlaybackReport, StationCard
from wire.signing import Keyring, SigningKey

RATE_HZ = 48_000


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
def keyring(key: SigningKey) -> Keyring:
    return Keyring.of(key.public_jwk())


@pytest.fixture
def make_card() -> Callable[..., StationCard]:
    def make(version: int = 1, **changes: Any) -> StationCard:
        values: dict[str, Any] = {
            "station": "cum-loa-1",
            "version": version,
            "issued_at": datetime.now(UTC),
            "name": "Cụm loa bản 1",
            "kind": StationKind.VILLAGE_CLUSTER,
            "areas": ("lao-cai", "ta-van"),
            "zone": "Asia/Ho_Chi_Minh",
            "media_url": "http://127.0.0.1:9/media",
        }
        return StationCard(**(values | changes))

    return make


@pytest.fixture
def make_layer() -> Callable[..., PlanLayer]:
    def make(
        *occurrences: PlannedOccurrence, area: str = "ta-van", version: int = 1, days: int = 14
    ) -> PlanLayer:
        now = datetime.now(UTC)
        return PlanLayer(
            area=area,
            version=version,
            issued_at=now,
            expires_at=now + timedelta(days=days),
            occurrences=occurrences,
        )

    return make


@pytest.fixture
def make_planned() -> Callable[..., PlannedOccurrence]:
    def make(
        *items: Item, start: datetime | None = None, schedule: str = "ban-tin", **changes: Any
    ) -> PlannedOccurrence:
        start = start or datetime.now(UTC).replace(microsecond=0)
        values: dict[str, Any] = {
            "id": f"{schedule}@{start:%Y%m%dT%H%M%SZ}",
            "schedule": schedule,
            "start": start,
            "items": items or (Item(sha256="a" * 64, seconds=10.0, size_bytes=1000),),
            "lateness": Lateness(rule=LatenessRule.RESUME),
        }
        return PlannedOccurrence(**(values | changes))

    return make


@pytest.fixture
def make_sound() -> Callable[..., tuple[Item, np.ndarray]]:
    """Encode noise as `<sha256>.opus` into a folder; the item and the samples before encoding."""

    def make(folder: Path, seconds: float, seed: int = 1) -> tuple[Item, np.ndarray]:
        folder.mkdir(parents=True, exist_ok=True)
        chance = np.random.default_rng(seed)
        soft = np.convolve(chance.standard_normal(int(seconds * RATE_HZ)), np.hanning(24), mode="same")
        samples = (soft / np.abs(soft).max() * 20_000).astype(np.int16)
        draft = folder / f"draft-{seed}"
        with av.open(str(draft), "w", format="ogg") as container:
            stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=64_000)
            for begin in range(0, len(samples), 960):
                frame = AudioFrame.from_ndarray(
                    samples[None, begin : begin + 960], format="s16", layout="mono"
                )
                frame.sample_rate = RATE_HZ
                frame.pts = begin
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        content = draft.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        draft.rename(folder / f"{sha256}.opus")
        return Item(sha256=sha256, seconds=seconds, size_bytes=len(content)), samples

    return make


@pytest.fixture
def make_alert() -> Callable[..., Alert]:
    """An alert in Vietnamese, in force for ten minutes, once through."""

    def make(*items: Item, number: int = 1, revision: int = 1, **changes: Any) -> Alert:
        now = datetime.now(UTC)
        signal, *voices = items or (Item(sha256="a" * 64, seconds=1.0, size_bytes=100),) * 2
        values: dict[str, Any] = {
            "id": f"kc-20261123-{number:08x}",
            "revision": revision,
            "sounding": f"kc-20261123-{number:08x}-r{revision}@{now:%Y%m%dT%H%M%SZ}",
            "kind": AlertKind.FLASH_FLOOD,
            "severity": Severity.SEVERE,
            "sent_at": now,
            "expires_at": now + timedelta(minutes=10),
            "signal": signal,
            "voices": (Voice(language="vi", items=tuple(voices)),),
            "repeats": 1,
            "gap_s": 0.0,
            "lateness": Lateness(rule=LatenessRule.CONTINUE),
        }
        return Alert(**(values | changes))

    return make


@pytest.fixture
def make_board() -> Callable[..., AlertBoard]:
    def make(*alerts: Alert, area: str = "ta-van", version: int = 1) -> AlertBoard:
        return AlertBoard(area=area, version=version, issued_at=datetime.now(UTC), alerts=alerts)

    return make


class SettableClock(AssumedClock):
    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.trusted = ClockTrust.TRUSTED
        self.ahead_s = 0.0

    def now(self) -> Any:
        return super().now() + self.shift

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s

    def trust(self) -> ClockTrust:
        return self.trusted


class Life:
    """One life of a station's inner parts, on a folder that outlives it."""

    def __init__(self, folder: Path, key: SigningKey, clock: SettableClock) -> None:
        self.folder, self.key, self.clock = folder, key, clock
        keyring = Keyring.of(key.public_jwk())
        self.journal = Journal(folder / "journal.sqlite")
        self.agenda = agenda_of(folder, keyring, Ledger(self.journal), clock)
        self.agenda.load()
        self.files = SoundFiles(folder / "sound")
        self.beginnings = FirstBlocks(self.files)
        self.cache = MediaCache(self.files, Media())
        speaker = WavSpeaker(folder / "heard", clock.now, clock.monotonic_s)
        player = Player(speaker, self.files, self.beginnings)
        self.conductor = Conductor(self.agenda, self.cache, player)
        self.inbox = Inbox("cum-loa-1", keyring, self.agenda.store, self.agenda.boards, clock)
        self.inbox.on_board = self.board_changed
        self.inbox.on_plan = self.plan_changed
        self.plan_changed()

    def plan_changed(self) -> None:
        self.agenda.alerts.refresh(self.agenda.moment())
        self.conductor.replan()

    async def board_changed(self) -> None:
        self.agenda.alerts.refresh(self.agenda.moment())
        await self.conductor.cut_in()

    async def take(self, document: Any) -> None:
        leaf = {"alerts": topics.alerts, "plan": topics.plan, "standing": topics.standing}
        is_card = document.type == "card"
        topic = topics.card("cum-loa-1") if is_card else leaf[document.type](document.area)
        await self.inbox.take(topic, self.key.sign(document))

    def heard(self) -> list[tuple[str, float]]:
        """Of each stretch: what, and for how many seconds."""
        records = [json.loads(file.read_text()) for file in sorted((self.folder / "heard").glob("*.json"))]
        return [(one["occurrence"], round(one["frames"] / 48_000, 2)) for one in records]

    def playing(self) -> str | None:
        now = self.conductor.now_playing()
        return now.occurrence if now else None

    async def until(self, look: Callable[[], Any], within_s: float = 8.0) -> Any:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if found := look():
                return found
            await asyncio.sleep(0.005)
        raise AssertionError("did not come about")

    def reports(self) -> dict[str, PlaybackReport]:
        return {report.occurrence: report for report in self.journal.outbox(99)}

    async def report(self, occurrence: str) -> PlaybackReport:
        found: PlaybackReport = await self.until(lambda: self.reports().get(occurrence))
        return found

    def again(self) -> "Life":
        """The next one, after a restart."""
        return Life(self.folder, self.key, self.clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.conductor.run())
            yield
            task.cancel()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
async def life(tmp_path: Path, key: SigningKey, clock: SettableClock, make_card: Any) -> Life:
    made = Life(tmp_path, key, clock)
    await made.take(make_card(volume_max=40, emergency_volume=90))
    return made


@pytest.fixture
def sound(tmp_path: Path, make_sound: Callable[..., Any]) -> Callable[..., Item]:
    def make(seconds: float, seed: int = 1) -> Item:
        item: Item = make_sound(tmp_path / "sound", seconds, seed)[0]
        return item

    return make
