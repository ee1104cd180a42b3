"""CAP messages by MQTT, on `loaban/1/cap/<source>`. Anybody may publish there, so only signatures count."""

import asyncio
import logging
import threading
from collections import Counter, deque
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from controller.cap import sources
from controller.cap.safe import LIMIT_BYTES
from controller.cap.service import Arrival, Reception
from controller.cap.tables import Via
from controller.clockwork.waker import Ear
from controller.context import Context
from controller.errors import Invalid
from controller.mqtt.link import Inbound, Link
from wire import topics

_log = logging.getLogger(__name__)

TOPIC_FILTER: Final = f"{topics.ROOT}/cap/+"
_MOST_WAITING_BYTES: Final = 4 * LIMIT_BYTES
_RETRY_S: Final = 2.0
_PASSING: Final = (OperationalError, InterfaceError, NoConnection)
"""The database does not answer; the message is not to blame."""


class Listening:
    """Hears, and takes in one after the other until cancelled. Bounded: what does not fit is counted."""

    def __init__(self, context: Context, link: Link, reception: Reception) -> None:
        self._context = context
        self._reception = reception
        self._lock = threading.Lock()
        self._waiting: deque[Inbound] = deque()
        self._waiting_bytes = 0
        self._ear = Ear()
        self.refused: Counter[str] = Counter()
        """Messages that were not kept, by why: `unknown_source`, `no_room`, `not_signed`, `not_taken`."""
        link.hear(TOPIC_FILTER, 1, self.hear)

    def hear(self, message: Inbound) -> None:
        """In the link's thread."""
        with self._lock:
            if self._waiting_bytes + len(message.payload) > _MOST_WAITING_BYTES:
                self._refuse("no_room", message.topic)
                return
            self._waiting.append(message)
            self._waiting_bytes += len(message.payload)
        self._ear.nudge()

    async def run(self) -> None:
        while True:
            await self._ear.heard(60.0)
            while message := self._next():
                await self._take(message)

    async def _take(self, message: Inbound) -> None:
        """Again and again while the database does not answer: a message is not lost for that.

        One that cannot be taken holds up no other.
        """
        while True:
            try:
                await asyncio.to_thread(self.take, message)
            except _PASSING:
                _log.warning("the database did not take a CAP message; once more", exc_info=True)
                await asyncio.sleep(_RETRY_S)
            except (SQLAlchemyError, OSError, ValueError):
                _log.exception("a CAP message cannot be taken")
                self._refuse("not_taken", message.topic)
                return
            else:
                return

    def take(self, message: Inbound) -> None:
        """One message, from a source that `cap.toml` names."""
        try:
            source = sources.load(self._context.settings.data_dir).named(message.topic.rsplit("/", 1)[-1])
        except Invalid:
            _log.exception("cap.toml cannot be read")
            source = None
        if source is None:
            self._refuse("unknown_source", message.topic)
            return
        row = self._reception.take_new(Arrival(message.payload, Via.MQTT, source, source.name))
        if row is not None and row.id is None:
            self._refuse("not_signed", message.topic)

    def _next(self) -> Inbound | None:
        with self._lock:
            if not self._waiting:
                return None
            message = self._waiting.popleft()
            self._waiting_bytes -= len(message.payload)
            return message

    def _refuse(self, why: str, topic: str) -> None:
        self.refused[why] += 1
        if self.refused[why] == 1 or self.refused[why] % 100 == 0:
            _log.warning("CAP by MQTT, %s: %s (%d so far)", why, topic[:160], self.refused[why])
