"""HTTP for programmes. What changes what stations play wakes the dispatch after the commit."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query

from controller.accounts.dependencies import SignedIn
from controller.programmes import service
from controller.programmes.rules import LANGUAGES
from controller.programmes.schemas import NewProgramme, ProgrammeEdit, ProgrammeView, SendBack
from controller.programmes.tables import ProgrammeState
from controller.web.dependencies import InContext, Reading, Writing

router = APIRouter(prefix="/api/programmes", tags=["programmes"])


@router.get("")
def listing(
    session: Reading,
    principal: SignedIn,
    state: Annotated[ProgrammeState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[ProgrammeView]:
    return service.listing(session, principal, state, limit)


@router.get("/offered")
def offered(session: Reading, principal: SignedIn, area: str) -> list[ProgrammeView]:
    """What a schedule of this area may play."""
    return service.offered(session, principal, area)


@router.get("/languages")
def languages() -> list[str]:
    """The codes of the languages that a programme may be in."""
    return list(LANGUAGES)


@router.post("", status_code=201)
def create(session: Writing, context: InContext, principal: SignedIn, wanted: NewProgramme) -> ProgrammeView:
    made = service.create(session, context.now(), principal, **dict(wanted))
    return service.get(session, principal, made.id)


@router.get("/{programme_id}")
def one(session: Reading, principal: SignedIn, programme_id: str) -> ProgrammeView:
    return service.get(session, principal, programme_id)


@router.patch("/{programme_id}")
def edit(
    session: Writing, context: InContext, principal: SignedIn, programme_id: str, wanted: ProgrammeEdit
) -> ProgrammeView:
    service.edit(session, context.now(), principal, programme_id, **dict(wanted))
    return service.get(session, principal, programme_id)


@router.post("/{programme_id}/submit")
def submit(session: Writing, context: InContext, principal: SignedIn, programme_id: str) -> ProgrammeView:
    service.submit(session, context.now(), principal, programme_id)
    return service.get(session, principal, programme_id)


@router.post("/{programme_id}/approve")
def approve(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    programme_id: str,
    after_commit: BackgroundTasks,
) -> ProgrammeView:
    service.approve(session, context.now(), principal, programme_id)
    after_commit.add_task(context.wake, "dispatch")
    return service.get(session, principal, programme_id)


@router.post("/{programme_id}/send-back")
def send_back(
    session: Writing, context: InContext, principal: SignedIn, programme_id: str, wanted: SendBack
) -> ProgrammeView:
    service.send_back(session, context.now(), principal, programme_id, wanted.reason)
    return service.get(session, principal, programme_id)


@router.post("/{programme_id}/archive")
def archive(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    programme_id: str,
    after_commit: BackgroundTasks,
) -> ProgrammeView:
    service.archive(session, context.now(), principal, programme_id)
    after_commit.add_task(context.wake, "dispatch")
    return service.get(session, principal, programme_id)


@router.post("/{programme_id}/unarchive")
def unarchive(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    programme_id: str,
    after_commit: BackgroundTasks,
) -> ProgrammeView:
    service.unarchive(session, context.now(), principal, programme_id)
    after_commit.add_task(context.wake, "dispatch")
    return service.get(session, principal, programme_id)
