"""What the database knows of earlier messages, as the judge needs it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from controller.areas.boundaries import Boundaries
from controller.areas.tables import AreaLevel
from controller.cap import queries, reading
from controller.cap.chain import Kept, KnownAlert, chain_of
from controller.cap.events import Events
from controller.cap.geometry import Place
from controller.cap.judge import Known
from controller.cap.model import CapMessage, Reference
from controller.cap.queries import KeptRow
from controller.cap.tables import CapVerdict
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency.acts import Act
from controller.emergency.found import Found, look
from controller.emergency.tables import ActKind

MEMORY: Final = timedelta(days=60)
"""How far back a chain of messages goes."""
_WIDE: Final = frozenset({AreaLevel.PROVINCE, AreaLevel.DISTRICT})
_FOLLOWED: Final = frozenset({CapVerdict.PROPOSED, CapVerdict.FIRED, CapVerdict.APPLIED})
MARKS: Final = "message"
"""Among the `params` of a row: what later messages have to know of it."""


def known(
    session: Session,
    context: Context,
    message: CapMessage,
    events: Events,
    pending: Iterable[Act],
    *,
    trusted: bool,
) -> Known:
    """Only what belongs to the message's own chain. `trusted`: only what is beyond doubt holds it up."""
    now = context.now()
    rows = queries.of_sender(session, message.sender, now - MEMORY)
    kept = [_kept(row, message.sender, trusted=trusted) for row in rows if _belongs(row, message)]
    chain = chain_of(message, kept, ())
    acts = tuple(pending)
    ids = dict.fromkeys(one.alert_id for one in chain.kept if one.alert_id)
    return Known(
        now=now,
        own_sender=context.settings.cap_sender,
        events=events,
        places=places(AreaTree.read(session), context.boundaries),
        kept=chain.kept,
        alerts=tuple(_alert(look(session, id_, acts), now) for id_ in ids),
    )


def is_replayed(session: Session, message: CapMessage, digest: str, *, trusted: bool) -> bool:
    """Kept before. What anybody may have made does not count against what is surely the sender's own."""
    rows = queries.same_as(session, digest, identity_of(message))
    if not trusted:
        return any(row.verdict is not CapVerdict.REFUSED for row in rows)
    return any(_marks(row).get("own") for row in rows)


def identity_of(message: CapMessage) -> tuple[str, str, str]:
    """As it is kept: the time in one form, however it was written."""
    return message.identifier, message.sender, written(message.sent)


def marks_of(message: CapMessage, *, own: bool, named: bool) -> dict[str, Any]:
    """`own`: beyond doubt the sender's, so it counts for others; `named`: it is said to be."""
    return {
        "own": own,
        "named": named,
        "status": str(message.status),
        "ends": reading.ends_it(message),
        "references": [
            [reference.identifier, written(reference.sent)]
            for reference in message.references
            if reference.sender == message.sender
        ],
    }


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def places(tree: AreaTree, boundaries: Boundaries = Boundaries()) -> tuple[Place, ...]:
    return tuple(
        Place(
            id=area.id,
            parent_id=area.parent_id,
            name=area.name,
            code=area.code,
            latitude=area.latitude,
            longitude=area.longitude,
            wide=area.level in _WIDE,
            boundary=boundaries.of(area.id, area.code),
        )
        for area in tree.areas.values()
    )


def _belongs(row: KeptRow, message: CapMessage) -> bool:
    marks = _marks(row)
    return marks.get("status") == message.status and bool(marks.get("named") or row.alert_id)


def _kept(row: KeptRow, sender: str, *, trusted: bool) -> Kept:
    """What an officer brought links its alert, and holds nothing of the sender's up."""
    marks = _marks(row)
    ends = bool(marks.get("ends"))
    return Kept(
        itself=_reference(sender, row.identifier or "", row.sent or ""),
        references=tuple(_reference(sender, *one) for one in marks.get("references", ())),
        ends_it=ends,
        counts=bool(marks.get("own" if trusted else "named")) and (ends or row.verdict in _FOLLOWED),
        alert_id=row.alert_id,
    )


def _reference(sender: str, identifier: str, sent: str) -> Reference:
    return Reference(sender, identifier, datetime.fromisoformat(sent))


def _marks(row: KeptRow) -> dict[str, Any]:
    return row.params.get(MARKS) or {}


def _alert(found: Found, now: datetime) -> KnownAlert:
    acts: Sequence[Act] = found.acts
    newest = found.newest
    by_person = any(act.person_id is not None for act in acts)
    cancelled = newest is not None and newest.what is ActKind.CANCEL
    return KnownAlert(
        id=found.alert_id,
        state=found.state(now),
        by_rule=bool(acts) and not by_person,
        ended_by_officer=cancelled and newest is not None and newest.person_id is not None,
    )
