"""HTTP for alerts and standing messages. What makes loudspeakers sound takes the desk's own path."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request

from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn
from controller.accounts.rules import Action
from controller.emergency import acting, drafts, reach, service, standing, views
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Somebody
from controller.emergency.board_schemas import LiveBoard
from controller.emergency.checks import confirmation
from controller.emergency.dependencies import Changing, Looking, PendingActs, carry_out
from controller.emergency.rules import Group
from controller.emergency.schemas import (
    ActAnswer,
    AlertForm,
    AlertLine,
    AlertView,
    AskForm,
    CancelForm,
    ConfirmForm,
    ExtendForm,
    Reach,
    StandingForm,
    StandingView,
)
from controller.emergency.tables import AlertState
from controller.web.dependencies import InContext, Reading, Writing

router = APIRouter(prefix="/api", tags=["emergency"])

_DISPATCH = "dispatch"


@router.get("/alerts")
def listing(
    by: Looking,
    *,
    state: Annotated[list[AlertState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[AlertLine]:
    """The newest first; of one or several states, or all."""
    return service.listing(by, state or tuple(AlertState), limit=limit)


@router.post("/alerts", status_code=201)
def create(context: InContext, principal: SignedIn, pending: PendingActs, wanted: AlertForm) -> AlertView:
    """A draft. Nothing sounds before it is pressed."""
    content = drafts.ready(context, principal, wanted)
    with context.database.write() as session:
        by = Somebody(session, context, context.now(), principal, pending)
        row = drafts.create(session, by.now, principal, content)
        return service.get(by, row.id)


@router.get("/alerts/{alert_id}")
def one(by: Looking, alert_id: str) -> AlertView:
    return service.get(by, alert_id)


@router.get("/alerts/{alert_id}/board")
def board(
    by: Looking,
    alert_id: str,
    *,
    sounding: str | None = None,
    commune: str | None = None,
    group: Group | None = None,
) -> LiveBoard:
    """Who received it, sounds it, has finished; of the newest sounding, or of the one named."""
    return views.live(by, alert_id, sounding=sounding, commune=commune, group=group)


@router.put("/alerts/{alert_id}")
def edit(
    context: InContext, principal: SignedIn, pending: PendingActs, alert_id: str, wanted: AlertForm
) -> AlertView:
    """Change the draft; of an alert in force, prepare an update."""
    content = drafts.ready(context, principal, wanted)
    with context.database.write() as session:
        by = Somebody(session, context, context.now(), principal, pending)
        drafts.edit(by, alert_id, content)
        return service.get(by, alert_id)


@router.post("/alerts/{alert_id}/ask")
def ask(by: Changing, alert_id: str, *, wanted: AskForm = AskForm()) -> AlertView:
    """Ask another officer to carry it out."""
    drafts.ask(by, alert_id, what=wanted.what)
    return service.get(by, alert_id)


@router.post("/alerts/{alert_id}/discard")
def discard(by: Changing, alert_id: str) -> AlertView:
    """Put away what is prepared; it stays on record."""
    drafts.discard(by, alert_id)
    return service.get(by, alert_id)


@router.post("/alerts/{alert_id}/press")
async def press(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """It sounds. A second press of the same alert is answered with what the first one did."""
    said = _confirmation(wanted)
    return await carry_out(request, alert_id, lambda by: acting.press(by, alert_id, said))


@router.post("/alerts/{alert_id}/update")
async def update(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """What was prepared takes the place of what sounds."""
    said = _confirmation(wanted)
    return await carry_out(request, alert_id, lambda by: acting.update(by, alert_id, said))


@router.post("/alerts/{alert_id}/repeat")
async def repeat(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """The same once more, on every station."""
    said = _confirmation(wanted)
    return await carry_out(request, alert_id, lambda by: acting.repeat(by, alert_id, said))


def _confirmation(wanted: ConfirmForm) -> Confirmation:
    return Confirmation(confirmation(wanted.confirm, wanted.held_s), wanted.digest, wanted.seen)


@router.post("/alerts/{alert_id}/extend")
async def extend(request: Request, alert_id: str, wanted: ExtendForm) -> ActAnswer:
    """In force for longer; nobody hears it again."""
    return await carry_out(
        request,
        alert_id,
        lambda by: acting.extend(by, alert_id, minutes=wanted.minutes, seen=wanted.seen),
    )


@router.post("/alerts/{alert_id}/cancel")
async def cancel(request: Request, alert_id: str, wanted: CancelForm = CancelForm()) -> ActAnswer:
    """Every station falls silent; with `all_clear`, those that heard it are told that it is over.

    Once more without it: an all-clear that still stands is taken back.
    """
    return await carry_out(
        request,
        alert_id,
        lambda by: acting.cancel(by, alert_id, all_clear=wanted.all_clear, seen=wanted.seen),
    )


@router.get("/emergency/reach")
def reaches(
    session: Reading, context: InContext, principal: SignedIn, area: Annotated[list[str], Query()]
) -> Reach:
    """Villages, stations and those that can be reached now, under one or several areas."""
    for area_id in area:
        accounts.require(session, principal, Action.SEND_ALERT, area_id)
    return reach.of(session, context.now(), area, context.settings.heartbeat_timeout_s)


@router.get("/standing-messages")
def standing_messages(session: Reading, principal: SignedIn) -> list[StandingView]:
    """With the stations that lack them."""
    return standing.listing(session, principal)


@router.post("/standing-messages", status_code=201)
def make_standing(
    session: Writing, context: InContext, principal: SignedIn, wanted: StandingForm
) -> StandingView:
    """It waits for somebody else's approval."""
    made = standing.make(session, context.now(), principal, wanted)
    return standing.one(session, principal, made.id)


@router.post("/standing-messages/{message_id}/approve")
def approve_standing(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    message_id: str,
    after_commit: BackgroundTasks,
) -> StandingView:
    standing.approve(session, context.now(), principal, message_id)
    after_commit.add_task(context.wake, _DISPATCH)
    return standing.one(session, principal, message_id)


@router.post("/standing-messages/{message_id}/retire")
def retire_standing(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    message_id: str,
    after_commit: BackgroundTasks,
) -> StandingView:
    standing.retire(session, context.now(), principal, message_id)
    after_commit.add_task(context.wake, _DISPATCH)
    return standing.one(session, principal, message_id)
