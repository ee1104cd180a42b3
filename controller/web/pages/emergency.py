"""Emergency alerts: what is in force, waits or is over; one before the press, and its board afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.cap import views as cap
from controller.dispatch.tree import AreaTree
from controller.emergency import drafts, service, views
from controller.emergency.board_schemas import CommuneLine, Counts, LiveBoard, StationLine
from controller.emergency.rules import Move
from controller.emergency.schemas import (
    AlertLine,
    AlertView,
    ContentView,
)
from controller.emergency.tables import ActKind, AlertState, RevisionState
from controller.errors import Conflict, Invalid
from controller.web.alert_areas import sets_of, whole
from controller.web.alerts import LIST, alert_of, somebody, whom_of
from controller.web.forms import Problem, text
from controller.web.page import InPage, Page, Posted

router = APIRouter()
_BEFORE: Final = frozenset({AlertState.DRAFT, AlertState.PROPOSED, AlertState.WAITING})
_OVER: Final = frozenset({AlertState.CANCELLED, AlertState.EXPIRED})
_LINES: Final = 30
_FEW_STATIONS: Final = 12
"""All of them are shown at once."""
_NONE_OPEN: Final = "-"
_ALL_OPEN: Final = "tat-ca"
_MANY_LINES: Final = 200
_HOT: Final = timedelta(minutes=5)
"""How long after it was ordered a sounding is looked at every second."""
_DONE: Final = frozenset({"asked", "discarded", "extended", "cancelled"})
PATHS: Final = {ActKind.PRESS: "phat", ActKind.UPDATE: "cap-nhat", ActKind.REPEAT: "phat-lai"}
_MOVES: Final = {
    ActKind.PRESS: Move.PRESS,
    ActKind.UPDATE: Move.UPDATE,
    ActKind.REPEAT: Move.REPEAT,
}


@dataclass(frozen=True, slots=True)
class InForce:
    alert: AlertLine
    counts: Counts


@router.get(LIST)
def front(page: InPage, xong: str = "", cu: int = 0) -> Response:
    done = xong if xong in _DONE else ""
    return page.render("emergency/front.html", view="alerts", done=done, **_front(page, cu))


@router.get(f"{LIST}/dang-phat")
def live(page: InPage, cu: int = 0) -> Response:
    """The part of the front page that refreshes itself."""
    return page.render("emergency/front_live.html", **_front(page, cu))


@router.get(f"{LIST}/bang-do")
def bands(page: InPage) -> Response:
    """The bands at the top of every page."""
    return page.render("emergency/band.html")


@router.get(f"{LIST}/{{alert_id}}")
def one(
    page: InPage, alert_id: str, xong: str = "", luot: str = "", xa: list[str] | None = Query(None)
) -> Response:
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
        if not alert.revision:
            return confirmation_page(page, session, alert, ActKind.PRESS)
        return board_page(page, session, alert, done=xong if xong in _DONE else "", luot=luot, xa=xa)


@router.get(f"{LIST}/{{alert_id}}/bang")
def table(
    page: InPage, alert_id: str, luot: str = "", xa: list[str] | None = Query(None), thay: str = ""
) -> Response:
    """The part that refreshes itself; the whole page, once the alert is no more what it showed."""
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
        answer = page.render("emergency/board.html", **_board(page, session, alert, luot, xa))
    if thay and thay != _seen(alert):
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.get(f"{LIST}/{{alert_id}}/xac-nhan")
def confirm(page: InPage, alert_id: str) -> Response:
    """What is prepared: a draft, an update or a repeat."""
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
        if alert.open is None:
            return RedirectResponse(f"{LIST}/{alert_id}", 303)
        return confirmation_page(page, session, alert, alert.open.act)


@router.get(f"{LIST}/{{alert_id}}/phat-lai")
def confirm_repeat(page: InPage, alert_id: str) -> Response:
    with page.context.database.read() as session:
        return confirmation_page(page, session, alert_of(page, session, alert_id), ActKind.REPEAT)


@router.post(f"{LIST}/{{alert_id}}/gui")
def ask(page: InPage, alert_id: str, typed: Posted) -> Response:
    what = _act(text(typed, "what"))
    try:
        with page.context.database.write() as session:
            drafts.ask(somebody(page, session), alert_id, what=what)
    except (Conflict, Invalid) as error:
        return refused(page, alert_id, what, error)
    return RedirectResponse(f"{LIST}/{alert_id}?xong=asked", 303)


@router.post(f"{LIST}/{{alert_id}}/bo")
def discard(page: InPage, alert_id: str) -> Response:
    with page.context.database.write() as session:
        drafts.discard(somebody(page, session), alert_id)
    return RedirectResponse(f"{LIST}?xong=discarded", 303)


def refused(page: Page, alert_id: str, what: ActKind, error: Conflict | Invalid) -> Response:
    """The page again, with what was wrong."""
    trouble = Problem(page.say(error.key, **error.params), error.field)
    with page.context.database.read() as session:
        alert = alert_of(page, session, alert_id)
        return confirmation_page(page, session, alert, what, trouble=trouble, status=error.status)


def confirmation_page(
    page: Page,
    session: Session,
    alert: AlertView,
    what: ActKind,
    *,
    trouble: Problem | None = None,
    status: int = 200,
    typed: str = "",
) -> Response:
    """Everything about to happen in one look, and the second act."""
    prepared = alert.open if alert.open and alert.open.act is what else None
    content = prepared.content if prepared and what is not ActKind.REPEAT else alert.content
    asked = prepared if prepared and prepared.state is RevisionState.WAITING else None
    whom = whom_of(page, session, tuple(area.id for area in content.areas), content.severity.value)
    said = {voice.language for voice in content.voices}
    return page.render(
        "emergency/confirm.html",
        status,
        alert=alert,
        content=content,
        what=what.value,
        state=_state(alert, what, asked is not None),
        asked=asked,
        act_path=PATHS[what],
        may_act=_MOVES[what] in alert.may,
        may_ask=Move.ASK in alert.may and asked is None,
        may_edit=Move.EDIT in alert.may and what is not ActKind.REPEAT,
        may_discard=Move.DISCARD in alert.may and prepared is not None,
        sets=_sets(session, alert.id, content),
        unspoken=[language for language in whom["area_languages"] if language not in said],
        shortens=what is ActKind.UPDATE and _shortens(alert, content, page.now),
        problem=trouble,
        typed=typed,
        **whom,
    )


def _shortens(alert: AlertView, content: ContentView, now: datetime) -> bool:
    """It would end before the alert does that is in force."""
    end = content.expires_at or now + timedelta(seconds=content.validity_s)
    return alert.in_force and alert.expires_at is not None and end < alert.expires_at


def _state(alert: AlertView, what: ActKind, asked: bool) -> str:
    if what is ActKind.PRESS:
        return alert.state.value
    return (AlertState.WAITING if asked else AlertState.DRAFT).value


def _sets(session: Session, alert_id: str, content: ContentView) -> Sequence[Any]:
    """Nothing to hear while a voice has no sound."""
    if not content.areas or any(voice.sound_url is None for voice in content.voices):
        return ()
    return sets_of(session, AreaTree.read(session), alert_id, content)


def board_page(
    page: Page,
    session: Session,
    alert: AlertView,
    *,
    done: str = "",
    luot: str = "",
    xa: list[str] | None = None,
    trouble: Problem | None = None,
    status: int = 200,
) -> Response:
    acts = {Move.EXTEND, Move.CANCEL, Move.EDIT, Move.REPEAT} & set(alert.may)
    return page.render(
        "emergency/one.html",
        status,
        alert=alert,
        acts=acts and alert.in_force,
        may_take_back=Move.CANCEL in acts and not alert.in_force,
        may_repeat=Move.REPEAT in alert.may or (Move.ASK in alert.may and alert.open is None),
        sets=whole(alert.id, alert.content) if alert.open is None else (),
        done=done,
        problem=trouble,
        **_board(page, session, alert, luot, xa),
    )


def _seen(alert: AlertView) -> str:
    """Changes with what may be done with the alert, and with its history."""
    prepared = f"{alert.open.revision}{alert.open.state.value}" if alert.open else ""
    return "-".join((str(alert.revision), alert.state.value, prepared, "now" if alert.in_force else "over"))


def _board(page: Page, session: Session, alert: AlertView, luot: str, xa: list[str] | None) -> dict[str, Any]:
    board = views.live(somebody(page, session), alert.id, sounding=luot or None)
    opened = _opened(board, xa)
    stations = _by_commune(board, opened)
    toggles = {one.area_id: _toggled(opened, one.area_id, luot) for one in board.communes}

    def piece(asked: str) -> str:
        return _address(alert.id, "/bang", f"{asked}&{urlencode({'thay': _seen(alert)})}")

    return {
        "board": board,
        "places": sorted(board.communes, key=_troubles_first),
        "opened": opened,
        "every": _every(page, board, alert, sum(len(rows) for rows in stations.values())),
        "all_open": _address(alert.id, "", _asked([_ALL_OPEN], luot)),
        "none_open": _address(alert.id, "", _asked([], luot)),
        "stations": stations,
        "address": piece(_asked(opened, luot)),
        "toggles": {id_: _address(alert.id, "", asked) for id_, asked in toggles.items()},
        "piece_toggles": {id_: piece(asked) for id_, asked in toggles.items()},
    }


def _every(page: Page, board: LiveBoard, alert: AlertView, lines: int) -> str:
    """How often the board is looked at: a long one costs a phone's prepaid data. Empty where all is over."""
    if not board.live:
        return "15s" if alert.in_force else ""
    if lines > _MANY_LINES:
        return "15s"
    return "1s" if board.shown and page.now - board.shown.at < _HOT else "3s"


