"""Alerts on a station in real time, on a WAV speaker: what is heard, and what is told of it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

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
from wire.ids import ClockTrust, Outcome, OutcomeReason
from wire.messages import Item, PlaybackReport
from wire.signing import Keyring, SigningKey


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
        player = Player(WavSpeaker(folder / "heard", now=clock.now), self.files, self.beginnings)
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


async def test_an_alert_cuts_in_at_the_emergency_volume_and_the_programme_goes_on_afterwards(
    life: Life,
    sound: Any,
    make_layer: Any,
    make_planned: Any,
    make_alert: Any,
    make_board: Any,
    record_property: Any,
) -> None:
    song = make_planned(sound(5.0, 1), start=life.clock.now() + timedelta(seconds=0.2), volume=100)
    alert = make_alert(sound(0.5, 2), sound(0.5, 3))
    await life.take(make_layer(song))
    async with life.running():
        await life.until(lambda: life.playing() == song.id)
        began_s = time.monotonic()
        await life.take(make_board(alert))
        await life.until(lambda: life.playing() == alert.sounding)
        took_s = time.monotonic() - began_s
        assert life.conductor.volume() == 90
        await life.until(lambda: life.playing() == song.id)
        assert life.conductor.volume() == 40
        over = await life.report(song.id)
    record_property("preemption_ms", round(took_s * 1000))
    assert took_s < 0.5
    assert (over.outcome, over.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)
    report = life.reports()[alert.sounding]
    assert (report.outcome, report.seconds_planned) == (Outcome.PLAYED, 1.0)
    assert [name for name, _ in life.heard()] == [song.id, alert.sounding, song.id]
