"""What this station remembers of each occurrence: in memory to decide, in the journal for the next life."""

import asyncio
import logging
import sqlite3
import threading
import uuid
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from agent.journal import Begun, Journal
from agent.programme import Part
from agent.timeline import seconds_of
from schedules.cue import Progress
from wire.ids import Outcome, OutcomeReason
from wire.messages import PlaybackReport

log = logging.getLogger(__name__)

_WHOLE_TOLERANCE_S = 0.5


@dataclass
class Ledger:
    """A change counts in memory at once and is owed to the journal; `write` brings it to disk, in order.

    A card that takes nothing is done without: the journal goes on in memory with all that it held, and
    returns when it can. What neither takes stays owed. Only `begin` insists; nothing else raises.
    """

    journal: Journal
    begun: dict[str, Begun] = field(default_factory=dict)
    held: dict[str, OutcomeReason] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    known_since: dict[str, datetime] = field(default_factory=dict)
    _owed: deque[Callable[[], object]] = field(default_factory=deque)
    _pen: threading.Lock = field(default_factory=threading.Lock)
    _refused: bool = False

    def load(self, now: datetime, *, clock_trusted: bool) -> None:
        """What had begun in the last life was interrupted by its end; what was only armed never began.

        A clock that is not trusted may be far behind: by it, what was heard would look like armed.
        Raises sqlite3.Error when the journal cannot be read.
        """
        for id_, row in self.journal.begun().items():
            if clock_trusted and row.begun_at > now and not _was_heard(row):
                self._owe(self.journal.unbegin, id_)
            else:
                self.begun[id_] = _cut_off(row)
        self._owe(self.journal.interrupt_all)
        self._try_to_pay()
        self.ended = set(self.journal.ended())
        self.heard = set(self.journal.heard())
        self.known_since = self.journal.known_since()

    def progress(self) -> dict[str, Progress]:
        waiting = {id_: Progress(interrupted_by=reason) for id_, reason in self.held.items()}
        return waiting | {id_: _progress_of(row) for id_, row in self.begun.items()}

    async def know(self, areas: Iterable[str], now: datetime) -> None:
        """The areas whose plan this station holds now; what was over before has never been its task."""
        since = {area: self.known_since.get(area, now) for area in areas}
        if since != self.known_since:
            self.known_since = since
            self._owe(self.journal.know, since)
            await self.write()

    def sounded_s(self, occurrence: str) -> float:
        row = self.begun.get(occurrence)
        return row.sounded_s if row else 0.0

    def has_been_heard(self, occurrence: str) -> bool:
        """At least some of it."""
        return occurrence in self.heard or self.sounded_s(occurrence) > 0

    async def write(self) -> None:
        """All that is owed, as far as the disk takes it."""
        if self._owed:
            await asyncio.to_thread(self._try_to_pay)

    @property
    def remembers(self) -> bool:
        """What happens now would survive a power cut."""
        return self.journal.remembers and not self._refused

    def pay(self) -> None:
        """Every minute or so, and at the end: a card that takes something again is found out by trying."""
        if self._owed or not self.journal.remembers:
            self._try_to_pay()

    def _try_to_pay(self) -> None:
        try:
            self._pay_somewhere()
        except (sqlite3.Error, OSError) as error:
            log.debug("journal takes nothing: problem=%s", error)

    def _pay_somewhere(self) -> None:
        """On the card or, as long as it takes nothing, in memory. Raises sqlite3.Error or OSError."""
        self._try_to_return()
        try:
            self._pay()
        except (sqlite3.Error, OSError) as error:
            self._note_refusal(error)
            if not self.journal.remembers:
                raise
            self.journal.leave_disk()
            self._pay()
        if self._refused and self.journal.remembers:
            log.info("journal takes changes again")
            self._refused = False

    def _note_refusal(self, error: Exception) -> None:
        if not self._refused:
            log.critical("journal takes nothing, what happens is only in memory: problem=%s", error)
        self._refused = True

    def _try_to_return(self) -> None:
        if self.journal.remembers:
            return
        try:
            self.journal.return_to_disk()
        except (sqlite3.Error, OSError) as error:
            log.debug("journal stays in memory: problem=%s", error)

    def _pay(self) -> None:
        """A change leaves the debt when it is on disk, not before."""
        with self._pen:
            while self._owed:
                self._owed[0]()
                self._owed.popleft()

    def _owe(self, change: Callable[..., object], *values: object) -> None:
        self._owed.append(partial(change, *values))

    async def begin(self, part: Part, begun_at: datetime) -> None:
        """Written down when it returns. Raises sqlite3.Error or OSError: then it has not begun."""
        before = self.begun.get(part.planned.id)
        self.note_begun(part, begun_at)
        debt = self._owed[-1]
        try:
            await asyncio.to_thread(self._pay_somewhere)
        except (sqlite3.Error, OSError):
            self._take_back(part.planned.id, before, debt)
            raise

    def _take_back(self, occurrence: str, before: Begun | None, debt: Callable[[], object]) -> None:
        with self._pen:
            if debt in self._owed:
                self._owed.remove(debt)
        if before is None:
            self.begun.pop(occurrence, None)
        else:
            self.begun[occurrence] = before

    def note_begun(self, part: Part, begun_at: datetime) -> None:
        id_ = part.planned.id
        held_by = self.held.pop(id_, None)
        self._owe(self.journal.begin, part.planned, part.area, begun_at, held_by)
        row = self.begun.get(id_) or Begun(part.planned, part.area, begun_at, None, None, 0.0, False, held_by)
        self.begun[id_] = replace(row, interrupted=False)

    def note_not_begun(self, occurrence: str) -> None:
        """No frame of it came out; as if it had never begun."""
        row = self.begun.get(occurrence)
        if row is not None and row.first_frame_at is None and row.sounded_s == 0.0:
            del self.begun[occurrence]
            self._owe(self.journal.unbegin, occurrence)

    def note_first_frame(self, occurrence: str, at: datetime, start_error_ms: float | None) -> None:
        row = self.begun[occurrence]
        if row.first_frame_at is None:
            self.begun[occurrence] = replace(row, first_frame_at=at, start_error_ms=start_error_ms)
            self._owe(self.journal.first_frame, occurrence, at, start_error_ms)

    def note_sounded(self, occurrence: str, sounded_s: float) -> None:
        self.begun[occurrence] = replace(self.begun[occurrence], sounded_s=sounded_s)
        self._owe(self.journal.sounded, occurrence, sounded_s)

    def note_replaced(self, occurrence: str, slots: frozenset[int]) -> None:
        """In these slots `Item.instead` has sounded."""
        row = self.begun[occurrence]
        if row.replaced != slots:
            self.begun[occurrence] = replace(row, replaced=slots)
            self._owe(self.journal.replaced, occurrence, slots)

    def note_interrupted(self, occurrence: str, sounded_s: float, by: OutcomeReason) -> None:
        row = self.begun[occurrence]
        self.begun[occurrence] = replace(row, sounded_s=sounded_s, interrupted=True, interrupted_by=by)
        self._owe(self.journal.interrupted, occurrence, sounded_s, by)

    async def finish(self, part: Part, sounded_s: float, now: datetime) -> PlaybackReport:
        """The player came to the end: the frame count says whether all of it was heard."""
        row = self.begun[part.planned.id] = replace(self.begun[part.planned.id], sounded_s=sounded_s)
        if sounded_s >= seconds_of(part.planned, row.replaced) - _WHOLE_TOLERANCE_S:
            return await self.end(part, Outcome.PLAYED, None, now)
        return await self.end(part, Outcome.PARTLY_PLAYED, row.interrupted_by or OutcomeReason.TOO_LATE, now)

    async def end(
        self, part: Part, outcome: Outcome, reason: OutcomeReason | None, now: datetime
    ) -> PlaybackReport:
        """The one end of an occurrence; its report is owed from here on."""
        report = _report(part, self.begun.get(part.planned.id), outcome, reason, now)
        id_ = report.occurrence
        self._owe(self.journal.end, [report], max(now, part.last_word))
        self.begun.pop(id_, None)
        self.held.pop(id_, None)
        self.ended.add(id_)
        if report.seconds_played:
            self.heard.add(id_)
        await self.write()
        log.info(
            "over: occurrence=%s outcome=%s reason=%s seconds=%.2f planned=%.2f",
            id_,
            outcome,
            report.reason,
            report.seconds_played,
            report.seconds_planned,
        )
        return report

    async def forget(self, now: datetime, days: float, keep: Collection[str] = ()) -> None:
        """Ends older than `days`, but for those in `keep`."""
        try:
            await asyncio.to_thread(self.journal.forget, now, days, keep)
        except sqlite3.Error as error:
            log.warning("nothing forgotten, the journal does not take it: problem=%s", error)


def _report(
    part: Part, row: Begun | None, outcome: Outcome, reason: OutcomeReason | None, now: datetime
) -> PlaybackReport:
    replaced = row.replaced if row else frozenset()
    if outcome is Outcome.PLAYED and replaced:
        reason = OutcomeReason.STANDING_INSTEAD
    return PlaybackReport(
        id=uuid.uuid4().hex,
        occurrence=part.planned.id,
        outcome=outcome,
        reason=reason,
        seconds_played=round(row.sounded_s, 3) if row else 0.0,
        seconds_planned=round(seconds_of(part.planned, replaced), 3),
        started_at=row.first_frame_at if row else None,
        ended_at=now,
        start_error_ms=row.start_error_ms if row else None,
    )


def _progress_of(row: Begun) -> Progress:
    by = row.interrupted_by if row.interrupted else None
    return Progress(row.begun_at, row.sounded_s, row.interrupted, by)


def _was_heard(row: Begun) -> bool:
    return row.first_frame_at is not None or row.sounded_s > 0


def _cut_off(row: Begun) -> Begun:
    """By the end of the program that sounded it."""
    if row.interrupted:
        return row
    return replace(row, interrupted=True, interrupted_by=OutcomeReason.STATION_OFF)
