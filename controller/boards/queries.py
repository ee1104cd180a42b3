"""The SQL of boards and receipts."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from controller.areas.tables import Area
from controller.db.upsert import upsert
from controller.dispatch.tables import RetainedDocument
from controller.emergency.tables import AlertReceiptRow, AlertRevision, AlertRow, AlertState, RevisionState
from wire import topics
from wire.ids import AREA_PATTERN

_CHUNK: Final = 500


class KeptBoard(NamedTuple):
    """A board's row, by its topic."""

    topic: str
    version: int
    digest: str
    is_published: bool


def newest_acts(
    session: Session, now: datetime, alert_ids: Collection[str]
) -> list[tuple[AlertRow, AlertRevision]]:
    """The newest act of every alert whose sounding is in force, and of those named."""
    carried_out = and_(
        AlertRevision.alert_id == AlertRow.id,
        AlertRevision.revision == AlertRow.revision,
        AlertRevision.state == RevisionState.DONE,
    )
    statement = (
        select(AlertRow, AlertRevision)
        .join(AlertRevision, carried_out)
        .where(or_(AlertRevision.expires_at > now, AlertRow.id.in_(alert_ids)))
        .order_by(AlertRow.id)
    )
    return [(alert, revision) for alert, revision in session.execute(statement)]


def carried_out(session: Session, alert_id: str, revision: int) -> tuple[AlertRow, AlertRevision] | None:
    alert, found = session.get(AlertRow, alert_id), session.get(AlertRevision, (alert_id, revision))
    if alert is None or found is None or found.state is not RevisionState.DONE:
        return None
    return alert, found


def any_over(session: Session, now: datetime) -> bool:
    return session.execute(select(AlertRow.id).where(_over(now)).limit(1)).first() is not None


def expire(session: Session, now: datetime) -> int:
    """Active alerts whose validity has passed."""
    statement = (
        update(AlertRow).where(_over(now)).values(state=AlertState.EXPIRED, ended_at=AlertRow.expires_at)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount


def boards(session: Session) -> dict[str, KeptBoard]:
    """Every board's row, by area; none for a name that no area can have."""
    rows = session.execute(
        select(
            RetainedDocument.topic,
            RetainedDocument.version,
            RetainedDocument.digest,
            RetainedDocument.published_version >= RetainedDocument.version,
        ).where(RetainedDocument.topic.like(topics.alerts("%")))
    )
    kept = [KeptBoard(*row) for row in rows]
    by_area = {one.topic.split("/")[3]: one for one in kept}
    return {area_id: one for area_id, one in by_area.items() if re.fullmatch(AREA_PATTERN, area_id)}


def areas(session: Session, area_ids: Sequence[str]) -> set[str]:
    found = set[str]()
    for start in range(0, len(area_ids), _CHUNK):
        found.update(session.scalars(select(Area.id).where(Area.id.in_(area_ids[start : start + _CHUNK]))))
    return found


def soundings(session: Session, alert_ids: Collection[str]) -> set[tuple[str, str]]:
    """With their alerts."""
    ids, found = sorted(alert_ids), set[tuple[str, str]]()
    for start in range(0, len(ids), _CHUNK):
        rows = session.execute(
            select(AlertRevision.alert_id, AlertRevision.sounding).where(
                AlertRevision.alert_id.in_(ids[start : start + _CHUNK]), AlertRevision.sounding.is_not(None)
            )
        )
        found.update((alert_id, sounding) for alert_id, sounding in rows if sounding)
    return found


def save_receipts(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """The first word on each moment stands; what was not told before is added."""
    return upsert(
        session, AlertReceiptRow, rows, first_stands=("received_at", "sounding_at", "first_frame_at")
    )


def _over(now: datetime) -> Any:
    return and_(AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at <= now)
