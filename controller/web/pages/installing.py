"""New stations and the codes of their boards, for technicians."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.enrolment import service as enrolment
from controller.enrolment.schemas import CodeMade, NewStation
from controller.errors import Invalid
from controller.stations import service as stations
from controller.web.forms import Problem, Refused, area_choices, problem, status_of, text
from controller.web.page import InPage, Page, Posted
from controller.web.pages.stations import LIST
from wire.ids import StationKind

router = APIRouter()
NEW = f"{LIST}/lap-moi"


@router.get(NEW)
def form(page: InPage) -> Response:
    return _form(page, {"kind": StationKind.VILLAGE_CLUSTER.value})


@router.post(NEW)
def add(page: InPage, typed: Posted) -> Response:
    values = {name: text(typed, name) for name in ("name", "area_id", "kind", "id")}
    try:
        wanted = _wanted(typed)
        with page.context.database.write() as session:
            made = enrolment.add_station(session, page.now, page.person, wanted)
    except Refused as error:
        return _form(page, values, problem(page, error), status_of(error))
    page.context.wake("dispatch")
    return RedirectResponse(f"{LIST}/{made.id}/bo-mach", 303)


@router.get(f"{LIST}/{{station_id}}/bo-mach")
def board(page: InPage, station_id: str) -> Response:
    return _board(page, station_id)


@router.post(f"{LIST}/{{station_id}}/bo-mach")
def make_code(page: InPage, station_id: str) -> Response:
    """Shown in the answer and nowhere else."""
    with page.context.database.write() as session:
        made = enrolment.make_code(session, page.now, page.person, station_id)
    return _board(page, station_id, made)


def _wanted(typed: FormData) -> NewStation:
    """Raises Invalid."""
    kind, area_id, name, id_ = (text(typed, field) for field in ("kind", "area_id", "name", "id"))
    if not area_id:
        raise Invalid("page_installing.area_missing", field="area_id")
    if kind not in set(StationKind):
        raise Invalid("page_installing.kind_missing", field="kind")
    return NewStation(name=name[:200], area_id=area_id[:63], kind=StationKind(kind), id=id_[:63])


def _form(page: Page, values: dict[str, str], trouble: Problem | None = None, status: int = 200) -> Response:
    accounts.require_anywhere(page.person, Action.MANAGE_STATIONS)
    with page.context.database.read() as session:
        areas = area_choices(accounts.realm_areas(session, page.person, Action.MANAGE_STATIONS))
    blank: dict[str, Any] = dict.fromkeys(("name", "area_id", "kind", "id"), "")
    return page.render(
        "stations/add.html",
        status,
        areas=areas,
        kinds=list(StationKind),
        values=blank | values,
        problem=trouble,
    )


def _board(page: Page, station_id: str, made: CodeMade | None = None) -> Response:
    with page.context.database.read() as session:
        known = enrolment.board(session, page.now, page.person, station_id, page.context.signing_key)
        station = stations.get(session, station_id)
    return page.render(
        "stations/board.html",
        station=station,
        board=known,
        made=made,
        command=_command(page, made.code) if made else "",
    )


def _command(page: Page, code: str) -> str:
    """What is to be typed on the board."""
    address = page.context.settings.public_url or str(page.request.base_url).rstrip("/")
    plain = " --plain-http" if address.startswith("http:") else ""
    return f"sudo loaban-agent enrol --controller {address} --code {code}{plain}"
