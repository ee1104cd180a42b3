"""A station on a state folder of its own, with a loudspeaker that writes WAV files and its desk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.app import Station, build
from agent.clock import AssumedClock
from agent.local.assembled import desk_of
from agent.local.desk import Desk
from agent.settings import Settings
from firmware_sim.wav_speaker import WavSpeaker
from wire import topics
from wire.ids import ClockTrust
from wire.messages import PlanLayer, QuietHours, StationCard
from wire.signing import SigningKey


class SettableClock(AssumedClock):
    def __init__(self) -> None:
        self.trusted = ClockTrust.TRUSTED

    def trust(self) -> ClockTrust:
        return self.trusted


@dataclass
class Board:
    """A station that is conducted, but has no network."""

    station: Station
    desk: Desk
    clock: SettableClock
    key: SigningKey
    folder: Path

    async def take(self, document: Any) -> None:
        leaf = {"alerts": topics.alerts, "plan": topics.plan}
        is_card = document.type == "card"
        topic = topics.card("cum-loa-1") if is_card else leaf[document.type](document.area)
        await self.station.inbox.take(topic, self.key.sign(document))

    def heard(self) -> list[tuple[str, float]]:
        """Of each stretch that is over: what, and for how many seconds."""
        records = [json.loads(file.read_text()) for file in sorted((self.folder / "heard").glob("*.json"))]
        return [(one["occurrence"], round(one["frames"] / 48_000, 1)) for one in records]

    async def until(self, look: Callable[[], Any], within_s: float = 15.0) -> Any:
        async with asyncio.timeout(within_s):
            while not (found := look()):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        return found

    def playing(self) -> str | None:
        now = self.station.conductor.now_playing()
        return now.occurrence if now else None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            parts = [self.station.conductor.run, self.station.amplifier.run]
            tasks = [group.create_task(part()) for part in parts]
            yield
            for task in tasks:
                task.cancel()
        await self.station.performer.close()


@pytest.fixture
async def board(
    tmp_path: Path, key: SigningKey, make_card: Callable[..., StationCard]
) -> AsyncIterator[Board]:
    settings = Settings(
        station="cum-loa-1", state_dir=tmp_path / "state", controller_keys=(key.public_jwk(),)
    )
    clock, speaker = SettableClock(), WavSpeaker(tmp_path / "heard")
    station = build(settings, speaker, clock)
    made = Board(station, desk_of(station, speaker), clock, key, tmp_path)
    await made.take(make_card(volume_max=60))
    yield made
    station.journal.close()


@pytest.fixture
def quiet_now() -> QuietHours:
    """Quiet hours around this moment, in the card's zone."""
    local = datetime.now(UTC) + timedelta(hours=7)
    return QuietHours(begins=(local - timedelta(hours=1)).time(), ends=(local + timedelta(hours=1)).time())


@pytest.fixture
def broadcast(
    board: Board, make_sound: Any, make_planned: Any, make_layer: Callable[..., PlanLayer]
) -> Callable[..., Any]:
    """`await broadcast(seconds, in_s)`: plan one whose sound is held; its occurrence id."""

    async def plan(seconds: float, in_s: float) -> str:
        item, _ = make_sound(board.folder / "state" / "sound", seconds)
        start = (datetime.now(UTC) + timedelta(seconds=in_s)).replace(microsecond=0)
        planned = make_planned(item, start=start)
        await board.take(make_layer(planned))
        return str(planned.id)

    return plan
