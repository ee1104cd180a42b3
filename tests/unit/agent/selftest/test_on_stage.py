"""A self-test and the stage share one speaker: whoever has to sound takes it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.conductor import Conductor
from agent.player import Player
from agent.selftest.ear import StationEar
from agent.selftest.runner import SelfTest
from firmware_sim.wav_speaker import WavSpeaker
from wire.evidence import AmplifierState, LineState, SelfTestResult
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestKind as Kind
from wire.evidence import SelfTestVerdict as Verdict
from wire.ids import Outcome


@asynccontextmanager
async def _always_on() -> AsyncIterator[None]:
    yield


def powered(_progress: Callable[[], float]) -> AbstractAsyncContextManager[None]:
    return _always_on()


async def read() -> AmplifierState:
    line = LineState(relay_on=True, muted=False, current_ma=40.0)
    return AmplifierState(at=datetime.now(UTC), power_on=True, lines=(line,))


@pytest.fixture
def self_test(life: Any) -> SelfTest:
    speaker = WavSpeaker(life.folder / "heard")
    life.conductor = Conductor(life.agenda, life.cache, Player(speaker, life.files, life.beginnings))
    ear = StationEar(speaker, None, powered, read, life.clock)
    stage = life.conductor.stage
    made = SelfTest(ear, [Kind.ELECTRICAL], life.agenda, lambda: stage.run is None, life.folder)
    stage.guests.append(made)
    return made


def sounding(life: Any) -> bool:
    return any(what == "self-test" for what, _ in life.heard())


async def test_an_alert_takes_the_speaker_from_a_test_at_once(
    life: Any, self_test: SelfTest, sound: Any, make_alert: Any, make_board: Any
) -> None:
    board = make_board(make_alert(sound(0.4), sound(0.6, 2)))
    async with life.running(), asyncio.TaskGroup() as group:
        asked = group.create_task(self_test.now(Kind.ELECTRICAL))
        await life.until(lambda: sounding(life))
        came_s = time.monotonic()
        await life.take(board)
        await life.until(life.playing)
        assert time.monotonic() - came_s <= 1.0
        report = await life.report(board.alerts[0].sounding)
        result = await asked
    assert report.outcome is Outcome.PLAYED
    assert (result.verdict, result.findings) == (Verdict.INCONCLUSIVE, (Finding.INTERRUPTED,))


async def test_a_broadcast_begins_in_time_and_the_test_is_gone_by_then(
    life: Any, self_test: SelfTest, sound: Any, make_planned: Any, make_layer: Any
) -> None:
    async with life.running(), asyncio.TaskGroup() as group:
        asked = group.create_task(self_test.now(Kind.ELECTRICAL))
        await life.until(lambda: sounding(life))
        planned = make_planned(sound(0.4), start=datetime.now(UTC) + timedelta(seconds=1))
        await life.take(make_layer(planned))
        report = await life.report(planned.id)
        result: SelfTestResult = await asked
    assert report.outcome is Outcome.PLAYED
    assert abs(report.start_error_ms) <= 20
    assert result.findings == (Finding.INTERRUPTED,)


async def test_with_the_stage_to_itself_it_comes_to_its_end(life: Any, self_test: SelfTest) -> None:
    async with life.running():
        result = await self_test.now(Kind.ELECTRICAL)
    assert (result.verdict, result.line_ma) == (Verdict.CALIBRATED, (40.0,))
    assert {what for what, _ in life.heard()} == {"self-test"}
