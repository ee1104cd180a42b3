"""Whoever stands before the loudspeaker: armed until its instant, sounding from there on, one at a time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from agent.clock import Clock
from agent.ledger import Ledger
from agent.performer import Order, Performance, Performer
from agent.programme import Part
from agent.timeline import begun_before
from wire.ids import OutcomeReason, Priority

log = logging.getLogger(__name__)

JOIN_LEAD = timedelta(seconds=0.2)
"""Joining in the middle aims this far ahead, so that the position is right when the first frame leaves."""
START_DRIFT_S = 0.002
NOTE_EVERY_S = 5.0
ALERT_NOTE_EVERY_S = 1.0


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
    def is_emergency(self) -> bool:
        return self.part.occurrence.priority is Priority.EMERGENCY

    @property
    def is_heard(self) -> bool:
        return self.playback.sounded_s > 0


class Guest(Protocol):
    """Uses the speaker while nobody stands on the stage: a self-test, a test tone."""

    async def yield_stage(self) -> None:
        """Be silent at once; returns when the speaker is free."""


class Stage:
    """Keeps the ledger true: *begun* is written before the first sample, the frame count while it sounds.

    An emergency sounds first and is written down afterwards: whoever forgets it goes on with it.
    """

    def __init__(
        self, ledger: Ledger, performer: Performer, clock: Clock, changed: Callable[[], None]
    ) -> None:
        self._ledger = ledger
        self._performer = performer
        self._clock = clock
        self._changed = changed
        self._handover = asyncio.Lock()
        self.run: Run | None = None
        self.on_sound: Callable[[], None] = lambda: None
        self.guests: list[Guest] = []

    def sounding(self, at: datetime) -> Run | None:
        """The run whose instant has come. The speaker counts on: a wall clock set back takes nothing away."""
        run = self.run
        if run is None:
            return None
        has_started = run.playback.order.start_at_s <= self._clock.monotonic_s()
        return run if has_started or run.holds_from <= at else None

    def is_heard(self, occurrence: str) -> bool:
        """Now, whatever the ledger knows of it."""
        return self.run is not None and self.run.id == occurrence and self.run.is_heard

    async def engage(
        self, group: asyncio.TaskGroup, part: Part, from_s: float, holds_from: datetime, volume: int
    ) -> None:
        """Sound `part` from `holds_from` on, unless somebody has come upon the stage in the meantime.

        Raises sqlite3.Error or OSError where the disk does not take that it begins. Never for an emergency.
        """
        if part.occurrence.priority is Priority.EMERGENCY:
            await self._engage_at_once(group, part, from_s, volume)
            return
        await self._ledger.begin(part, holds_from)
        late = self._lateness(holds_from) if from_s > 0 else timedelta(0)
        instants = holds_from, holds_from + late
        async with self._handover:
            if self.run is None:
                await self._free_the_speaker()
                self.run = self._perform(group, part, from_s + late.total_seconds(), instants, volume)
                return
        self._ledger.note_not_begun(part.planned.id)

    def _lateness(self, holds_from: datetime) -> timedelta:
        """Of somebody who joins in the middle: what the disk has taken, and the time to get ready."""
        return max(self._clock.now() - holds_from, timedelta(0)) + JOIN_LEAD

    async def _engage_at_once(self, group: asyncio.TaskGroup, part: Part, from_s: float, volume: int) -> None:
        async with self._handover:
            if self.run is None:
                await self._free_the_speaker()
                now = self._clock.now()
                self.run = self._perform(group, part, from_s, (now, now), volume)
                self._ledger.note_begun(part, now)

    async def cut_in(
        self,
        group: asyncio.TaskGroup,
        part: Part,
        from_s: float,
        volume: int,
        why: OutcomeReason = OutcomeReason.HIGHER_PRIORITY,
    ) -> None:
        """Sound `part` at once in place of whatever sounds; nothing waits for the disk."""
        async with self._handover:
            old, self.run = self.run, None
            if old is not None:
                await old.playback.stop()
            await self._free_the_speaker()
            now = self._clock.now()
            self.run = self._perform(group, part, from_s, (now, now), volume)
            if old is not None:
                self._let_go(old, why)
            self._ledger.note_begun(part, now)

    async def _free_the_speaker(self) -> None:
        for guest in self.guests:
            await guest.yield_stage()

    def _perform(
        self,
        group: asyncio.TaskGroup,
        part: Part,
        from_s: float,
        instants: tuple[datetime, datetime],
        volume: int,
    ) -> Run:
        holds_from, begins_at = instants
        planned, row = part.planned, self._ledger.begun.get(part.planned.id)
        replaced = begun_before(planned, row.replaced, from_s) if row else frozenset()
        start_at_s = self.monotonic_of(begins_at)
        order = Order(planned, from_s, start_at_s, volume, replaced)
        playback = self._performer.perform(order, group, self._changed)
        log.info("armed: occurrence=%s at=%s from_s=%.2f volume=%d", planned.id, begins_at, from_s, volume)
        before_s = row.sounded_s if row else 0.0
        return Run(part, holds_from, begins_at, playback, before_s, noted_at_s=start_at_s)

    async def settled(self) -> None:
        """Nobody is on the way on or off: what the ledger says of everybody is true."""
        async with self._handover:
            return

    async def silence(self, run: Run, why: OutcomeReason) -> None:
        """Take the loudspeaker away from `run` if it still has it, and note how far it came."""
        async with self._handover:
            if self.run is not run:
                return
            self.run = None
            await run.playback.stop()
            self._let_go(run, why)

    def take_ended(self) -> Run | None:
        """The run that came to an end by itself; its frames are not on disk yet."""
        run = self.run
        if run is None or not run.playback.is_over:
            return None
        self.run = None
        if run.id in self._ledger.begun:
            self._note_beginning(run)
        self.on_sound()
        return run

    async def let_go(self, run: Run, why: OutcomeReason) -> None:
        """A run that nobody heard has never begun."""
        self._let_go(run, why)
        await self._ledger.write()

    def _let_go(self, run: Run, why: OutcomeReason) -> None:
        if run.id not in self._ledger.begun:
            return
        if run.sounded_s == 0:
            self._ledger.note_not_begun(run.id)
        else:
            self._note_beginning(run)
            self._ledger.note_interrupted(run.id, run.sounded_s, why)
        self.on_sound()

    def note(self, now: datetime) -> None:
        """Note the frame count now and then, so that a power cut takes little of it."""
        run = self.sounding(now)
        if run is None or run.id not in self._ledger.begun:
            return
        self._note_beginning(run)
        now_s = self._clock.monotonic_s()
        every_s = ALERT_NOTE_EVERY_S if run.is_emergency else NOTE_EVERY_S
        if now_s - run.noted_at_s >= every_s:
            run.noted_at_s = now_s
            self._ledger.note_sounded(run.id, run.sounded_s)

    def has_drifted(self, run: Run) -> bool:
        """The wall clock was set while this run waited for its instant."""
        return abs(self.monotonic_of(run.begins_at) - run.playback.order.start_at_s) > START_DRIFT_S

    def instant(self, monotonic_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=monotonic_s - self._clock.monotonic_s())

    def monotonic_of(self, instant: datetime) -> float:
        return self._clock.monotonic_s() + (instant - self._clock.now()).total_seconds()

    def first_frame_at(self, occurrence: str) -> datetime | None:
        """When the very first sample of it left the speaker, if it has."""
        row = self._ledger.begun.get(occurrence)
        if row is not None and row.first_frame_at is not None:
            return row.first_frame_at
        return self._heard_from(self.run) if self.run is not None and self.run.id == occurrence else None

    def _heard_from(self, run: Run) -> datetime | None:
        at_s = run.playback.first_frame_at_s
        return None if at_s is None or not run.is_heard else self.instant(at_s)

    def _note_beginning(self, run: Run) -> None:
        """What stands in for what, and once the instant of the first sample."""
        self._ledger.note_replaced(run.id, run.playback.replaced)
        at = self._heard_from(run)
        if at is None or self._ledger.begun[run.id].first_frame_at is not None:
            return
        due = run.part.planned.start + timedelta(seconds=run.playback.order.from_s)
        self._ledger.note_first_frame(run.id, at, round((at - due).total_seconds() * 1000, 3))
        self.on_sound()
