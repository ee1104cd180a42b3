"""Old FM and wired clusters: fed by a station, with no evidence of their own."""

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.areas.tables import Area, AreaLevel
from controller.errors import Conflict, Invalid, NotFound
from controller.stations import queries, service
from controller.stations.schemas import FedClusterForm
from controller.stations.tables import FedCluster, Station


def add(
    session: Session, now: datetime, principal: Principal, station_id: str, wanted: FedClusterForm
) -> FedCluster:
    """Raises Invalid `stations.cluster_name_missing`, Conflict `stations.cluster_name_taken`, NotFound,
    Forbidden.
    """
    station = _managed(session, principal, station_id)
    return put(session, now, station, wanted)


def of(session: Session, station: Station) -> Sequence[FedCluster]:
    """Those that it feeds now, by name."""
    return queries.fed(session, [station.id]).get(station.id, [])


def put(session: Session, now: datetime, station: Station, wanted: FedClusterForm) -> FedCluster:
    """As `add`, without asking who does it."""
    name, area_id = wanted.name.strip(), wanted.area_id or station.area_id
    if not name:
        raise Invalid("stations.cluster_name_missing", field="name")
    if name in {one.name for one in of(session, station)}:
        raise Conflict("stations.cluster_name_taken", field="name", cluster=name)
    areas.get(session, area_id)
    cluster = FedCluster(
        id=str(uuid4()), station_id=station.id, area_id=area_id, name=name, feed=wanted.feed, added_at=now
    )
    session.add(cluster)
    session.flush()
    return cluster


def remove(session: Session, now: datetime, principal: Principal, station_id: str, cluster_id: str) -> None:
    """It is fed no more; what it followed until now stays on record. Raises NotFound, Forbidden."""
    _managed(session, principal, station_id)
    cluster = queries.fed_one(session, cluster_id)
    if cluster is None or cluster.station_id != station_id or cluster.removed_at is not None:
        raise NotFound("stations.cluster_unknown")
    cluster.removed_at = now
    session.flush()


def places(session: Session, station_id: str) -> list[Area]:
    """Where a cluster of this station may hang: its commune with all below, or its own area."""
    above = areas.chain(session, service.get(session, station_id).area_id)
    commune = next((area for area in above if area.level is AreaLevel.COMMUNE), above[-1])
    return areas.subtree(session, commune.id)


def _managed(session: Session, principal: Principal, station_id: str) -> Station:
    station = service.get(session, station_id)
    accounts.require(session, principal, Action.MANAGE_STATIONS, station.area_id)
    return station
