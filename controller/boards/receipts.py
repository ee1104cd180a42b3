"""How far alerts have come on each station, into the database several times a second."""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import OperationalError, SQLAlchemyError

from controller.boards import service
from controller.boards.service import HeardReceipt
from controller.context import Context
from controller.emergency.acts import Act
from controller.mqtt.link import Inbound, Link
from controller.mqtt.reading import Reader
from controller.stations import service as stations
from wire import topics
from wire.alerts import AlertReceipt

_log = logging.getLogger(__name__)

_MOST: Final = 50_000
_MOST_PATIENT: Final = 10_000
_PATIENCE: Final = timedelta(seconds=30)


class Receipts:
    """Reads and writes until cancelled. What the database does not take now is tried again the next time."""

    def __init__(
        self,
        context: Context,
        link: Link,
        every_s: float = 0.2,
        pending: Callable[[], Iterable[Act]] = tuple,
    ) -> None:
        """`pending`: acts that are sounded already, and not recorded yet."""
        self._context = context
        self._pending = pending
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
            there, patient = self._sorted(list(self._waiting))
            written = self._write(there)
        except OperationalError:
            _log.warning(
                "the database does not take receipts now; %d wait", len(self._waiting), exc_info=True
            )
            return 0
        self._waiting.clear()
        self._waiting.extend(patient)
        return written

    def _sorted(self, waiting: Sequence[HeardReceipt]) -> tuple[list[HeardReceipt], list[HeardReceipt]]:
        """Those of stations and soundings that there are, and those whose sounding may yet be recorded."""
        speakers = {one.receipt.station for one in waiting}
        pending = {(act.alert_id, act.alert.sounding) for act in self._pending() if act.alert}
        with self._context.database.read() as session:
            known = self._reader.known(speakers, stations.known(session, speakers))
            sounded = pending | service.soundings(session, {one.receipt.alert for one in waiting})
        mine = [one for one in waiting if one.receipt.station in known]
        there = [one for one in mine if (one.receipt.alert, one.receipt.sounding) in sounded]
        others = [one for one in mine if (one.receipt.alert, one.receipt.sounding) not in sounded]
        return there, self._patient(others)

    def _patient(self, others: Sequence[HeardReceipt]) -> list[HeardReceipt]:
        """A receipt may come before the record of what it is about, but not for long."""
        since = self._context.now() - _PATIENCE
        fresh = [one for one in others if one.at > since]
        for one in others:
            if one.at <= since:
                self._reader.refuse("unknown_sounding", one.receipt.sounding)
        return fresh[-_MOST_PATIENT:]

    def _write(self, receipts: Sequence[HeardReceipt]) -> int:
        """All at once; where one breaks that, each by itself, without those that cannot be written."""
        if not receipts:
            return 0
        try:
            return self._keep(receipts)
        except OperationalError:
            raise
        except (SQLAlchemyError, ValueError, OverflowError):
            _log.exception("a receipt cannot be written; the others are written one by one")
        return sum(self._keep_one(one) for one in receipts)

    def _keep_one(self, one: HeardReceipt) -> int:
        try:
            return self._keep([one])
        except OperationalError:
            raise
        except (SQLAlchemyError, ValueError, OverflowError):
            self._reader.refuse("unwritable", one.receipt.station)
            return 0

    def _keep(self, receipts: Sequence[HeardReceipt]) -> int:
        with self._context.database.write() as session:
            return service.keep_receipts(session, receipts)

    def _hear(self, message: Inbound) -> None:
        with self._lock:
            self._heard.append(message)

    def _take(self) -> list[Inbound]:
        with self._lock:
            heard = list(self._heard)
            self._heard.clear()
            return heard
