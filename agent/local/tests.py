"""Tests that a person asks for on the spot. Whatever the plan or an alert wants to sound comes first."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

from agent.agenda import Agenda
from agent.amplifier.guard import AmplifierGuard
from agent.clock import Clock
from agent.conductor import Conductor
from agent.errors import AgentError
from agent.local.errors import (
    AlertFirst,
    Busy,
    GaveWay,
    QuietNow,
    SoonSounding,
    Sounding,
    TestRefused,
    TimeUnknown,
)
from agent.local.tone import tone
from agent.selftest.polite import YIELD_WITHIN_S
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames, Speaker
from wire.evidence import SelfTestKind, SelfTestResult
from wire.ids import Priority

log = logging.getLogger(__name__)

SOON: Final = timedelta(seconds=15)
LEAD_S: Final = 0.2
ASIDE_S: Final = 60.0
"""The longest that a broadcast waits for a test which somebody insists on."""
UNKNOWN_VOLUME: Final = 50
"""Before a card has said how loud this station may be."""


class Examiner(Protocol):
    """The self-test, as far as a person may ask for one."""

    async def now(
        self, kind: SelfTestKind, *, calibrate: bool = False, insist: bool = False
    ) -> SelfTestResult: ...

    async def yield_stage(self) -> None: ...


@dataclass
class Tests:
    """One at a time. Every test may be refused with `TestRefused`; the sentence says what to do."""

    __test__ = False

    speaker: Speaker
    guard: AmplifierGuard
    examiner: Examiner
    agenda: Agenda
    conductor: Conductor
    clock: Clock
    _tone: asyncio.Task[AgentError | None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_busy(self) -> bool:
        return self._lock.locked()

    async def tone(self, *, insist: bool = False) -> None:
        """Three notes, about two and a half seconds. Raises `TestRefused`, `SpeakerFailed`."""
        async with self._alone(insist=insist):
            await self.examiner.yield_stage()
            if self.conductor.stage.run is not None:
                raise GaveWay
            card = self.agenda.store.card
            frames = tone(UNKNOWN_VOLUME if card is None else card.volume_max)
            async with asyncio.TaskGroup() as group:
                playing = _problem_of(play(frames, self.speaker, self.guard, self.clock))
                self._tone = task = group.create_task(playing, name="test tone")
            self._tone = None
        if task.cancelled():
            raise GaveWay
        problem = task.result()
        if problem is not None:
            raise problem
        log.info("test tone sounded: insisted=%s", insist)

    async def examine(
        self, kind: SelfTestKind, *, insist: bool = False, calibrate: bool = False
    ) -> SelfTestResult:
        """A self-test now; `calibrate` takes it as the station's reference. Raises AgentError."""
        async with self._alone(insist=insist, silent=kind is SelfTestKind.ELECTRICAL):
            return await self.examiner.now(kind, calibrate=calibrate, insist=insist)

    async def yield_stage(self) -> None:
        """Somebody comes upon the stage."""
        if self._tone is None:
            return
        self._tone.cancel()
        _, late = await asyncio.wait([self._tone], timeout=YIELD_WITHIN_S)
        if late:
            log.error("test tone does not fall silent: waited_s=%s", YIELD_WITHIN_S)

    @asynccontextmanager
    async def _alone(self, *, insist: bool, silent: bool = False) -> AsyncIterator[None]:
        if self._lock.locked():
            raise Busy
        async with self._lock:
            problem = self._objection(insist=insist, silent=silent)
            if problem is not None:
                raise problem
            if insist:
                await self.conductor.stand_aside(ASIDE_S)
            try:
                yield
            finally:
                if insist:
                    await self.conductor.stand_aside(0.0)

    def _objection(self, *, insist: bool, silent: bool) -> TestRefused | None:
        run = self.conductor.stage.run
        if (run is not None and run.is_emergency) or any(self.agenda.alerts.in_force()):
            return AlertFirst()
        if insist:
            return None
        if run is not None:
            return Sounding()
        return None if silent else self._objection_of_the_clock()

    def _objection_of_the_clock(self) -> TestRefused | None:
        at, quiet = self.agenda.moment(), self.agenda.quiet()
        if quiet is not None and not at.clock_trusted:
            return TimeUnknown()
        if quiet is not None and quiet.covers(at.now):
            return QuietNow()
        soon = (
            part.planned.start
            for part in self.agenda.parts(at).values()
            if at.now <= part.planned.start <= at.now + SOON
            and part.occurrence.priority is not Priority.EMERGENCY
        )
        return SoonSounding() if at.clock_trusted and any(soon) else None


async def play(frames: Frames, speaker: Speaker, guard: AmplifierGuard, clock: Clock) -> None:
    """To its end, with the amplifier on; cancelled, it is silent at once. Raises `SpeakerFailed`."""
    sounding = await speaker.begin(clock.monotonic_s() + guard.off_for_s + LEAD_S, "test-tone")
    try:
        async with guard.powered(lambda: sounding.played_frames / SAMPLE_RATE_HZ):
            for start in range(0, len(frames), SAMPLE_RATE_HZ // 4):
                await sounding.write(frames[start : start + SAMPLE_RATE_HZ // 4])
            await sounding.finish()
    finally:
        await sounding.stop()


async def _problem_of(playing: Awaitable[None]) -> AgentError | None:
    """A task group would wrap it."""
    try:
        await playing
    except AgentError as error:
        return error
    return None
