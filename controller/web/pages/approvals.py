"""What waits for a decision: listen, then approve or send back."""

from fastapi import APIRouter, Response

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.programmes import service as programmes
from controller.programmes.rules import Move
from controller.programmes.tables import ProgrammeState
from controller.web.page import InPage

router = APIRouter()
_DONE = {Move.APPROVE.value, Move.SEND_BACK.value}


@router.get("/duyet")
def waiting(page: InPage, xong: str = "") -> Response:
    accounts.require_anywhere(page.person, Action.APPROVE)
    with page.context.database.read() as session:
        submitted = programmes.listing(session, page.person, ProgrammeState.SUBMITTED)
    mine_to_decide = [programme for programme in submitted if Move.SEND_BACK in programme.may]
    return page.render("approvals/list.html", programmes=mine_to_decide, done=xong if xong in _DONE else "")
