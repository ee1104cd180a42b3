"""The SQL of dispatch. Every claim is a conditional UPDATE."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from controller.areas.tables import Area
from controller.db.upsert import insert_missing
from controller.dispatch.tables import BrokerEpoch, RetainedDocument
from controller.stations.tables import Station
from wire import topics

_EPOCH = "main"
_BOARDS = topics.alerts("%")
_BOARDS_END = "/alerts"


class Held(NamedTuple):
    version: int
    digest: str


class Claimed(NamedTuple):
    topic: str
    version: int
    token: str


def held(session: Session) -> dict[str, Held]:
    """Every document's version and digest, by topic."""
    rows = session.execute(select(RetainedDocument.topic, RetainedDocument.version, RetainedDocument.digest))
    return {topic: Held(version, digest) for topic, version, digest in rows}


def plan_versions(session: Session) -> dict[str, int]:
    """The version that stations should hold, by area."""
    return _versions(session, "area", "plan")


def board_versions(session: Session) -> dict[str, int]:
    """The newest alert board that is on record, by area that there is."""
    there = set(session.scalars(select(Area.id)))
    return {area_id: one for area_id, one in _versions(session, "area", "alerts").items() if area_id in there}


def standing_areas(session: Session) -> set[str]:
    """Areas that have a layer of standing sounds, if only an empty one."""
    return set(_versions(session, "area", "standing"))


def card_versions(session: Session) -> dict[str, int]:
    """The version that it should hold, by station."""
    return _versions(session, "station", "card")


def _versions(session: Session, scope: str, leaf: str) -> dict[str, int]:
    like = f"{topics.ROOT}/{scope}/%/{leaf}"
    rows = session.execute(
        select(RetainedDocument.topic, RetainedDocument.version).where(RetainedDocument.topic.like(like))
    )
    return {topic.split("/")[3]: version for topic, version in rows}


def installed_stations(session: Session) -> Sequence[Station]:
    return session.scalars(select(Station).where(Station.installed).order_by(Station.id)).all()


def add_document(session: Session, values: dict[str, Any]) -> bool:
    """A document's first version; False if another process has added one."""
    return insert_missing(session, RetainedDocument, [values]) == 1


def replace_document(session: Session, topic: str, old_version: int, values: dict[str, Any]) -> bool:
    """The next version; False if another process has issued one since `old_version`."""
    statement = (
        update(RetainedDocument)
        .where(RetainedDocument.topic == topic, RetainedDocument.version == old_version)
        .values(**values)
    )
    return _rows(session.execute(statement)) == 1


def any_due(session: Session, now: datetime) -> bool:
    return session.execute(select(RetainedDocument.topic).where(_due(now)).limit(1)).first() is not None


def claim(session: Session, now: datetime, who: str, until: datetime, limit: int) -> list[Claimed]:
    """Take documents that the broker does not have yet and that nobody else is publishing; boards first."""
    order = RetainedDocument.topic.not_like(_BOARDS), RetainedDocument.topic
    due = select(RetainedDocument.topic).where(_due(now)).order_by(*order).limit(limit)
    statement = (
        update(RetainedDocument)
        .where(RetainedDocument.topic.in_(due.scalar_subquery()), _due(now))
        .values(claimed_by=who, claimed_until=until)
        .returning(RetainedDocument.topic, RetainedDocument.version, RetainedDocument.token)
    )
    rows = session.execute(statement, execution_options={"synchronize_session": False})
    claimed = [Claimed(*row) for row in rows]
    return sorted(claimed, key=lambda one: (not one.topic.endswith(_BOARDS_END), one.topic))


def mark_published(session: Session, now: datetime, who: str, published: Sequence[Claimed]) -> list[str]:
    """Returns the topics whose claim was no longer ours."""
    lost = []
    for document in published:
        done = session.execute(
            update(RetainedDocument)
            .where(RetainedDocument.topic == document.topic, RetainedDocument.claimed_by == who)
            .values(published_version=document.version, published_at=now, claimed_by=None, claimed_until=None)
        )
        if _rows(done) == 0:
            lost.append(document.topic)
    return lost


def reopen(session: Session, unsure: Collection[str]) -> None:
    """Let them be published again."""
    session.execute(
        update(RetainedDocument).where(RetainedDocument.topic.in_(list(unsure))).values(published_version=0)
    )


def release(session: Session, who: str, unpublished: Collection[str]) -> None:
    session.execute(
        update(RetainedDocument)
        .where(RetainedDocument.topic.in_(list(unpublished)), RetainedDocument.claimed_by == who)
        .values(claimed_by=None, claimed_until=None)
    )


def epoch(session: Session) -> str | None:
    """The mark that the broker should carry."""
    return session.scalar(select(BrokerEpoch.epoch).where(BrokerEpoch.name == _EPOCH))


def replace_epoch(session: Session, old: str | None, new: str) -> bool:
    """False if another process was faster."""
    if old is None:
        return insert_missing(session, BrokerEpoch, [{"name": _EPOCH, "epoch": new}]) == 1
    statement = update(BrokerEpoch).where(BrokerEpoch.name == _EPOCH, BrokerEpoch.epoch == old)
    return _rows(session.execute(statement.values(epoch=new))) == 1


def mark_all_unpublished(session: Session) -> None:
    """Also ends all claims: what is being published now may have gone to the broker that forgot."""
    session.execute(
        update(RetainedDocument).values(
            published_version=0, published_at=None, claimed_by=None, claimed_until=None
        )
    )


def _due(now: datetime) -> Any:
    unclaimed = or_(RetainedDocument.claimed_until.is_(None), RetainedDocument.claimed_until < now)
    return and_(RetainedDocument.published_version < RetainedDocument.version, unclaimed)


def _rows(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
