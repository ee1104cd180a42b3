"""Whoever stands before the loudspeaker: armed until its instant, sounding from there on, one at a time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.clock import Clock
from agent.ledger import Ledger
from agent.performer import Order, Performance, Performer
from agent.programme import Part
from wire.ids import OutcomeReason

log = logging.getLogger(__name__)

JOIN_LEAD = timedelta(seconds=0.2)
"""Joining in the middle aims this far ahead, so that the position is right when the first frame leaves."""
START_DRIFT_S = 0.002
NOTE_EVERY_S = 5.0


@dataclass
class Run:
    """Armed until `holds_from`, first frame at `begins_at`; `before_s` was sounded by earlier runs of it."""

    part: Part
    holds_from: datetime
    begins_at: datetime
    playback: Performance
    before_s: float
    noted_at_s: float

    @property
    def id(self) -> str:
        return self.part.planned.id

    @property
    def sounded_s(self) -> float:
        return self.before_s + self.playback.sounded_s

    @property
    def is_heard(self) -> bool:
        return self.playback.sounded_s > 0


class Stage:
    """Keeps the ledger true: *begun* is written before the first sample, the frame count while it sounds."""

    def __init__(
        self, ledger: Ledger, performer: Performer, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._performer = performer
        self._clock = clock
        self._changed = changed
        self.run: Run | None = None
        self.on_sound: Callable[[], None] = lambda: None

    def sounding(self, at: datetime) -> Run | None:
        """The run whose instant has come. The speaker counts on: a wall clock set back takes nothing away."""
        run = self.run
        if run is None:
            return None
        has_started = run.playback.order.start_at_s <= self._clock.monotonic_s()
        return run if has_started or run.holds_from <= at else None

    async def engage(
        self, group: asyncio.TaskGroup, part: Part, from_s: float, holds_from: datetime, volume: int
    ) -> None:
        """Sound `part` from `holds_from` on: from its beginning, or joining where it would be by then."""
        lead = JOIN_LEAD if from_s > 0 else timedelta(0)
        from_s, begins_at = from_s + lead.total_seconds(), holds_from + lead
        await self._ledger.begin(part, begins_at)
        start_at_s = self.monotonic_of(begins_at)
        order = Order(part.planned, from_s, start_at_s, volume)
        playback = self._performer.perform(order, group, self._changed)
        before_s = self._ledger.sounded_s(part.planned.id)
        self.run = Run(part, holds_from, begins_at, playback, before_s, noted_at_s=start_at_s)
        log.info(
            "armed: occurrence=%s at=%s from_s=%.2f volume=%d", part.planned.id, begins_at, from_s, volume
        )

    async def silence(self, why: OutcomeReason) -> None:
        """Take the loudspeaker away from whoever has it, and remember how far it came."""
        run, self.run = self.run, None
        if run is not None:
            await run.playback.stop()
            await self.let_go(run, why)

    async def take_ended(self) -> Run | None:
        """The run that came to an end by itself; its frames are not on disk yet."""
        run = self.run
        if run is None or not run.playback.is_over:
            return None
        self.run = None
        await self._note_first_frame(run)
        self.on_sound()
        return run

    async def let_go(self, run: Run, why: OutcomeReason) -> None:
        """A run that nobody heard has never begun."""
        if run.sounded_s == 0:
            await self._ledger.unbegin(run.id)
        else:
            await self._note_first_frame(run)
            await self._ledger.interrupted(run.id, run.sounded_s, why)
        self.on_sound()

    async def note(self, now: datetime) -> None:
        """Write down the frame count now and then, so that a power cut takes little of it."""
        run = self.sounding(now)
        if run is None:
            return
        await self._note_first_frame(run)
        now_s = self._clock.monotonic_s()
        if now_s - run.noted_at_s >= NOTE_EVERY_S:
            run.noted_at_s = now_s
            await self._ledger.sounded(run.id, run.sounded_s)

    def has_drifted(self, run: Run) -> bool:
        """The wall clock was set while this run waited for its instant."""
        return abs(self.monotonic_of(run.begins_at) - run.playback.order.start_at_s) > START_DRIFT_S

    def instant(self, monotonic_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=monotonic_s - self._clock.monotonic_s())

    def monotonic_of(self, instant: datetime) -> float:
        return self._clock.monotonic_s() + (instant - self._clock.now()).total_seconds()

    async def _note_first_frame(self, run: Run) -> None:
        at_s = run.playback.first_frame_at_s
        row = self._ledger.begun.get(run.id)
        if at_s is None or row is None or row.first_frame_at is not None or not run.is_heard:
            return
        at = self.instant(at_s)
        due = run.part.planned.start + timedelta(seconds=run.playback.order.from_s)
        await self._ledger.first_frame(run.id, at, round((at - due).total_seconds() * 1000, 3))
        self.on_sound()
