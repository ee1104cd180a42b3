"""Puts documents into the broker, each version once, and fills a broker again that lost its memory."""

import logging
import threading
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

from controller.context import Context
from controller.dispatch import queries
from controller.dispatch.queries import Claimed
from controller.mqtt.link import Connection, Inbound, Link, Publication
from wire import topics

_log = logging.getLogger(__name__)

EPOCH_TOPIC = f"{topics.ROOT}/controller/epoch"
_BATCH = 200
_PUBLISH_TIMEOUT_S = 10.0
_LEASE = timedelta(seconds=60)
_ATTEMPTS = 3


class EpochWatch:
    """The mark that the broker keeps for us, as told on the present connection."""

    def __init__(self, link: Link) -> None:
        self._told = threading.Condition()
        self._seen: tuple[int, str] | None = None
        link.hear(EPOCH_TOPIC, 1, self._on_epoch)

    def carries(self, connection: Connection, epoch: str, wait_s: float) -> bool:
        """Whether the broker carries this mark; waits while it may still say so."""
        wanted = (connection.number, epoch)
        with self._told:
            return self._told.wait_for(lambda: self._seen == wanted, timeout=wait_s)

    def _on_epoch(self, message: Inbound) -> None:
        with self._told:
            self._seen = (message.connection, message.payload.decode(errors="replace"))
            self._told.notify_all()


class Publisher:
    """Claims what is due, publishes it retained, and marks it once the broker has acknowledged it."""

    def __init__(self, context: Context, link: Link, epoch_wait_s: float = 3.0) -> None:
        self._context = context
        self._link = link
        self._watch = EpochWatch(link)
        self._epoch_wait_s = epoch_wait_s
        """How long a broker has to tell its mark; then it counts as having none."""

    def publish_due(self) -> int:
        """Publish until nothing is due or the link fails; returns how many the broker acknowledged."""
        if not self._broker_remembers():
            return 0
        total = 0
        while claimed := self._claim():
            acknowledged = self._publish(claimed)
            total += len(acknowledged)
            if len(acknowledged) < len(claimed):
                break
        return total

    def _broker_remembers(self) -> bool:
        """True once the broker carries our mark. One that lost it gets a new one, and is filled again."""
        for _ in range(_ATTEMPTS):
            connection = self._link.connection
            if connection is None:
                return False
            with self._context.database.read() as session:
                epoch = queries.epoch(session)
            if epoch is not None and self._watch.carries(connection, epoch, self._epoch_wait_s):
                return True
            self._begin_epoch(epoch)
        return False

    def _begin_epoch(self, old: str | None) -> None:
        """One process wins; the others find its mark in the broker."""
        new = uuid4().hex
        with self._context.database.write() as session:
            won = queries.replace_epoch(session, old, new)
            if won:
                queries.mark_all_unpublished(session)
        if won:
            _log.warning("the broker remembers nothing of ours: every document goes out again")
            self._link.publish([Publication(EPOCH_TOPIC, new.encode(), retain=True)], _PUBLISH_TIMEOUT_S)

    def _claim(self) -> list[Claimed]:
        now, who = self._context.now(), self._context.process_id
        with self._context.database.read() as session:
            if not queries.any_due(session, now):
                return []
        with self._context.database.write() as session:
            return queries.claim(session, now, who, now + _LEASE, _BATCH)

    def _publish(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        wanted = [Publication(one.topic, one.token.encode(), retain=True) for one in claimed]
        done = self._link.publish(wanted, _PUBLISH_TIMEOUT_S)
        acknowledged = [one for one, well in zip(claimed, done, strict=True) if well]
        failed = [one.topic for one, well in zip(claimed, done, strict=True) if not well]
        now, who = self._context.now(), self._context.process_id
        with self._context.database.write() as session:
            lost = queries.mark_published(session, now, who, acknowledged)
            queries.release(session, who, failed)
            # Whoever took over a claim of ours may have published a newer version before us.
            queries.reopen(session, lost)
        return acknowledged
