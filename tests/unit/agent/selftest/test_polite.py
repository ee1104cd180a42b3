"""A test is out of the way at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from agent.errors import MicrophoneFailed
from agent.selftest.polite import YIELD_WITHIN_S, GaveWay, PoliteEar
from agent.selftest.signal import sweep
from agent.speakers.contract import Frames
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar


class StubbornEar:
    """Does not fall silent when it is told to."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()

    async def hear(self, _sound: Frames, _level_db: float) -> Frames:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                continue
        return np.zeros(1, dtype=np.int16)

    async def lines(self, _sound: Frames, _level_db: float) -> tuple[float, ...]:
        raise MicrophoneFailed(problem="none")


async def test_it_gives_way_in_the_middle_of_a_sound() -> None:
    begun = asyncio.Event()

    @asynccontextmanager
    async def powered(_progress: Callable[[], float]) -> AsyncIterator[None]:
        begun.set()
        yield

    polite = PoliteEar(HornEar(Horn(1), pace=1.0, powered=powered), lambda: True)
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(gives_way(polite))
        await begun.wait()
        began_s = time.monotonic()
        await polite.yield_stage()
        assert time.monotonic() - began_s < YIELD_WITHIN_S
        assert await listening


async def gives_way(polite: PoliteEar) -> bool:
    with pytest.raises(GaveWay):
        await polite.hear(sweep(), -24.0)
    return True


async def test_it_does_not_begin_where_it_is_not_welcome() -> None:
    ear = HornEar(Horn(1))
    polite = PoliteEar(ear, lambda: False)
    with pytest.raises(GaveWay):
        await polite.hear(sweep(), -24.0)
    with pytest.raises(GaveWay):
        await polite.lines(sweep(), -24.0)
    assert ear.soundings == 0


async def test_where_nothing_sounds_nobody_waits() -> None:
    polite = PoliteEar(HornEar(Horn(1)), lambda: True)
    await polite.yield_stage()
    await polite.lines(sweep(), -24.0)
    await polite.yield_stage()


async def test_an_ear_that_does_not_fall_silent_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    ear = StubbornEar()
    polite = PoliteEar(ear, lambda: True)
    async with asyncio.TaskGroup() as group:
        group.create_task(polite.hear(sweep(), -24.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await polite.yield_stage()
        ear.let_go.set()
    assert "does not fall silent" in caplog.text


async def test_errors_come_as_they_are() -> None:
    polite = PoliteEar(StubbornEar(), lambda: True)
    with pytest.raises(MicrophoneFailed):
        await polite.lines(sweep(), -24.0)
