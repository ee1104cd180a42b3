"""HTTP for stations."""

from fastapi import APIRouter

from controller.accounts.dependencies import SignedIn
from controller.stations import service
from controller.stations.schemas import StationView
from controller.web.dependencies import InContext, Reading

router = APIRouter(prefix="/api/stations", tags=["stations"])


@router.get("")
def listing(session: Reading, context: InContext, principal: SignedIn) -> list[StationView]:
    """Every station of the realm, with its state and the evidence for it."""
    return service.listing(session, context.now(), principal, context.settings.heartbeat_timeout_s)


@router.get("/{station_id}")
def one(session: Reading, context: InContext, principal: SignedIn, station_id: str) -> StationView:
    return service.one(session, context.now(), principal, station_id, context.settings.heartbeat_timeout_s)
