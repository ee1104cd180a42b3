"""HTTP for stations."""

from fastapi import APIRouter, BackgroundTasks

from controller.accounts.dependencies import SignedIn
from controller.stations import fed, limits, service
from controller.stations.schemas import (
    FedClusterForm,
    FedClusterView,
    LimitsForm,
    LimitsView,
    StationView,
)
from controller.web.dependencies import InContext, Reading, Writing

router = APIRouter(prefix="/api/stations", tags=["stations"])

_DISPATCH = "dispatch"


@router.get("")
def listing(session: Reading, context: InContext, principal: SignedIn) -> list[StationView]:
    """Every station of the realm, with its state and the evidence for it."""
    return service.listing(session, context.now(), principal, context.settings.heartbeat_timeout_s)


@router.get("/{station_id}")
def one(session: Reading, context: InContext, principal: SignedIn, station_id: str) -> StationView:
    return service.one(session, context.now(), principal, station_id, context.settings.heartbeat_timeout_s)


@router.get("/{station_id}/limits")
def limits_of(session: Reading, context: InContext, principal: SignedIn, station_id: str) -> LimitsView:
    """Volume bounds, quiet hours and times of self-tests, which the station itself enforces."""
    return limits.of(session, principal, station_id, context.settings.self_test)


@router.put("/{station_id}/limits")
def change_limits(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    station_id: str,
    *,
    wanted: LimitsForm,
    after_commit: BackgroundTasks,
) -> LimitsView:
    limits.change(session, principal, station_id, wanted, context.settings.self_test)
    after_commit.add_task(context.wake, _DISPATCH)
    return limits.of(session, principal, station_id, context.settings.self_test)


@router.get("/{station_id}/clusters")
def clusters(
    session: Reading, context: InContext, principal: SignedIn, station_id: str
) -> tuple[FedClusterView, ...]:
    """Old FM and wired clusters that repeat its sound, with no evidence of their own."""
    return one(session, context, principal, station_id).fed


@router.post("/{station_id}/clusters", status_code=201)
def add_cluster(
    session: Writing, context: InContext, principal: SignedIn, station_id: str, wanted: FedClusterForm
) -> tuple[FedClusterView, ...]:
    """Answers with all of them."""
    fed.add(session, context.now(), principal, station_id, wanted)
    return one(session, context, principal, station_id).fed


@router.delete("/{station_id}/clusters/{cluster_id}")
def remove_cluster(
    session: Writing, context: InContext, principal: SignedIn, station_id: str, cluster_id: str
) -> tuple[FedClusterView, ...]:
    """Answers with those that are left."""
    fed.remove(session, context.now(), principal, station_id, cluster_id)
    return one(session, context, principal, station_id).fed
