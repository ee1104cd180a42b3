"""An ear without air: a simulated horn instead of loudspeaker and microphone."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext

import numpy as np

from agent.errors import MicrophoneFailed, SpeakerFailed
from agent.selftest.contract import LEAD_S, TAIL_S
from agent.selftest.signal import at_level
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames
from firmware_sim.horn import FULL_SCALE, Horn
from firmware_sim.village_noise import Air, Wave

Powered = Callable[[Callable[[], float]], AbstractAsyncContextManager[None]]


def _unpowered(_progress: Callable[[], float]) -> AbstractAsyncContextManager[None]:
    return nullcontext()


class HornEar:
    """`air` is asked before every sound. A sound takes `pace` times its own length of the event loop's time.

    `output_gone` and `input_gone` stand for a sound card that is pulled out; `soundings` counts.
    """

    def __init__(
        self,
        horn: Horn,
        air: Callable[[], Air] = Air,
        *,
        pace: float = 0.0,
        powered: Powered = _unpowered,
    ) -> None:
        self.horn = horn
        self.air = air
        self.pace = pace
        self.powered = powered
        self.output_gone = False
        self.input_gone = False
        self.soundings = 0

    async def hear(self, sound: Frames, level_db: float) -> Frames:
        """Raises SpeakerFailed or MicrophoneFailed."""
        played = _with_silence(at_level(sound, level_db))
        await self._sound(len(played))
        if self.input_gone:
            raise MicrophoneFailed(problem="no such input")
        return self.horn.heard(played, self.air())

    async def lines(self, sound: Frames, level_db: float) -> tuple[float, ...]:
        """Raises SpeakerFailed."""
        played = at_level(sound, level_db)
        await self._sound(len(played))
        return self.horn.line_ma(played / FULL_SCALE, self.air())

    async def _sound(self, frames: int) -> None:
        if self.output_gone:
            raise SpeakerFailed(problem="no such output")
        self.soundings += 1
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with self.powered(lambda: loop.time() - began_s):
            await asyncio.sleep(frames / SAMPLE_RATE_HZ * self.pace)


def _with_silence(sound: Frames) -> Wave:
    lead, tail = (round(pause_s * SAMPLE_RATE_HZ) for pause_s in (LEAD_S, TAIL_S))
    return np.pad(sound / FULL_SCALE, (lead, tail))
