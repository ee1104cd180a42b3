"""Reports go out until the controller itself has said that they are in its database."""

import asyncio
import logging
import sqlite3

from agent.backoff import Backoff
from agent.journal import Journal
from agent.link import Connection
from agent.settings import Reports
from wire import topics
from wire.errors import WireError
from wire.messages import PlaybackReport, ReportBatch

log = logging.getLogger(__name__)

BATCH = 100


class Reporter:
    """`poke` after a new report or a new connection; otherwise it tries again by itself, ever more slowly."""

    def __init__(self, station: str, journal: Journal, link: Connection, settings: Reports) -> None:
        self._station = station
        self._journal = journal
        self._link = link
        self._poked = asyncio.Event()
        self._backoff = Backoff(settings.retry_min_s, settings.retry_max_s)

    def poke(self) -> None:
        self._backoff.reset()
        self._poked.set()

    async def acknowledge(self, ids: tuple[str, ...]) -> None:
        """Where the journal does not take it, they are sent and acknowledged once more."""
        try:
            await asyncio.to_thread(self._journal.acknowledge, ids)
            still_owed = await asyncio.to_thread(self._journal.owed)
        except sqlite3.Error as error:
            log.warning("acknowledgement not kept: reports=%d problem=%s", len(ids), error)
            return
        log.info("acknowledged: reports=%d still_owed=%d", len(ids), still_owed)
        self.poke()

    async def run(self) -> None:
        while True:
            self._poked.clear()
            owed = await self._owed()
            if owed and self._link.connected:
                batch = ReportBatch(station=self._station, reports=owed)
                self._link.send(topics.report(self._station), batch.encode(), qos=1)
                log.info("reports sent: count=%d", len(owed))
            await self._pause(has_more=owed is None or bool(owed))

    async def _owed(self) -> tuple[PlaybackReport, ...] | None:
        """The oldest of them; None where the journal cannot be read."""
        try:
            return await asyncio.to_thread(self._journal.outbox, BATCH)
        except (sqlite3.Error, WireError) as error:
            log.warning("reports cannot be read: problem=%s", error)
            return None

    async def _pause(self, *, has_more: bool) -> None:
        try:
            async with asyncio.timeout(self._backoff.next_s() if has_more else None):
                await self._poked.wait()
        except TimeoutError:
            return
