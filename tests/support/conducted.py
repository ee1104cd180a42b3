"""A conductor on a folder of its own, with a clock and a loudspeaker that can go wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agent.agenda import agenda_of
from agent.cache import MediaCache
from agent.clock import AssumedClock
from agent.conductor import Conductor
from agent.errors import SpeakerFailed
from agent.first_blocks import FirstBlocks
from agent.journal import Journal
from agent.ledger import Ledger
from agent.player import Player
from agent.settings import Media
from agent.sound_files import SoundFiles
from firmware_sim.wav_speaker import WavSounding, WavSpeaker
from wire.ids import ClockTrust
from wire.messages import PlaybackReport
from wire.signing import Keyring, SigningKey


class MovableClock(AssumedClock):
    """Can be set wrong by `shift` and stop being believed."""

    def __init__(self) -> None:
        self.shift = timedelta(0)
        self.trusted = ClockTrust.TRUSTED

    def now(self) -> datetime:
        return super().now() + self.shift

    def trust(self) -> ClockTrust:
        return self.trusted


class FaultySpeaker(WavSpeaker):
    """Refuses to open `refusals` times."""

    def __init__(self, folder: Path, clock: MovableClock) -> None:
        super().__init__(folder, now=clock.now)
        self.refusals = 0

    async def begin(self, start_at_s: float, label: str) -> WavSounding:
        if self.refusals:
            self.refusals -= 1
            raise SpeakerFailed(problem="unplugged")
        return await super().begin(start_at_s, label)


class Bench:
    """A conductor with all it needs, on a folder."""

    def __init__(self, folder: Path, key: SigningKey) -> None:
        self.folder = folder
        self.key = key
        self.clock = MovableClock()
        self.files = SoundFiles(folder / "sound")
        self.speaker = FaultySpeaker(folder / "heard", self.clock)
        self.journal = Journal(folder / "journal.sqlite")
        self.agenda = agenda_of(folder, Keyring.of(key.public_jwk()), Ledger(self.journal), self.clock)
        self.agenda.load()
        self.store, self.ledger = self.agenda.store, self.agenda.ledger
        cache = MediaCache(self.files, Media())
        self.beginnings = FirstBlocks(self.files)
        player = Player(self.speaker, self.files, self.beginnings)
        self.conductor = Conductor(self.agenda, cache, player)

    def hold(self, document: Any) -> None:
        keep = self.store.keep_card if document.type == "card" else self.store.keep_layer
        keep(document, self.key.sign(document))
        self.conductor.replan()

    def soon(self, in_s: float = 0.3) -> datetime:
        return self.clock.now() + timedelta(seconds=in_s)

    def heard(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "heard").glob("*.wav"))

    async def until(self, look: Callable[[], Any], within_s: float = 6.0) -> Any:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if found := look():
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("did not come about")

    async def report(self, within_s: float = 6.0) -> PlaybackReport:
        owed = await self.until(lambda: self.journal.outbox(10), within_s)
        assert len(owed) == 1
        report: PlaybackReport = owed[0]
        return report

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.conductor.run())
            yield
            task.cancel()
