"""Makes the loudspeaker do what the plan says now: every change leads to one question, `decide`."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from agent.alarm import Alarm
from agent.cache import MediaCache
from agent.clock import Clock
from agent.errors import SoundUnreadable, SpeakerFailed
from agent.ledger import Ledger
from agent.performer import Performer
from agent.programme import Part, items_by_first_use, last_chance, merge, part_of, quiet_of, volume_for
from agent.readiness import is_ready
from agent.stage import Run, Stage
from agent.store import PlanStore
from schedules.cue import Cue, Progress, decide
from wire.ids import ClockTrust, Outcome, OutcomeReason
from wire.messages import NowPlaying

log = logging.getLogger(__name__)

ARM_AHEAD = timedelta(seconds=2)
"""The speaker is opened and the first sound decoded this long before the start."""
SWEEP_S = 1.0
SPEAKER_RETRY_S = 5.0
SOUND_RETRY_S = 1.0


class Conductor:
    """`poke` it whenever something may have changed; it also looks by itself every second."""

    def __init__(
        self, store: PlanStore, cache: MediaCache, ledger: Ledger, performer: Performer, clock: Clock
    ) -> None:
        self._store = store
        self._cache = cache
        self._ledger = ledger
        self._clock = clock
        self._poked = asyncio.Event()
        self._alarm = Alarm(self._poked.set)
        self._trouble: dict[str, tuple[OutcomeReason, float]] = {}
        self._up_since_s = clock.monotonic_s()
        self._trusted_since_s: float | None = None
        self.stage = Stage(ledger, performer, clock, self._poked.set)
        self.on_report: Callable[[], None] = lambda: None

    def poke(self) -> None:
        self._poked.set()

    def replan(self) -> None:
        """The card or a layer has changed. Raises OSError."""
        self._want_sound()
        self._poked.set()

    def _want_sound(self) -> None:
        now = self._clock.now()
        card = self._store.card
        if card is not None:
            parts = self._parts(now).values()
            self._cache.want(card.media_url, items_by_first_use(parts, self._ledger.begun, now))

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
        self._alarm.start()
        try:
            async with asyncio.TaskGroup() as group:
                await self._conduct(group)
        finally:
            self._alarm.stop()
            await self.stage.silence(OutcomeReason.STATION_OFF)

    async def _conduct(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._poked.clear()
            await self._settle(group)
            try:
                await asyncio.wait_for(self._poked.wait(), SWEEP_S)
            except TimeoutError:
                continue

    async def _settle(self, group: asyncio.TaskGroup) -> None:
        """One look at the world, and everything it calls for."""
        await self._collect()
        now = self._clock.now()
        if self._trusted() and self._store.card is not None:
            await self._ledger.know([layer.area for layer in self._store.layers()], now)
        parts = self._parts(now)
        await self._withdraw(parts)
        cue = self._ask(now, parts)
        await self._obey(group, cue, parts, now)
        await self._arm(group, cue, parts, now)
        await self.stage.note(now)
        self._set_alarm(cue, now)

    def _parts(self, now: datetime) -> dict[str, Part]:
        """The plan without what has ended or never was ours; what has begun stays in until it has ended."""
        card = self._store.card
        if card is None:
            return {}
        plan = merge(card, self._store.layers(), now, clock_trusted=self._trusted())
        parts = {
            id_: part
            for id_, part in plan.items()
            if id_ not in self._ledger.ended and not self._is_before_our_time(part)
        }
        for id_, row in self._ledger.begun.items():
            if id_ not in parts:
                parts[id_] = part_of(row.planned, row.area, depth=0)
        return parts

    def _is_before_our_time(self, part: Part) -> bool:
        """Over before this station first held that area's plan: nobody expected it here."""
        since = self._ledger.known_since.get(part.area)
        return since is not None and last_chance(part) <= since

    def _ask(self, at: datetime, parts: Mapping[str, Part]) -> Cue:
        card = self._store.card
        run = self.stage.sounding(at)
        trusted = self._trusted()
        since_s = self._trusted_since_s
        return decide(
            at,
            [part.occurrence for part in parts.values()],
            self._progress(at),
            run.id if run else None,
            quiet_of(card) if card else None,
            trusted,
            up_since=self.stage.instant(self._up_since_s),
            trusted_since=None if since_s is None else self.stage.instant(since_s),
            unready=self._unready(at, parts),
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
            and (self._is_waiting(id_) or not is_ready(part, at, self._cache.files))
        )

    def _is_waiting(self, id_: str) -> bool:
        """It failed a moment ago; trying again at once would only fail again."""
        _, until_s = self._trouble.get(id_, (None, 0.0))
        return until_s > self._clock.monotonic_s()

    async def _withdraw(self, parts: dict[str, Part]) -> None:
        """What had begun and is in no plan any more falls silent and is reported as far as it was heard."""
        for id_ in [id_ for id_ in self._ledger.begun if self._is_withdrawn(id_)]:
            part = parts.pop(id_)
            if self.stage.run is not None and self.stage.run.id == id_:
                await self.stage.silence(OutcomeReason.WITHDRAWN)
            if id_ in self._ledger.begun:
                await self._end(part, Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)

    def _is_withdrawn(self, id_: str) -> bool:
        row, card = self._ledger.begun[id_], self._store.card
        over = row.planned.start + timedelta(seconds=row.planned.seconds) <= self._clock.now()
        if card is None or over:
            return False
        if row.area not in card.areas:
            return True
        layer = self._store.layer(row.area)
        return layer is not None and all(planned.id != id_ for planned in layer.occurrences)

    async def _obey(
        self, group: asyncio.TaskGroup, cue: Cue, parts: Mapping[str, Part], now: datetime
    ) -> None:
        run, sound = self.stage.run, cue.sound
        if run is not None and sound is not None and sound.id != run.id:
            await self.stage.silence(OutcomeReason.HIGHER_PRIORITY)
        elif run is not None and sound is None and self.stage.sounding(now):
            await self.stage.silence(self._why_silent(cue, run))
        if sound is not None and self.stage.run is None:
            await self._engage(group, parts[sound.id], cue.from_s, max(now, sound.start))
        await self._record(cue, parts)

    def _why_silent(self, cue: Cue, run: Run) -> OutcomeReason:
        endings = {ending.occurrence.id: ending.reason for ending in cue.endings}
        return cue.held.get(run.id) or endings.get(run.id) or OutcomeReason.INTERRUPTED

    async def _engage(
        self, group: asyncio.TaskGroup, part: Part, from_s: float, holds_from: datetime
    ) -> None:
        await self.stage.engage(group, part, from_s, holds_from, self._volume(part))

    def _volume(self, part: Part) -> int:
        card = self._store.card
        return part.planned.volume if card is None else volume_for(part.planned, card)

    async def _record(self, cue: Cue, parts: Mapping[str, Part]) -> None:
        waiting = {id_: reason for id_, reason in self._ledger.held.items() if id_ in parts}
        for id_, reason in cue.held.items():
            if id_ not in self._ledger.begun:
                waiting.setdefault(id_, self._true_reason(id_, reason))
        self._ledger.held = waiting
        for ending in cue.endings:
            part = parts[ending.occurrence.id]
            why = None if ending.reason is None else self._true_reason(part.planned.id, ending.reason)
            await self._end(part, ending.outcome, why)

    def _true_reason(self, id_: str, reason: OutcomeReason) -> OutcomeReason:
        """To the time rules every trouble is a missing sound."""
        trouble, _ = self._trouble.get(id_, (reason, 0.0))
        return trouble if reason is OutcomeReason.SOUND_MISSING else reason

    async def _end(self, part: Part, outcome: Outcome, reason: OutcomeReason | None) -> None:
        self._trouble.pop(part.planned.id, None)
        await self._ledger.end(part, outcome, reason, self._clock.now())
        self._want_sound()
        self.on_report()

    async def _arm(
        self, group: asyncio.TaskGroup, cue: Cue, parts: Mapping[str, Part], now: datetime
    ) -> None:
        """Get ready for the next start; let go of one that is not to be any more."""
        run = self.stage.run
        if self.stage.sounding(now) is not None:
            return
        at = cue.wake_at if cue.wake_at is not None and cue.wake_at <= now + ARM_AHEAD else None
        peek = None if at is None else self._ask(at, parts)
        wanted = parts[peek.sound.id] if peek is not None and peek.sound is not None else None
        if run is not None and not self._is_as_armed(run, wanted):
            await self.stage.silence(OutcomeReason.INTERRUPTED)
        if at is not None and peek is not None and wanted is not None and self.stage.run is None:
            await self._engage(group, wanted, peek.from_s, at)

    def _is_as_armed(self, run: Run, wanted: Part | None) -> bool:
        """Neither the plan, nor the card's bounds, nor the clock has changed since."""
        return (
            wanted is not None
            and wanted.planned == run.part.planned
            and self._volume(wanted) == run.playback.order.volume
            and not self.stage.has_drifted(run)
        )

    async def _collect(self) -> None:
        """The player has come to an end by itself: the last frame was heard, or something failed."""
        run = await self.stage.take_ended()
        if run is None:
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
                await self._give_up_unreadable(run)
            case _:
                await self._try_again(run, OutcomeReason.SOUND_MISSING, SOUND_RETRY_S)

    async def _finish(self, run: Run) -> None:
        self._trouble.pop(run.id, None)
        await self._ledger.finish(run.part, run.sounded_s, self._clock.now())
        self._want_sound()
        self.on_report()

    async def _try_again(self, run: Run, why: OutcomeReason, pause_s: float) -> None:
        """As far as its lateness rule lets it."""
        self._trouble[run.id] = (why, self._clock.monotonic_s() + pause_s)
        await self.stage.let_go(run, why)

    async def _give_up_unreadable(self, run: Run) -> None:
        """A rotted copy is fetched anew and may still come in time; a sound nobody can decode will not."""
        await self._try_again(run, OutcomeReason.SOUND_UNREADABLE, SOUND_RETRY_S)
        for item in run.part.planned.items:
            await self._cache.distrust(item.sha256)
        if is_ready(run.part, self._clock.now(), self._cache.files):
            outcome = Outcome.PARTLY_PLAYED if run.sounded_s > 0 else Outcome.FAILED
            await self._end(run.part, outcome, OutcomeReason.SOUND_UNREADABLE)

    def _set_alarm(self, cue: Cue, now: datetime) -> None:
        early = None if cue.wake_at is None else cue.wake_at - ARM_AHEAD
        self._alarm.set(early if early is not None and early > now else cue.wake_at)

    def _trusted(self) -> bool:
        trusted = self._clock.trust() is not ClockTrust.UNKNOWN
        if not trusted:
            self._trusted_since_s = None
        elif self._trusted_since_s is None:
            self._trusted_since_s = self._clock.monotonic_s()
        return trusted
