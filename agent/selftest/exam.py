"""One self-test from its first sound to its verdict: three tries growing louder, and again after a while."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from agent.selftest.analysis import Heard, analyse
from agent.selftest.contract import Ear
from agent.selftest.judge import Limits, Opinion, conclude, is_cleared, judge, judge_lines
from agent.selftest.reference import (
    SWEEPS,
    AcousticReference,
    ElectricalReference,
    acoustic_reference,
    electrical_reference,
)
from agent.selftest.signal import pilot, sweep
from agent.speakers.contract import Frames
from wire.evidence import SelfTestFinding as Finding

log = logging.getLogger(__name__)

DRIVES_DB: Final = (-24.0, -18.0, -12.0)
"""Over full scale: the first is enough on a quiet morning, and spares the village."""
CALIBRATION_DB: Final = (-18.0, -24.0)
"""The second where the first one is too much for the microphone."""
PILOT_DB: Final = -20.0
PILOTS: Final = 3
AGAIN_AFTER_S: Final = 600.0
BETWEEN_S: Final = 2.0

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Conclusion:
    opinion: Opinion
    attempts: int


class Exam:
    """`pause` waits between tries; by default in the event loop's time."""

    def __init__(self, ear: Ear, limits: Limits = Limits(), pause: Pause = asyncio.sleep) -> None:
        self._ear = ear
        self._limits = limits
        self._pause = pause
        self._sweep = sweep()
        self._pilot = pilot()

    async def acoustic(self, reference: AcousticReference, rounds: int = 2) -> Conclusion:
        """Raises SpeakerFailed or MicrophoneFailed."""
        return await self._tries(partial(self._sweep_once, reference), rounds)

    async def electrical(self, reference: ElectricalReference, rounds: int = 2) -> Conclusion:
        """The silent tone cannot grow louder. Raises SpeakerFailed or AmplifierFailed."""
        return await self._tries(partial(self._draw_once, reference), rounds)

    async def hear_reference(self, at: datetime) -> AcousticReference | Finding:
        """What keeps it from being one, if anything. Raises SpeakerFailed or MicrophoneFailed."""
        for drive_db in CALIBRATION_DB:
            sweeps = [await self._hear(drive_db) for _ in range(SWEEPS)]
            made = await asyncio.to_thread(acoustic_reference, sweeps, drive_db, at)
            if not any(heard.clipped for heard in sweeps):
                break
        return made

    async def draw_reference(self, at: datetime) -> ElectricalReference | Finding:
        """What keeps it from being one, if anything. Raises SpeakerFailed or AmplifierFailed."""
        draws = [await self._ear.lines(self._pilot, PILOT_DB) for _ in range(PILOTS)]
        return electrical_reference(draws, at)

    async def _tries(self, attempt: Callable[[float], Awaitable[Opinion]], rounds: int) -> Conclusion:
        opinions: list[Opinion] = []
        for number, drive_db in enumerate(DRIVES_DB * rounds):
            await self._pause(_pause_before_s(number))
            opinions.append(await attempt(drive_db))
            if is_cleared(opinions):
                break
        return Conclusion(conclude(opinions, self._limits), len(opinions))

    async def _sweep_once(self, reference: AcousticReference, drive_db: float) -> Opinion:
        heard = await self._hear(drive_db)
        return await asyncio.to_thread(judge, heard, reference, drive_db, self._limits)

    async def _draw_once(self, reference: ElectricalReference, _drive_db: float) -> Opinion:
        return judge_lines(await self._ear.lines(self._pilot, PILOT_DB), reference, self._limits)

    async def _hear(self, drive_db: float) -> Heard:
        recording: Frames = await self._ear.hear(self._sweep, drive_db)
        return await asyncio.to_thread(analyse, recording, self._sweep, drive_db)


def _pause_before_s(number: int) -> float:
    if number == 0:
        return 0.0
    return BETWEEN_S if number % len(DRIVES_DB) else AGAIN_AFTER_S
