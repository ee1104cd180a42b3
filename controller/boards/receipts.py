"""How far alerts have come on each station, into the database several times a second."""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sqlalchemy.exc import OperationalError

from controller.boards import service
from controller.boards.service import HeardReceipt
from controller.context import Context
from controller.mqtt.link import Inbound, Link
from controller.mqtt.reading import Reader
from controller.stations import service as stations
from wire import topics
from wire.alerts import AlertReceipt

_log = logging.getLogger(__name__)

_MOST: Final = 50_000


class Receipts:
    """Reads and writes until cancelled. What the database does not take now is tried again the next time."""

    def __init__(self, context: Context, link: Link, every_s: float = 0.2) -> None:
        self._context = context
        self._every_s = every_s
        self._lock = threading.Lock()
        self._heard: deque[Inbound] = deque(maxlen=_MOST)
        self._waiting: deque[HeardReceipt] = deque(maxlen=_MOST)
        self._reader = Reader()
        link.hear(topics.ALL_RECEIPTS, 1, self._hear)

    @property
    def refused(self) -> Counter[str]:
        """Receipts not taken, by why."""
        return self._reader.refused

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        pool = ThreadPoolExecutor(1, thread_name_prefix="receipts")
        try:
            while True:
                await asyncio.sleep(self._every_s)
                await loop.run_in_executor(pool, self.take_in)
        finally:
            await asyncio.to_thread(pool.shutdown)

    def take_in(self) -> int:
        """Everything that has arrived, in one transaction; returns how many rows were written."""
        heard = self._reader.read(self._take(), AlertReceipt)
        self._waiting.extend(HeardReceipt(receipt, message.received_at) for message, receipt in heard)
        if not self._waiting:
            return 0
        try:
            return self._write(list(self._waiting))
        except OperationalError:
            _log.warning(
                "the database does not take receipts now; %d wait", len(self._waiting), exc_info=True
            )
            return 0

    def _write(self, waiting: Sequence[HeardReceipt]) -> int:
        speakers = {one.receipt.station for one in waiting}
        with self._context.database.read() as session:
            known = self._reader.known(speakers, stations.known(session, speakers))
        with self._context.database.write() as session:
            written = service.keep_receipts(session, [one for one in waiting if one.receipt.station in known])
        self._waiting.clear()
        return written

    def _hear(self, message: Inbound) -> None:
        with self._lock:
            self._heard.append(message)

    def _take(self) -> list[Inbound]:
        with self._lock:
            heard = list(self._heard)
            self._heard.clear()
            return heard
