"""Reports go out until the controller itself has said that they are in its database."""

import asyncio
import logging

from agent.backoff import Backoff
from agent.journal import Journal
from agent.link import Connection
from agent.settings import Reports
from wire import topics
from wire.messages import ReportBatch

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
        """Raises sqlite3.Error."""
        await asyncio.to_thread(self._journal.acknowledge, ids)
        log.info(
            "acknowledged: reports=%d still_owed=%d", len(ids), await asyncio.to_thread(self._journal.owed)
        )
        self.poke()

    async def run(self) -> None:
        while True:
            self._poked.clear()
            owed = await asyncio.to_thread(self._journal.outbox, BATCH)
            if owed and self._link.connected:
                batch = ReportBatch(station=self._station, reports=owed)
                self._link.send(topics.report(self._station), batch.encode(), qos=1)
                log.info("reports sent: count=%d", len(owed))
            await self._pause(has_more=bool(owed))

    async def _pause(self, *, has_more: bool) -> None:
        try:
            async with asyncio.timeout(self._backoff.next_s() if has_more else None):
                await self._poked.wait()
        except TimeoutError:
            return
