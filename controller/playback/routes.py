"""HTTP for how occurrences went."""

from fastapi import APIRouter

from controller.accounts.dependencies import SignedIn
from controller.playback import service
from controller.playback.schemas import OccurrenceBoard
from controller.web.dependencies import InContext, Reading

router = APIRouter(prefix="/api/occurrences", tags=["playback"])


@router.get("/{occurrence_id}/board")
def board(session: Reading, context: InContext, principal: SignedIn, occurrence_id: str) -> OccurrenceBoard:
    """Which stations played it, how much of it, and which did not and why."""
    return service.board(
        session,
        context.now(),
        principal,
        occurrence_id,
        heartbeat_timeout_s=context.settings.heartbeat_timeout_s,
        report_deadline_s=context.settings.report_deadline_s,
    )
