"""Programmes: the list, one of them, and what may be done with it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.errors import NotFound
from controller.media import service as media
from controller.programmes import service as programmes
from controller.programmes.rules import Move, restored
from controller.programmes.tables import Programme, ProgrammeState
from controller.timetable import service as timetable
from controller.web.forms import Problem, Refused, problem, status_of
from controller.web.page import InPage, Page

router = APIRouter()
LIST: Final = "/chuong-trinh"

_Step = Callable[[Session, datetime, Principal, str], Programme]
_STEPS: Final[dict[Move, _Step]] = {
    Move.SUBMIT: programmes.submit,
    Move.APPROVE: programmes.approve,
    Move.ARCHIVE: programmes.archive,
    Move.UNARCHIVE: programmes.unarchive,
}
_DONE: Final = frozenset({"saved", *(move.value for move in Move)})
_CHANGES_WHAT_PLAYS: Final = {Move.APPROVE, Move.ARCHIVE, Move.UNARCHIVE}


@router.get(LIST)
def listing(page: InPage, trang_thai: Annotated[ProgrammeState | None, Query()] = None) -> Response:
    with page.context.database.read() as session:
        found = programmes.listing(session, page.person, trang_thai, archived=True)
    found.sort(key=lambda one: one.state is ProgrammeState.ARCHIVED)
    return page.render(
        "programmes/list.html", programmes=found, chosen=trang_thai, states=list(ProgrammeState)
    )


@router.get(f"{LIST}/{{programme_id}}")
def one(page: InPage, programme_id: str, xong: str = "") -> Response:
    return show(page, programme_id, done=xong if xong in _DONE else "")


@router.post(f"{LIST}/{{programme_id}}/tra-lai")
def send_back(page: InPage, programme_id: str, reason: Annotated[str, Form()] = "") -> Response:
    try:
        with page.context.database.write() as session:
            programmes.send_back(session, page.now, page.person, programme_id, reason)
    except Refused as error:
        return show(page, programme_id, problem(page, error), reason=reason, status=status_of(error))
    return after(page, programme_id, Move.SEND_BACK)


@router.post(f"{LIST}/{{programme_id}}/{{move}}")
def step(page: InPage, programme_id: str, move: Move) -> Response:
    """Send for approval, approve, put away or take back."""
    if move not in _STEPS:
        raise NotFound("web.no_such_page")
    try:
        with page.context.database.write() as session:
            _STEPS[move](session, page.now, page.person, programme_id)
    except Refused as error:
        return show(page, programme_id, problem(page, error), status=status_of(error))
    if move in _CHANGES_WHAT_PLAYS:
        page.context.wake("dispatch")
    return after(page, programme_id, move)


def after(page: Page, programme_id: str, move: Move) -> Response:
    """Whoever decides goes on with the next one that waits."""
    if move in {Move.APPROVE, Move.SEND_BACK}:
        return RedirectResponse(f"/duyet?xong={move.value}", 303)
    return RedirectResponse(f"{LIST}/{programme_id}?xong={move.value}", 303)


def show(
    page: Page,
    programme_id: str,
    trouble: Problem | None = None,
    *,
    done: str = "",
    status: int = 200,
    **typed: Any,
) -> Response:
    with page.context.database.read() as session:
        programme = programmes.get(session, page.person, programme_id)
        sound = media.get_sound(session, programme.sound_sha256)
        used_by = timetable.naming(session, page.now, page.person, programme_id)
    values: dict[str, Any] = {"reason": "", **typed}
    return page.render(
        "programmes/one.html",
        status,
        programme=programme,
        sound=sound,
        used_by=used_by,
        restored=restored(programme.decided_at, programme.reason),
        problem=trouble,
        done=done,
        **values,
    )
