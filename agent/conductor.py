"""Makes the loudspeaker do what plan and boards say now: every change leads to one question, `decide`."""

import asyncio
import logging
import random
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from agent.agenda import Agenda
from agent.alarm import Alarm
from agent.cache import Grade, MediaCache
from agent.errors import SoundUnreadable, SpeakerFailed
from agent.performer import Performer
from agent.posted import Moment
from agent.programme import Part
from agent.readiness import is_ready
from agent.stage import Run, Stage
from agent.timeline import items_of
from agent.troubles import Troubles
from schedules.cue import Cue, Progress, decide
from wire.ids import Outcome, OutcomeReason, Priority
from wire.messages import NowPlaying

log = logging.getLogger(__name__)

ARM_AHEAD = timedelta(seconds=2)
"""The speaker is opened and the first sound decoded this long before the start."""
SWEEP_S = 1.0
SPEAKER_RETRY_S = 5.0
SOUND_RETRY_S = 1.0
DISK_RETRY_S = 5.0
SOUNDLESS = (OutcomeReason.SOUND_MISSING, OutcomeReason.SOUND_UNREADABLE, OutcomeReason.SPEAKER_FAILED)
ALERT_ALONE_S = (0.3, 1.0)
"""For about so long after an alert has begun nothing else is done, the disk least of all."""


