"""Broadcasts, one by one: what comes, what was, and the board of how each went on every station."""

from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from controller.playback import service as playback
from controller.playback.rules import Pending
from controller.playback.schemas import OccurrenceBoard
from controller.playback.summary import summaries
from controller.timetable import service as timetable
from controller.web.page import InPage, Page

router = APIRouter()
LIST: Final = "/luot-phat"
_AHEAD: Final = timedelta(days=7)
_BACK: Final = timedelta(days=7)
_LONGEST: Final = timedelta(hours=12)
_LINES: Final = 200
_OPEN: Final = frozenset({Pending.PLANNED, Pending.SOUNDING, Pending.WAITING_REPORT})
_WATCHED: Final = timedelta(hours=1)
"""How long after its end a board with open rows still refreshes itself."""


@router.get(LIST)
def listing(page: InPage, xem: str = "") -> Response:
    past = xem == "da-phat"
    since, until = (page.now - _BACK, page.now + _AHEAD) if past else (page.now - _LONGEST, page.now + _AHEAD)
    with page.context.database.read() as session:
        found = timetable.occurrences(session, page.now, page.person, None, since=since, until=until)
        shown = [one for one in found if one.is_past(page.now) == past]
        shown = shown[::-1][:_LINES] if past else shown[:_LINES]
        went = summaries(session, page.now, page.person, shown, report_deadline_s=_deadline_s(page))
    return page.render("occurrences/list.html", occurrences=shown, past=past, went=went if past else {})


@router.get(f"{LIST}/{{occurrence_id}}")
def one(page: InPage, occurrence_id: str) -> Response:
    return _board(page, occurrence_id, "occurrences/one.html")


@router.get(f"{LIST}/{{occurrence_id}}/bang")
def table(page: InPage, occurrence_id: str) -> Response:
    """The part of the board that refreshes itself."""
    return _board(page, occurrence_id, "occurrences/board.html")


@router.post(f"{LIST}/{{occurrence_id}}/dung")
def withdraw(page: InPage, occurrence_id: str) -> Response:
    """Stop it, or leave it out."""
    with page.context.database.write() as session:
        timetable.withdraw_occurrence(session, page.now, page.person, occurrence_id)
    page.context.wake("dispatch")
    return RedirectResponse(f"{LIST}/{occurrence_id}", 303)


def _board(page: Page, occurrence_id: str, template: str) -> Response:
    settings = page.context.settings
    with page.context.database.read() as session:
        board = playback.board(
            session,
            page.now,
            page.person,
            occurrence_id,
            heartbeat_timeout_s=settings.heartbeat_timeout_s,
            report_deadline_s=settings.report_deadline_s,
        )
    return page.render(template, board=board, live=_is_live(board, page.now))


def _deadline_s(page: Page) -> float:
    return page.context.settings.report_deadline_s


def _is_live(board: OccurrenceBoard, now: datetime) -> bool:
    return any(row.state in _OPEN for row in board.rows) and now < board.occurrence.end + _WATCHED
