"""The real ear: loudspeaker, air and microphone, and the amplifier board's own ammeters."""

import itertools
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from agent.clock import Clock
from agent.errors import AmplifierFailed, MicrophoneFailed, SpeakerFailed
from agent.microphone import Microphone
from agent.selftest.contract import LEAD_S, TAIL_S
from agent.selftest.signal import at_level
from agent.speakers.contract import HELD_S, SAMPLE_RATE_HZ, Frames, Sounding, Speaker
from wire.evidence import AmplifierState

OPEN_S: Final = 0.3
"""For the sound card to open both ways before the recording begins."""
SETTLED_S: Final = 0.4
"""So long after the first sample the currents stand still."""

Powered = Callable[[Callable[[], float]], AbstractAsyncContextManager[None]]
Read = Callable[[], Awaitable[AmplifierState]]


class StationEar:
    """`powered` is the amplifier guard's; `read` asks the board for its currents now."""

    def __init__(
        self, speaker: Speaker, microphone: Microphone | None, powered: Powered, read: Read, clock: Clock
    ) -> None:
        self._speaker = speaker
        self._microphone = microphone
        self._powered = powered
        self._read = read
        self._clock = clock

    async def hear(self, sound: Frames, level_db: float) -> Frames:
        if self._microphone is None:
            raise MicrophoneFailed(problem="none is set up")
        count = len(sound) + round((LEAD_S + TAIL_S) * SAMPLE_RATE_HZ)
        async with self._microphone.listen() as recording, self._sounding(LEAD_S) as sounding:
            await sounding.write(at_level(sound, level_db))
            await sounding.finish()
            if sounding.first_frame_at_s is None:
                raise SpeakerFailed(problem="nothing has left it")
            return await recording.between(sounding.first_frame_at_s - LEAD_S, count)

    async def lines(self, sound: Frames, level_db: float) -> tuple[float, ...]:
        """The median of some readings, each taken while half a second of the sound is still to come."""
        frames = at_level(sound, level_db)
        steady, step = round(SETTLED_S * SAMPLE_RATE_HZ), round(HELD_S * SAMPLE_RATE_HZ)
        edges = [0, *range(steady + step, len(frames), step), len(frames)]
        readings: list[tuple[float, ...]] = []
        async with self._sounding(0.0) as sounding:
            for begin, end in itertools.pairwise(edges):
                await sounding.write(frames[begin:end])
                if end < len(frames):
                    readings.append(await self._currents_ma())
            await sounding.finish()
        return tuple(statistics.median(line) for line in zip(*readings, strict=False))

    async def _currents_ma(self) -> tuple[float, ...]:
        state = await self._read()
        if state.problem is not None:
            raise AmplifierFailed(problem=state.problem)
        return tuple(line.current_ma for line in state.lines)

    @asynccontextmanager
    async def _sounding(self, lead_s: float) -> AsyncIterator[Sounding]:
        """Announced so far ahead that the amplifier has settled and the microphone heard the pause."""
        made: list[Sounding] = []
        async with self._powered(lambda: float(made[0].played_frames) if made else 0.0):
            start_at_s = self._clock.monotonic_s() + OPEN_S + lead_s
            made.append(await self._speaker.begin(start_at_s, "self-test"))
            try:
                yield made[0]
            finally:
                await made[0].stop()