class Conductor:
    """`poke` it whenever something may have changed; it also looks by itself every second."""

    def __init__(
        self, agenda: Agenda, cache: MediaCache, performer: Performer, chance: random.Random | None = None
    ) -> None:
        self._agenda = agenda
        self._cache = cache
        self._ledger = agenda.ledger
        self._clock = agenda.clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._poked = asyncio.Event()
        self._alarm = Alarm(self._poked.set, self._clock.now)
        self._troubles = Troubles(self._clock.monotonic_s)
        self._up_since_s = self._clock.monotonic_s()
        self._trusted_since_s: float | None = None
        self._aside_until_s = 0.0
        self._group: asyncio.TaskGroup | None = None
        self._cut_in_lately = False
        self._wants_sound = True
        self.stage = Stage(self._ledger, performer, self._clock, self._poked.set)
        agenda.alerts.heard = self._has_heard
        agenda.alerts.holds = self._has_signal
        self._undecodable: set[str] = set()
        self.on_report: Callable[[], None] = lambda: None
        self.on_look: Callable[[], None] = lambda: None
        """Called after each look at the world; the watchdog lives on it."""

    def poke(self) -> None:
        self._poked.set()

    async def stand_aside(self, seconds: float) -> None:
        """Nothing but an alert takes the stage for so long; what sounds is silent, and goes on afterwards.

        Whoever is no longer to be held back is told by another call with 0.
        """
        self._aside_until_s = self._clock.monotonic_s() + seconds
        run = self.stage.run
        if seconds > 0 and run is not None and not run.is_emergency:
            await self.stage.silence(run, OutcomeReason.INTERRUPTED)
        if seconds == 0:
            self._troubles.forget_all(OutcomeReason.INTERRUPTED)
        self._poked.set()

    def replan(self) -> None:
        """The card, a layer or the standing sounds have changed."""
        self._want_sound(self._agenda.moment())
        self._poked.set()

    def now_playing(self) -> NowPlaying | None:
        run = self.stage.run
        if run is None or not run.is_heard:
            return None
        return NowPlaying(
            occurrence=run.id,
            position_s=round(run.playback.order.from_s + run.playback.sounded_s, 1),
            priority=run.part.planned.priority,
        )

    def volume(self) -> int | None:
        """Of what sounds now, as the card's bounds leave it."""
        run = self.stage.run
        return run.playback.order.volume if run is not None and run.is_heard else None

    async def run(self) -> None:
        """Until cancelled; then it is silent, and what was interrupted is written down."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                await self._conduct(group)
        finally:
            self._group = None
            self._alarm.stop()
            if self.stage.run is not None:
                await self.stage.silence(self.stage.run, OutcomeReason.STATION_OFF)
            await asyncio.to_thread(self._ledger.pay)
            await self._agenda.alerts.write()

    async def cut_in(self) -> None:
        """A board has changed: what it wants silent falls silent, what it wants heard is heard, and no more.

        Everything else that follows from it waits until the alert sounds.
        """
        at = self._agenda.moment()
        run = self.stage.run
        gone = run is not None and run.id in self._agenda.alerts.withdrawn()
        part, from_s = self._loudest_alert(at, run)
        if part is not None and self._group is not None:
            why = OutcomeReason.WITHDRAWN if gone else OutcomeReason.HIGHER_PRIORITY
            await self.stage.cut_in(self._group, part, from_s, part.planned.volume, why)
            self._cut_in_lately = True
            self._fetch_what_it_lacks(part, at)
        elif gone and run is not None:
            await self.stage.silence(run, OutcomeReason.WITHDRAWN)
        self._wants_sound = True
        self._poked.set()

    def _fetch_what_it_lacks(self, part: Part, at: Moment) -> None:
        """New speech is on its way while the signal sounds."""
        if not all(self._cache.files.has(item.sha256) for item in items_of(part.planned)):
            self._want_sound(at)

    def _loudest_alert(self, at: Moment, run: Run | None) -> tuple[Part | None, float]:
        """The alert that is to take the stage now, if any, and from where."""
        parts = self._agenda.alerts.parts(at)
        if run is not None and run.is_emergency and run.id not in self._agenda.alerts.withdrawn():
            parts.setdefault(run.id, run.part)
        cue = self._ask(at, parts)
        if cue.sound is None or (run is not None and cue.sound.id == run.id):
            return None, 0.0
        return parts[cue.sound.id], cue.from_s

    def _has_heard(self, sounding: str) -> bool:
        return self._ledger.has_been_heard(sounding) or self.stage.is_heard(sounding)

    async def _conduct(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._poked.clear()
            await self._settle(group)
            self.on_look()
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._poked.wait()
            except TimeoutError:
                continue
            if self._cut_in_lately:
                self._cut_in_lately = False
                await asyncio.sleep(self._chance.uniform(*ALERT_ALONE_S))

    async def _settle(self, group: asyncio.TaskGroup) -> None:
        """One look at the world, and everything it calls for."""
        await self._collect()
        at = self._agenda.moment()
        if self._trusted(at) and self._agenda.store.card is not None:
            await self._ledger.know([layer.area for layer in self._agenda.store.layers()], at.now)
        await self._withdraw(at.now)
        await self._pass_over(at)
        await self.stage.settled()
        parts = self._agenda.parts(at)
        cue = self._ask(at, parts)
        await self._obey(group, cue, parts, at.now)
        await self._arm(group, cue, parts, at)
        self.stage.note(at.now)
        await self._write(at)
        self._set_alarm(cue, at.now)

    async def _write(self, at: Moment) -> None:
        """The reports of what a board has ended come to disk before the board itself."""
        await self._ledger.write()
        await self._agenda.alerts.write()
        if self._wants_sound:
            self._wants_sound = False
            self._want_sound(at)

    def _want_sound(self, at: Moment) -> None:
        card = self._agenda.store.card
        if card is None:
            return
        wanted = {
            Grade.ALERT: self._agenda.alert_sound(at),
            Grade.STANDING: (sound.item for sound in self._agenda.standing()),
            Grade.PLAN: self._agenda.scheduled_sound(at),
        }
        self._cache.want(card.media_url, wanted)

    def _ask(self, at: Moment, parts: Mapping[str, Part]) -> Cue:
        run = self.stage.sounding(at.now)
        since_s = self._trusted_since_s
        return decide(
            at.now,
            [part.occurrence for part in parts.values()],
            self._progress(at.now),
            run.id if run else None,
            self._agenda.quiet(),
            at.clock_trusted,
            up_since=self.stage.instant(self._up_since_s),
            trusted_since=None if since_s is None else self.stage.instant(since_s),
            unready=self._unready(at.now, parts),
        )

    def _progress(self, at: datetime) -> dict[str, Progress]:
        """An armed run is in the journal already, but nobody has heard it yet."""
        progress = self._ledger.progress()
        run = self.stage.run
        if run is not None and self.stage.sounding(at) is None and run.before_s == 0:
            progress.pop(run.id, None)
        return progress

    def _unready(self, at: datetime, parts: Mapping[str, Part]) -> frozenset[str]:
        return frozenset(
            id_
            for id_, part in parts.items()
            if part.occurrence.start <= at
            if self._troubles.is_waiting(id_) or not self._is_ready(part, at)
        )

    def _is_ready(self, part: Part, at: datetime) -> bool:
        row = self._ledger.begun.get(part.planned.id)
        if row is None:
            return is_ready(part, at, self._cache.files)
        return is_ready(part, at, self._cache.files, row.sounded_s, row.replaced)

    async def _withdraw(self, now: datetime) -> None:
        """What is in no plan and on no board any more falls silent and is reported as far as it was heard."""
        for part in self._agenda.withdrawn(now):
            await self.stage.settled()
            run = self.stage.run
            if run is not None and run.id == part.planned.id:
                await self.stage.silence(run, OutcomeReason.WITHDRAWN)
            if part.planned.id in self._ledger.begun or part.alert is not None:
                await self._end(part, *self._ending_of_withdrawn(part.planned.id))

    def _ending_of_withdrawn(self, id_: str) -> tuple[Outcome, OutcomeReason]:
        """What could not have sounded here anyway has failed, whoever takes it back."""
        if self._ledger.sounded_s(id_) > 0:
            return Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN
        trouble = self._troubles.why(id_) or self._ledger.held.get(id_)
        if trouble in SOUNDLESS:
            return Outcome.FAILED, trouble
        return Outcome.SKIPPED, OutcomeReason.WITHDRAWN

    async def _pass_over(self, at: Moment) -> None:
        """An all-clear says nothing to those who never heard the alert."""
        for part in self._agenda.alerts.pointless(at):
            await self._end(part, Outcome.SKIPPED, OutcomeReason.NOTHING_BEFORE)

    async def _obey(
        self, group: asyncio.TaskGroup, cue: Cue, parts: Mapping[str, Part], now: datetime
    ) -> None:
        run, sound = self.stage.run, cue.sound
        if run is not None and sound is not None and sound.id != run.id:
            await self.stage.silence(run, OutcomeReason.HIGHER_PRIORITY)
        elif run is not None and sound is None and self.stage.sounding(now):
            await self.stage.silence(run, self._why_silent(cue, run))
        if sound is not None and self.stage.run is None:
            await self._engage(group, parts[sound.id], cue.from_s, max(now, sound.start))
        await self._record(cue, parts)

    def _why_silent(self, cue: Cue, run: Run) -> OutcomeReason:
        endings = {ending.occurrence.id: ending.reason for ending in cue.endings}
        return cue.held.get(run.id) or endings.get(run.id) or OutcomeReason.INTERRUPTED

    async def _engage(
        self, group: asyncio.TaskGroup, part: Part, from_s: float, holds_from: datetime
    ) -> None:
        aside_s = self._aside_until_s - self._clock.monotonic_s()
        if aside_s > 0 and part.occurrence.priority is not Priority.EMERGENCY:
            self._troubles.note(part.planned.id, OutcomeReason.INTERRUPTED, aside_s)
            return
        try:
            await self.stage.engage(group, part, from_s, holds_from, self._agenda.volume(part))
        except (sqlite3.Error, OSError) as error:
            log.warning(
                "not begun, the disk does not take it: occurrence=%s problem=%s", part.planned.id, error
            )
            self._troubles.note(part.planned.id, OutcomeReason.INTERRUPTED, DISK_RETRY_S)

    async def _record(self, cue: Cue, parts: Mapping[str, Part]) -> None:
        waiting = {id_: reason for id_, reason in self._ledger.held.items() if id_ in parts}
        for id_, reason in cue.held.items():
            if id_ not in self._ledger.begun:
                waiting.setdefault(id_, self._true_reason(id_, reason))
        self._ledger.held = waiting
        for ending in cue.endings:
            part = parts[ending.occurrence.id]
            if self.stage.run is not None and self.stage.run.id == part.planned.id:
                continue
            why = None if ending.reason is None else self._true_reason(part.planned.id, ending.reason)
            await self._end(part, ending.outcome, why)

    def _true_reason(self, id_: str, reason: OutcomeReason) -> OutcomeReason:
        """To the time rules every trouble is a missing sound."""
        return self._troubles.why(id_) or reason if reason is OutcomeReason.SOUND_MISSING else reason

    async def _end(self, part: Part, outcome: Outcome, reason: OutcomeReason | None) -> None:
        self._troubles.forget(part.planned.id)
        await self._ledger.end(part, outcome, reason, self._clock.now())
        self._wants_sound = True
        self.on_report()

    async def _arm(self, group: asyncio.TaskGroup, cue: Cue, parts: Mapping[str, Part], at: Moment) -> None:
        """Get ready for the next start; let go of one that is not to be any more."""
        run = self.stage.run
        if self.stage.sounding(at.now) is not None:
            return
        soon = cue.wake_at if cue.wake_at is not None and cue.wake_at <= at.now + ARM_AHEAD else None
        peek = None if soon is None else self._ask(replace(at, now=soon), parts)
        wanted = parts[peek.sound.id] if peek is not None and peek.sound is not None else None
        if run is not None and not self._is_as_armed(run, wanted):
            await self.stage.silence(run, OutcomeReason.INTERRUPTED)
        if soon is not None and peek is not None and wanted is not None and self.stage.run is None:
            await self._engage(group, wanted, peek.from_s, soon)

    def _is_as_armed(self, run: Run, wanted: Part | None) -> bool:
        """Neither the plan, nor the card's bounds, nor the clock has changed since."""
        return (
            wanted is not None
            and wanted.planned == run.part.planned
            and self._agenda.volume(wanted) == run.playback.order.volume
            and not self.stage.has_drifted(run)
        )

    async def _collect(self) -> None:
        """The player has come to an end by itself: the last frame was heard, or something failed."""
        run = self.stage.take_ended()
        if run is None or run.id not in self._ledger.begun:
            return
        problem = run.playback.problem
        if problem is None:
            await self._finish(run)
            return
        log.error("playback failed: occurrence=%s problem=%s", run.id, problem)
        match problem:
            case SpeakerFailed():
                await self._try_again(run, OutcomeReason.SPEAKER_FAILED, SPEAKER_RETRY_S)
            case SoundUnreadable():
                await self._give_up_unreadable(run, problem)
            case _:
                await self._try_again(run, OutcomeReason.SOUND_MISSING, SOUND_RETRY_S)

    async def _finish(self, run: Run) -> None:
        self._troubles.forget(run.id)
        await self._ledger.finish(run.part, run.sounded_s, self._clock.now())
        self._wants_sound = True
        self.on_report()

    async def _try_again(self, run: Run, why: OutcomeReason, pause_s: float) -> None:
        """As far as its lateness rule lets it."""
        self._troubles.note(run.id, why, pause_s)
        await self.stage.let_go(run, why)

    def _has_signal(self, sha256: str) -> bool:
        return sha256 not in self._undecodable and self._cache.files.has(sha256)

    async def _give_up_unreadable(self, run: Run, problem: SoundUnreadable) -> None:
        """A rotted copy is fetched anew and may still come in time; a sound nobody can decode will not."""
        await self._try_again(run, OutcomeReason.SOUND_UNREADABLE, SOUND_RETRY_S)
        for item in items_of(run.part.planned):
            if self._cache.files.has(item.sha256):
                await self._cache.distrust(item.sha256)
        alert = run.part.alert
        if alert is not None and self._cache.files.path(alert.signal.sha256).name == problem.params["file"]:
            self._undecodable.add(alert.signal.sha256)
            if run.sounded_s == 0:
                return
        if self._is_ready(run.part, self._clock.now()):
            outcome = Outcome.PARTLY_PLAYED if run.sounded_s > 0 else Outcome.FAILED
            await self._end(run.part, outcome, OutcomeReason.SOUND_UNREADABLE)

    def _set_alarm(self, cue: Cue, now: datetime) -> None:
        early = None if cue.wake_at is None else cue.wake_at - ARM_AHEAD
        self._alarm.set(early if early is not None and early > now else cue.wake_at)

    def _trusted(self, at: Moment) -> bool:
        if not at.clock_trusted:
            self._trusted_since_s = None
        elif self._trusted_since_s is None:
            self._trusted_since_s = self._clock.monotonic_s()
        return at.clock_trusted
