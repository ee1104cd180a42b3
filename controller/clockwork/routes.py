"""HTTP for the clockwork."""

from fastapi import APIRouter

from controller.accounts.dependencies import SignedIn
from controller.clockwork import views
from controller.clockwork.schemas import ClockworkView
from controller.web.dependencies import InContext, Reading

router = APIRouter(prefix="/api/clockwork", tags=["clockwork"])


@router.get("")
def overview(session: Reading, context: InContext, principal: SignedIn) -> ClockworkView:
    """The jobs, and the wake-ups that were missed."""
    return views.overview(session, context.now(), principal)
