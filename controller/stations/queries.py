"""The only SQL about stations."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, delete, or_, select
from sqlalchemy.orm import Session, aliased

from controller.db.upsert import upsert
from controller.programmes.tables import Programme
from controller.stations.rules import Picture
from controller.stations.tables import FedCluster, Station, StationPicture, StationStateChange

_CHUNK = 500

Pictured = tuple[Station, StationPicture | None]


def by_id(session: Session, station_id: str) -> Station | None:
    return session.get(Station, station_id)


def known(session: Session, station_ids: Collection[str]) -> set[str]:
    """Which of these ids are stations of ours."""
    ids, found = sorted(station_ids), set[str]()
    for start in range(0, len(ids), _CHUNK):
        found.update(session.scalars(select(Station.id).where(Station.id.in_(ids[start : start + _CHUNK]))))
    return found


def pictured(session: Session) -> list[Pictured]:
    """Every station with its picture, by name."""
    return _pictured(session, select(Station, StationPicture))


def pictured_in(session: Session, area_ids: Collection[str]) -> list[Pictured]:
    """The stations of these areas themselves, not of those below them."""
    wanted = set(area_ids)
    if len(wanted) > _CHUNK:
        return [(station, picture) for station, picture in pictured(session) if station.area_id in wanted]
    return _pictured(session, select(Station, StationPicture).where(Station.area_id.in_(wanted)))


def pictured_one(session: Session, station_id: str) -> Pictured | None:
    rows = _pictured(session, select(Station, StationPicture).where(Station.id == station_id))
    return rows[0] if rows else None


def pictured_these(session: Session, station_ids: Collection[str]) -> dict[str, Pictured]:
    """A page of a list; at most a few hundred ids."""
    rows = _pictured(session, select(Station, StationPicture).where(Station.id.in_(station_ids)))
    return {station.id: (station, picture) for station, picture in rows}


def _pictured(session: Session, statement: Any) -> list[Pictured]:
    joined = statement.outerjoin(StationPicture, StationPicture.station_id == Station.id)
    rows = session.execute(
        joined.order_by(Station.name, Station.id), execution_options={"populate_existing": True}
    )
    return [(station, picture) for station, picture in rows]


def evidence(session: Session) -> dict[str, Picture]:
    """What every station is judged by, without the rest of its heartbeat."""
    rows = session.execute(
        select(
            Station.id,
            Station.installed,
            StationPicture.online,
            StationPicture.presence_at,
            StationPicture.heartbeat_at,
        ).outerjoin(StationPicture, StationPicture.station_id == Station.id)
    )
    return {
        id_: Picture(installed, bool(online), presence_at, heartbeat_at)
        for id_, installed, online, presence_at, heartbeat_at in rows
    }


def places(session: Session) -> dict[str, str]:
    """The area of every station, by the station's id, in the order of names."""
    rows = session.execute(select(Station.id, Station.area_id).order_by(Station.name, Station.id))
    return {station_id: area_id for station_id, area_id in rows}  # noqa: C416


def latest_states(session: Session) -> dict[str, str]:
    """The newest state on record of each station that has one."""
    rows = session.execute(
        select(StationStateChange.station_id, StationStateChange.state).join(
            Station, StationStateChange.id == _newest_change()
        )
    )
    return {station_id: state for station_id, state in rows}  # noqa: C416


def latest_changes(session: Session, station_id: str | None = None) -> dict[str, StationStateChange]:
    """The newest state change of each station (or of one)."""
    statement = select(StationStateChange).join(Station, StationStateChange.id == _newest_change())
    if station_id is not None:
        statement = statement.where(Station.id == station_id)
    return {change.station_id: change for change in session.scalars(statement)}


def _newest_change() -> ScalarSelect[int]:
    other = aliased(StationStateChange)
    return (
        select(other.id)
        .where(other.station_id == Station.id)
        .order_by(other.at.desc(), other.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def add_changes(session: Session, changes: Sequence[StationStateChange]) -> None:
    session.add_all(changes)


def forget_changes(session: Session, before: datetime) -> None:
    session.execute(delete(StationStateChange).where(StationStateChange.at < before))


def save_presences(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    upsert(session, StationPicture, rows)


def save_heartbeats(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    upsert(session, StationPicture, rows)


def programme_titles(session: Session, digests: Collection[str]) -> dict[str, str]:
    """A programme's title for each of these sounds that has one."""
    titles: dict[str, str] = {}
    wanted = sorted(digests)
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        rows = session.execute(
            select(Programme.sound_sha256, Programme.title)
            .where(Programme.sound_sha256.in_(chunk))
            .order_by(Programme.created_at.desc())
        )
        for digest, title in rows:
            titles.setdefault(digest, title)
    return titles


def fed(
    session: Session, station_ids: Collection[str] | None = None, at: datetime | None = None
) -> dict[str, list[FedCluster]]:
    """The old clusters that each of these stations feeds (or fed at that moment), by name."""
    statement = select(FedCluster).order_by(FedCluster.name, FedCluster.id)
    if at is None:
        statement = statement.where(FedCluster.removed_at.is_(None))
    else:
        still = or_(FedCluster.removed_at.is_(None), FedCluster.removed_at > at)
        statement = statement.where(FedCluster.added_at <= at, still)
    if station_ids is not None and len(station_ids) <= _CHUNK:
        statement = statement.where(FedCluster.station_id.in_(station_ids))
    found: dict[str, list[FedCluster]] = {}
    for cluster in session.scalars(statement):
        found.setdefault(cluster.station_id, []).append(cluster)
    return found


def fed_one(session: Session, cluster_id: str) -> FedCluster | None:
    return session.get(FedCluster, cluster_id)
