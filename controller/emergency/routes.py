"""HTTP for alerts and standing messages. What makes loudspeakers sound takes the desk's own path."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query, Request

from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn
from controller.accounts.rules import Action
from controller.emergency import acting, drafts, reach, service, standing, views
from controller.emergency.checks import confirmation
from controller.emergency.dependencies import PendingActs, carry_out
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
    LiveBoard,
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
    session: Reading,
    context: InContext,
    principal: SignedIn,
    pending: PendingActs,
    *,
    state: Annotated[list[AlertState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> list[AlertLine]:
    """The newest first; of one or several states, or all."""
    states = state or tuple(AlertState)
    now = context.now()
    return service.listing(session, context, now, principal, states, limit=limit, pending=pending)


@router.post("/alerts", status_code=201)
def create(context: InContext, principal: SignedIn, pending: PendingActs, wanted: AlertForm) -> AlertView:
    """A draft. Nothing sounds before it is pressed."""
    content = drafts.ready(context, principal, wanted)
    with context.database.write() as session:
        row = drafts.create(session, context.now(), principal, content)
        return service.get(session, context, context.now(), principal, row.id, pending=pending)


@router.get("/alerts/{alert_id}")
def one(
    session: Reading, context: InContext, principal: SignedIn, pending: PendingActs, alert_id: str
) -> AlertView:
    return service.get(session, context, context.now(), principal, alert_id, pending=pending)


@router.get("/alerts/{alert_id}/board")
def board(
    session: Reading,
    context: InContext,
    principal: SignedIn,
    pending: PendingActs,
    alert_id: str,
    *,
    sounding: str | None = None,
    commune: str | None = None,
    group: Group | None = None,
) -> LiveBoard:
    """Who received it, sounds it, has finished; of the newest sounding, or of the one named."""
    now = context.now()
    return views.live(
        session,
        context,
        now,
        principal,
        alert_id,
        sounding=sounding,
        commune=commune,
        group=group,
        pending=pending,
    )


@router.put("/alerts/{alert_id}")
def edit(
    context: InContext, principal: SignedIn, pending: PendingActs, alert_id: str, wanted: AlertForm
) -> AlertView:
    """Change the draft; of an alert in force, prepare an update."""
    content = drafts.ready(context, principal, wanted)
    with context.database.write() as session:
        now = context.now()
        drafts.edit(session, context, now, principal, alert_id, content, pending=pending)
        return service.get(session, context, now, principal, alert_id, pending=pending)


@router.post("/alerts/{alert_id}/ask")
def ask(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    pending: PendingActs,
    alert_id: str,
    *,
    wanted: AskForm = AskForm(),
) -> AlertView:
    """Ask another officer to carry it out."""
    now = context.now()
    drafts.ask(session, context, now, principal, alert_id, what=wanted.what, pending=pending)
    return service.get(session, context, now, principal, alert_id, pending=pending)


@router.post("/alerts/{alert_id}/discard")
def discard(
    session: Writing, context: InContext, principal: SignedIn, pending: PendingActs, alert_id: str
) -> AlertView:
    """Put away what is prepared; it stays on record."""
    now = context.now()
    drafts.discard(session, context, now, principal, alert_id, pending=pending)
    return service.get(session, context, now, principal, alert_id, pending=pending)


@router.post("/alerts/{alert_id}/press")
async def press(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """It sounds. A second press of the same alert is answered with what the first one did."""
    confirmed = confirmation(wanted.confirm, wanted.held_s)
    return await carry_out(
        request,
        alert_id,
        lambda at: acting.press(
            at.session,
            at.context,
            at.now,
            at.person,
            alert_id,
            confirmed=confirmed,
            digest=wanted.digest,
            pending=at.pending,
        ),
    )


@router.post("/alerts/{alert_id}/update")
async def update(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """What was prepared takes the place of what sounds."""
    confirmed = confirmation(wanted.confirm, wanted.held_s)
    return await carry_out(
        request,
        alert_id,
        lambda at: acting.update(
            at.session,
            at.context,
            at.now,
            at.person,
            alert_id,
            confirmed=confirmed,
            digest=wanted.digest,
            pending=at.pending,
            seen=wanted.seen,
        ),
    )


@router.post("/alerts/{alert_id}/repeat")
async def repeat(request: Request, alert_id: str, wanted: ConfirmForm) -> ActAnswer:
    """The same once more, on every station."""
    confirmed = confirmation(wanted.confirm, wanted.held_s)
    return await carry_out(
        request,
        alert_id,
        lambda at: acting.repeat(
            at.session,
            at.context,
            at.now,
            at.person,
            alert_id,
            confirmed=confirmed,
            digest=wanted.digest,
            pending=at.pending,
            seen=wanted.seen,
        ),
    )


@router.post("/alerts/{alert_id}/extend")
async def extend(request: Request, alert_id: str, wanted: ExtendForm) -> ActAnswer:
    """In force for longer; nobody hears it again."""
    return await carry_out(
        request,
        alert_id,
        lambda at: acting.extend(
            at.session,
            at.context,
            at.now,
            at.person,
            alert_id,
            minutes=wanted.minutes,
            pending=at.pending,
            seen=wanted.seen,
        ),
    )


@router.post("/alerts/{alert_id}/cancel")
async def cancel(request: Request, alert_id: str, wanted: CancelForm = CancelForm()) -> ActAnswer:
    """Every station falls silent; with `all_clear`, those that heard it are told that it is over.

    Once more without it: an all-clear that still stands is taken back.
    """
    return await carry_out(
        request,
        alert_id,
        lambda at: acting.cancel(
            at.session,
            at.context,
            at.now,
            at.person,
            alert_id,
            all_clear=wanted.all_clear,
            pending=at.pending,
            seen=wanted.seen,
        ),
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
