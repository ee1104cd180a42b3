"""Stations, for those who look after them: state, plan, sound, and what each refused."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, Response

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.stations import service as stations
from controller.stations.rules import StationState
from controller.stations.schemas import StationView
from controller.web.page import InPage, Page

router = APIRouter()
LIST: Final = "/dai"
PAGE_LINES: Final = 100
_TROUBLE_FIRST: Final = {
    StationState.UNREACHABLE: 0,
    StationState.NEVER_SEEN: 1,
    StationState.OK: 2,
    StationState.NOT_INSTALLED: 3,
}


@router.get(LIST)
def listing(page: InPage, loc: str = "", trang: int = 1) -> Response:
    return page.render("stations/list.html", **_list(page, loc, trang))


@router.get(f"{LIST}/bang")
def table(page: InPage, loc: str = "", trang: int = 1) -> Response:
    """The part of the list that refreshes itself."""
    return page.render("stations/table.html", **_list(page, loc, trang))


@router.get(f"{LIST}/{{station_id}}")
def one(page: InPage, station_id: str) -> Response:
    return page.render("stations/one.html", station=_one(page, station_id))


@router.get(f"{LIST}/{{station_id}}/chi-tiet")
def details(page: InPage, station_id: str) -> Response:
    """The part of a station's page that refreshes itself."""
    return page.render("stations/details.html", station=_one(page, station_id))


def _one(page: Page, station_id: str) -> StationView:
    with page.context.database.read() as session:
        return stations.one(
            session, page.now, page.person, station_id, page.context.settings.heartbeat_timeout_s
        )


def _list(page: Page, chosen: str, number: int) -> dict[str, Any]:
    accounts.require_anywhere(page.person, Action.SEE_HEALTH)
    with page.context.database.read() as session:
        found = stations.listing(session, page.now, page.person, page.context.settings.heartbeat_timeout_s)
    wanted = [station for station in found if chosen in {"", station.state.value}]
    ordered = sorted(wanted, key=lambda station: (_rank(station), station.name))
    pages = max(1, -(-len(ordered) // PAGE_LINES))
    number = min(max(1, number), pages)
    return {
        "stations": ordered[(number - 1) * PAGE_LINES : number * PAGE_LINES],
        "counts": _counts(found),
        "playing": sum(station.activity == "playing" and _rank(station) == 2 for station in found),
        "total": len(found),
        "chosen": chosen,
        "number": number,
        "pages": pages,
    }


def _rank(station: StationView) -> int:
    return _TROUBLE_FIRST[station.state]


def _counts(found: Sequence[StationView]) -> dict[str, int]:
    """Of every state that occurs, troubles first."""
    counted = Counter(station.state for station in found)
    return {state.value: counted[state] for state in _TROUBLE_FIRST if counted[state]}
