"""The only SQL about CAP messages and feeds, and about our own alerts as others read them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, defer

from controller.cap.tables import CapFeedState, CapMessageRow, CapVerdict, Via
from controller.db.upsert import upsert
from controller.emergency.tables import AlertRevision, AlertRow, AlertState, RevisionState

_TAKING_IN: Final = 1_057_702_026
"""A number of our own among the advisory locks of one PostgreSQL database."""


class KeptRow(NamedTuple):
    """A kept message without its bytes."""

    id: int
    via: Via
    identifier: str | None
    sent: str | None
    digest: str
    verdict: CapVerdict
    reason: str | None
    params: dict[str, Any]
    alert_id: str | None


def one_at_a_time(session: Session) -> None:
    """Until the transaction ends no other takes a message in; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_TAKING_IN)))


def of_sender(session: Session, sender: str, since: datetime) -> list[KeptRow]:
    """What may be of a chain, in the order in which it came: from a known source, or with an alert."""
    named = CapMessageRow.params["message", "named"].as_boolean()
    rows = session.execute(
        _kept()
        .where(CapMessageRow.sender == sender, CapMessageRow.received_at >= since)
        .where(or_(CapMessageRow.alert_id.is_not(None), named))
        .order_by(CapMessageRow.id)
    )
    return [KeptRow._make(row) for row in rows]


def same_as(session: Session, digest: str, identity: tuple[str, str, str] | None) -> list[KeptRow]:
    """Kept messages with the same bytes or with the same identifier, sender and time."""
    same = CapMessageRow.digest == digest
    if identity is not None:
        identifier, sender, sent = identity
        named = and_(
            CapMessageRow.identifier == identifier,
            CapMessageRow.sender == sender,
            CapMessageRow.sent == sent,
        )
        same = or_(same, named)
    return [KeptRow._make(row) for row in session.execute(_kept().where(same))]


def is_kept(session: Session, source: str, digest: str) -> bool:
    statement = select(CapMessageRow.id).where(CapMessageRow.digest == digest, CapMessageRow.source == source)
    return session.scalar(statement.limit(1)) is not None


def message(session: Session, message_id: int) -> CapMessageRow | None:
    return session.get(CapMessageRow, message_id)


def newest(
    session: Session, limit: int, before: int | None, verdicts: Sequence[CapVerdict]
) -> Sequence[CapMessageRow]:
    """Without their bytes, the newest first; `before` is the id of the last one seen."""
    statement = select(CapMessageRow).options(defer(CapMessageRow.raw, raiseload=True))
    if before is not None:
        statement = statement.where(CapMessageRow.id < before)
    if verdicts:
        statement = statement.where(CapMessageRow.verdict.in_(verdicts))
    return session.scalars(statement.order_by(CapMessageRow.id.desc()).limit(limit)).all()


def senders(session: Session, alert_ids: Collection[str]) -> dict[str, str]:
    """By alert, who sent the newest message that it came from."""
    rows = session.execute(
        select(CapMessageRow.alert_id, CapMessageRow.sender, CapMessageRow.source)
        .where(CapMessageRow.alert_id.in_(alert_ids))
        .order_by(CapMessageRow.id)
    )
    return {alert_id: sender or source for alert_id, sender, source in rows if alert_id}


def feeds(session: Session) -> dict[str, CapFeedState]:
    return {row.source: row for row in session.scalars(select(CapFeedState))}


def save_feed(session: Session, source: str, values: dict[str, Any]) -> None:
    upsert(session, CapFeedState, [{"source": source, **values}])


def published(session: Session, since: datetime) -> Sequence[AlertRevision]:
    """The newest CAP message of each alert that is in force or has changed since then, the newest first."""
    latest = (
        select(AlertRevision.alert_id, func.max(AlertRevision.revision).label("revision"))
        .where(AlertRevision.cap_xml.is_not(None), AlertRevision.state == RevisionState.DONE)
        .group_by(AlertRevision.alert_id)
        .subquery()
    )
    statement = (
        select(AlertRevision)
        .join(
            latest,
            and_(AlertRevision.alert_id == latest.c.alert_id, AlertRevision.revision == latest.c.revision),
        )
        .join(AlertRow, AlertRow.id == AlertRevision.alert_id)
        .where(or_(AlertRow.state == AlertState.ACTIVE, AlertRevision.done_at >= since))
        .order_by(AlertRevision.done_at.desc(), AlertRevision.alert_id)
    )
    return session.scalars(statement).all()


def xml_named(session: Session, identifier: str) -> str | None:
    return session.scalar(select(AlertRevision.cap_xml).where(AlertRevision.cap_identifier == identifier))


def _kept() -> Any:
    return select(
        CapMessageRow.id,
        CapMessageRow.via,
        CapMessageRow.identifier,
        CapMessageRow.sent,
        CapMessageRow.digest,
        CapMessageRow.verdict,
        CapMessageRow.reason,
        CapMessageRow.params,
        CapMessageRow.alert_id,
    )
