"""What stations say, into the database about once a second. A report is acknowledged after the commit."""

import asyncio
import logging
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from controller.context import Context
from controller.mqtt.link import Inbound, Link, Publication
from controller.mqtt.reading import Reader
from controller.playback import service as playback
from controller.stations import service as stations
from controller.stations.service import HeardHeartbeat, HeardPresence
from wire import topics
from wire.errors import Malformed
from wire.messages import Ack, Heartbeat, PlaybackReport, Presence, RawReportBatch

_log = logging.getLogger(__name__)

_MOST_TOPICS = 50_000
_MOST_REPORTS = 5_000
_REPORTS_EVERY_S = 0.25

Written = TypeVar("Written")
Said = TypeVar("Said")


@dataclass
class Batch:
    """What arrived since the last look: the newest state of each station, and every report."""

    presences: dict[str, Inbound] = field(default_factory=dict)
    heartbeats: dict[str, Inbound] = field(default_factory=dict)
    reports: deque[Inbound] = field(default_factory=lambda: deque(maxlen=_MOST_REPORTS))

    def __bool__(self) -> bool:
        return bool(self.presences or self.heartbeats or self.reports)


class Inbox:
    """Filled by the link's thread, emptied by the intake. Bounded: what does not fit is said again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._batch = Batch()

    def presence(self, message: Inbound) -> None:
        with self._lock:
            _keep_newest(self._batch.presences, message)

    def heartbeat(self, message: Inbound) -> None:
        with self._lock:
            _keep_newest(self._batch.heartbeats, message)

    def report(self, message: Inbound) -> None:
        with self._lock:
            self._batch.reports.append(message)

    @property
    def has_reports(self) -> bool:
        with self._lock:
            return bool(self._batch.reports)

    def take(self) -> Batch:
        with self._lock:
            batch, self._batch = self._batch, Batch()
        return batch


class Intake:
    """Decodes, writes and acknowledges until cancelled; raises if the database cannot be written."""

    def __init__(
        self,
        context: Context,
        link: Link,
        every_s: float = 1.0,
        heed_versions: Callable[[Mapping[str, int]], None] | None = None,
    ) -> None:
        """`heed_versions` is told the highest board that stations hold, by area."""
        self._context = context
        self._heed_versions = heed_versions
        self._link = link
        self._every_s = every_s
        self._inbox = Inbox()
        self._reader = Reader()
        link.hear(topics.ALL_PRESENCES, 1, self._inbox.presence)
        link.hear(topics.ALL_HEARTBEATS, 0, self._inbox.heartbeat)
        link.hear(topics.ALL_REPORTS, 1, self._inbox.report)

    @property
    def refused(self) -> Counter[str]:
        """Messages not taken, by why: `malformed`, `wrong_station`, `unknown_station`."""
        return self._reader.refused

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(1, thread_name_prefix="intake")
        try:
            while True:
                await self._pause()
                await loop.run_in_executor(pool, self.take_in)
        finally:
            await asyncio.to_thread(pool.shutdown)

    async def _pause(self) -> None:
        """Reports are waited for, by the station and by people; the rest comes often enough."""
        until_s = time.monotonic() + self._every_s
        while (left_s := until_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, _REPORTS_EVERY_S))
            if self._inbox.has_reports:
                return

    def take_in(self) -> None:
        """Everything that has arrived, in short transactions; then the acknowledgements.

        Each transaction takes its rows in the order of their keys, so that two controllers do not lock each
        other out.
        """
        batch = self._inbox.take()
        if not batch:
            return
        presences = [
            HeardPresence(said, message.received_at, message.retained)
            for message, said in self._reader.read(batch.presences.values(), Presence)
        ]
        heartbeats = [
            HeardHeartbeat(said, message.received_at)
            for message, said in self._reader.read(batch.heartbeats.values(), Heartbeat)
        ]
        reports = self._reports(batch.reports)
        known = self._known(
            {one.presence.station for one in presences}
            | {one.heartbeat.station for one in heartbeats}
            | reports.keys()
        )
        presences = [one for one in presences if one.presence.station in known]
        heartbeats = [one for one in heartbeats if one.heartbeat.station in known]
        if self._heed_versions is not None and heartbeats:
            self._heed_versions(_held_boards(heartbeats))
        self._each(presences, lambda some: self._write(lambda session: stations.keep(session, some, [])))
        self._each(heartbeats, lambda some: self._write(lambda session: stations.keep(session, [], some)))
        self._each(
            [(station, reports[station]) for station in sorted(reports.keys() & known)],
            lambda some: self._acknowledge(dict(some)),
        )

    def _each(self, said: Sequence[Said], write: Callable[[Sequence[Said]], object]) -> None:
        """All at once; where one station's word breaks that, each by itself, without the broken ones."""
        try:
            if said:
                write(said)
        except OperationalError:
            raise
        except (SQLAlchemyError, ValueError, OverflowError):
            if len(said) == 1:
                self._reader.refuse("unwritable", str(said[0]))
                return
            _log.exception("what one of %d stations said cannot be written", len(said))
            for one in said:
                self._each([one], write)

    def _reports(self, messages: Iterable[Inbound]) -> dict[str, list[PlaybackReport]]:
        """What each station reports. One report that we cannot read does not hold up the others.

        It is not acknowledged: the station keeps it for a controller that understands it.
        """
        found: defaultdict[str, list[PlaybackReport]] = defaultdict(list)
        for message, batch in self._reader.read(messages, RawReportBatch):
            for raw in batch.reports:
                try:
                    found[batch.station].append(PlaybackReport.read(raw))
                except Malformed:
                    self._reader.refuse("malformed", message.topic)
        return dict(found)

    def _known(self, speakers: set[str]) -> set[str]:
        with self._context.database.read() as session:
            return self._reader.known(speakers, stations.known(session, speakers))

    def _acknowledge(self, reports: Mapping[str, list[PlaybackReport]]) -> None:
        now = self._context.now()

        def apply(session: Session) -> list[Ack]:
            return [
                Ack(station=station, reports=tuple(playback.apply_reports(session, now, station, said)))
                for station, said in reports.items()
            ]

        for ack in self._write(apply):
            self._link.offer(Publication(topics.ack(ack.station), ack.encode()))

    def _write(self, work: Callable[[Session], Written]) -> Written:
        """In one transaction; once more if another process held its rows."""
        try:
            with self._context.database.write() as session:
                return work(session)
        except OperationalError:
            _log.warning("the database did not take what stations said; once more", exc_info=True)
        with self._context.database.write() as session:
            return work(session)


def _held_boards(heartbeats: Iterable[HeardHeartbeat]) -> dict[str, int]:
    held: dict[str, int] = {}
    for board in (board for one in heartbeats for board in one.heartbeat.boards):
        held[board.area] = max(board.version, held.get(board.area, 0))
    return held


def _keep_newest(latest: dict[str, Inbound], message: Inbound) -> None:
    if message.topic in latest or len(latest) < _MOST_TOPICS:
        latest[message.topic] = message
