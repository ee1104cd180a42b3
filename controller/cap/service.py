"""Taking CAP messages in: each is judged, kept and followed in one transaction; what sounds, sounds after."""

import hashlib
import logging
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from lxml import etree
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.boards.desk import Desk
from controller.cap import composing, parse, queries, remembered, safe, sign
from controller.cap.errors import Unreadable, shortened
from controller.cap.events import Events
from controller.cap.following import Following
from controller.cap.judge import Asked, Judgement, Known, Signature, Step, judge
from controller.cap.model import CapMessage
from controller.cap.sources import Source
from controller.cap.tables import CapMessageRow, CapVerdict, Via
from controller.context import Context
from controller.emergency.content import Content

_log = logging.getLogger(__name__)

_UNTRUSTED_BYTES: Final = 64_000
"""How much is kept of what may be anybody's."""
_STRANGERS_AN_HOUR: Final = 10
"""How many messages without a good signature are kept, by MQTT and source."""
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Arrival:
    """Bytes, and how they came. `source` None: an officer, whose name is `by`, brought them.

    `officer` is who brought them: her realm bounds what they may change. Raises ValueError without either.
    """

    raw: bytes
    via: Via
    source: Source | None
    by: str
    untouched: bool = True
    officer: Principal | None = None
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if (self.source is None) == (self.officer is None):
            raise ValueError("either a source sends a message or an officer brings it")
        object.__setattr__(self, "digest", hashlib.sha256(self.raw).hexdigest())


@dataclass(frozen=True)
class _Opened:
    """A message that could be read, and what its signature is worth."""

    message: CapMessage
    signature: Signature


class Reception:
    """Any thread may call; the desk is where what fires is sounded."""

    def __init__(self, context: Context, desk: Desk) -> None:
        self._context = context
        self._desk = desk
        self._events = Events.load()
        self._lock = threading.Lock()
        self._strangers: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def take(self, arrival: Arrival) -> CapMessageRow:
        """The message as it is kept now, with its verdict. Raises what the database raises.

        Of what anybody may have published only a few an hour are kept: the row of any more has no id.
        """
        now = self._context.now()
        try:
            return self._take(arrival, _open(arrival, now), now)
        except Unreadable as error:
            return self._keep_refused(arrival, now, error)
        except SQLAlchemyError:
            raise
        except Exception:  # noqa: BLE001  (whatever a stranger's bytes break, it is kept)
            _log.exception("a CAP message from %s broke our reader", arrival.by)
            return self._keep_refused(arrival, now, Unreadable("cap.unexpected"))

    def _take(self, arrival: Arrival, opened: _Opened, now: datetime) -> CapMessageRow:
        if arrival.via is Via.MQTT and opened.signature is not Signature.GOOD:
            unknown = Known(now, self._context.settings.cap_sender, self._events)
            return self._keep(_row(arrival, now, judge(_asked(arrival, opened), unknown), opened.message))
        content = self._content(arrival, opened)
        with self._context.database.write() as session:
            queries.one_at_a_time(session)
            judgement = self._judged(session, arrival, opened)
            if content is None and judgement.step is not Step.NOTHING:
                content = composing.composed(session, judgement)  # It has become possible this moment.
            row = _row(arrival, now, judgement, opened.message)
            session.add(row)
            session.flush()
            pending = self._desk.pending()
            following = Following(session, self._context, pending, row, officer=arrival.officer)
            acts = following.follow(judgement, content)
        for act in acts:
            self._desk.perform(act)
        return row

    def take_new(self, arrival: Arrival) -> CapMessageRow | None:
        """None where a feed or a broker gives again what it gave before."""
        with self._context.database.read() as session:
            if queries.is_kept(session, arrival.by, arrival.digest):
                return None
        return self.take(arrival)

    def _judged(self, session: Session, arrival: Arrival, opened: _Opened) -> Judgement:
        message = opened.message
        asked = _asked(arrival, opened)
        pending = self._desk.pending()
        known = remembered.known(
            session, self._context, message, self._events, pending, trusted=asked.trusted
        )
        replayed = remembered.is_replayed(session, message, arrival.digest, trusted=asked.trusted)
        return judge(replace(asked, replayed=replayed), known)

    def _content(self, arrival: Arrival, opened: _Opened) -> Content | None:
        """What the alert would say, read aloud before the transaction in which it is decided."""
        with self._context.database.read() as session:
            judgement = self._judged(session, arrival, opened)
            if judgement.step is Step.NOTHING:
                return None
            content = composing.composed(session, judgement)
        return composing.read_aloud(self._context, content)

    def _keep_refused(self, arrival: Arrival, now: datetime, error: Unreadable) -> CapMessageRow:
        return self._keep(_row(arrival, now, Judgement(CapVerdict.REFUSED, error.key, error.params), None))

    def _keep(self, row: CapMessageRow) -> CapMessageRow:
        """What is refused for itself; of what anybody may publish not the bytes, and not all."""
        if row.via is Via.MQTT:
            row.raw = b""
            if not self._has_room(row.source, row.received_at):
                return row
        with self._context.database.write() as session:
            session.add(row)
        return row

    def _has_room(self, source: str, now: datetime) -> bool:
        with self._lock:
            times = self._strangers[source]
            while times and times[0] <= now - _HOUR:
                times.popleft()
            if len(times) >= _STRANGERS_AN_HOUR:
                return False
            times.append(now)
            return True


def _open(arrival: Arrival, now: datetime) -> _Opened:
    """Where a signature holds, only what it covers is read. Raises Unreadable."""
    certificates = arrival.source.certificates if arrival.source else ()
    root = safe.read(arrival.raw)
    if not sign.has_signature(root):
        return _Opened(parse.understand(root), Signature.NONE)
    if not certificates:
        return _Opened(parse.understand(root), Signature.UNKNOWN)
    try:
        signed = sign.verified(safe.read(arrival.raw, keep_marks=True), certificates, now)
    except sign.NotSigned:
        return _Opened(parse.understand(root), Signature.BAD)
    return _Opened(parse.parse(etree.tostring(signed)), Signature.GOOD)


def _asked(arrival: Arrival, opened: _Opened) -> Asked:
    return Asked(
        message=opened.message,
        source=arrival.source,
        via=arrival.via,
        signature=opened.signature,
        untouched=arrival.untouched,
    )


def _row(arrival: Arrival, now: datetime, judgement: Judgement, message: CapMessage | None) -> CapMessageRow:
    from_known = judgement.named or arrival.source is None
    params: dict[str, Any] = {**judgement.params, "areas": list(judgement.area_ids)}
    if message is not None:
        params[remembered.MARKS] = remembered.marks_of(message, own=judgement.own, named=judgement.named)
    identifier, sender, sent = remembered.identity_of(message) if message else (None, None, None)
    return CapMessageRow(
        received_at=now,
        via=arrival.via,
        source=arrival.by[:80],
        digest=arrival.digest,
        raw=arrival.raw[: safe.LIMIT_BYTES if from_known else _UNTRUSTED_BYTES],
        identifier=identifier,
        sender=sender,
        sent=sent,
        summary=shortened(message.summary, 300) if message else "",
        verdict=judgement.verdict,
        reason=judgement.reason,
        params=params,
        alert_id=judgement.alert_id,
    )