def _troubles_first(place: CommuneLine) -> tuple[int, int, str]:
    return (-place.counts.failed, -place.counts.unreachable, place.area_name)


def _opened(board: LiveBoard, xa: list[str] | None) -> list[str]:
    known = [one.area_id for one in board.communes]
    if xa is None:
        return known if board.counts.total <= _FEW_STATIONS else []
    return [area_id for area_id in known if area_id in xa or _ALL_OPEN in xa]


def _toggled(opened: list[str], area_id: str, luot: str) -> str:
    rest = [one for one in opened if one != area_id]
    return _asked(rest if area_id in opened else [*opened, area_id], luot)


def _asked(opened: list[str], luot: str) -> str:
    pairs = [("xa", one) for one in opened or [_NONE_OPEN]]
    return urlencode([*pairs, ("luot", luot)] if luot else pairs)


def _address(alert_id: str, piece: str, asked: str) -> str:
    return f"{LIST}/{alert_id}{piece}?{asked}"


def _by_commune(board: LiveBoard, opened: list[str]) -> dict[str, list[StationLine]]:
    found: dict[str, list[StationLine]] = {area_id: [] for area_id in opened}
    for row in board.stations:
        if row.commune_id in found:
            found[row.commune_id].append(row)
    return found


def _act(value: str) -> ActKind:
    try:
        return ActKind(value)
    except ValueError as error:
        raise Invalid("web.bad_request", field="what") from error


def _front(page: Page, older: int) -> dict[str, Any]:
    accounts.require_anywhere(page.person, Action.VIEW)
    with page.context.database.read() as session:
        by = somebody(page, session)
        lines = service.listing(by)
        in_force = [InForce(line, views.live(by, line.id).counts) for line in lines if line.in_force]
        proposed = [line for line in lines if line.state is AlertState.PROPOSED]
        senders = cap.senders(session, [line.id for line in proposed])
    over = [line for line in lines if line.state in _OVER]
    first = max(0, older)
    return {
        "in_force": in_force,
        "waiting": [line for line in lines if line.asked_by_name],
        "proposed": proposed,
        "senders": senders,
        "drafts": [line for line in lines if line.state is AlertState.DRAFT],
        "past": over[first : first + _LINES],
        "older": first + _LINES if len(over) > first + _LINES else 0,
    }
