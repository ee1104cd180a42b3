"""Stations, for those who look after them: state, plan, sound, and what each refused."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Response

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.emergency import service as emergency
from controller.stations import fed, limits
from controller.stations import service as stations
from controller.stations.overview import overview
from controller.stations.rules import StationState
from controller.stations.tables import Feed
from controller.timetable import service as timetable
from controller.web.forms import Problem, area_choices
from controller.web.page import InPage, Page

router = APIRouter()
LIST: Final = "/dai"
PAGE_LINES: Final = 50
_DONE: Final = frozenset({"limits", "cluster_added", "cluster_removed"})


@router.get(LIST)
def listing(page: InPage, loc: str = "", trang: int = 1) -> Response:
    return page.render("stations/list.html", **_list(page, loc, trang))


@router.get(f"{LIST}/bang")
def table(page: InPage, loc: str = "", trang: int = 1) -> Response:
    """The part of the list that refreshes itself."""
    return page.render("stations/table.html", **_list(page, loc, trang))


@router.get(f"{LIST}/{{station_id}}")
def one(page: InPage, station_id: str, xong: str = "") -> Response:
    return one_page(page, station_id, done=xong if xong in _DONE else "")


@router.get(f"{LIST}/{{station_id}}/chi-tiet")
def details(page: InPage, station_id: str) -> Response:
    """The part of a station's page that refreshes itself."""
    return page.render("stations/details.html", **_one(page, station_id))


def one_page(
    page: Page,
    station_id: str,
    *,
    done: str = "",
    cluster: Mapping[str, str] | None = None,
    problem: Problem | None = None,
    status: int = 200,
) -> Response:
    """A station with what may be set for it; `cluster` is one that was typed and refused."""
    values = _one(page, station_id)
    everywhere = page.context.settings.self_test
    with page.context.database.read() as session:
        view = limits.of(session, page.person, station_id, everywhere)
        areas = area_choices(fed.places(session, station_id)) if view.may_change else []
    own_area = {"name": "", "feed": Feed.FM.value, "area_id": values["station"].area_id}
    return page.render(
        "stations/one.html",
        status,
        done=done,
        limits=view,
        areas=areas,
        cluster=cluster or own_area,
        problem=problem,
        **values,
    )


def _one(page: Page, station_id: str) -> dict[str, Any]:
    timeout_s = page.context.settings.heartbeat_timeout_s
    with page.context.database.read() as session:
        station = stations.one(session, page.now, page.person, station_id, timeout_s)
        title, where = "", ""
        if station.playing:
            heard = station.playing
            alert = emergency.of_sounding(session, heard.occurrence_id)
            own = alert.title if alert else timetable.title_at(session, heard.occurrence_id, heard.position_s)
            title = own or heard.occurrence_id
            where = f"/khan-cap/{alert.id}" if alert else f"/luot-phat/{heard.occurrence_id}"
    return {"station": station, "playing_title": title, "playing_page": where}


def _list(page: Page, chosen: str, number: int) -> dict[str, Any]:
    accounts.require_anywhere(page.person, Action.SEE_HEALTH)
    state = StationState(chosen) if chosen in set(StationState) else None
    number = max(1, number)
    with page.context.database.read() as session:
        seen = overview(
            session,
            page.now,
            page.person,
            page.context.settings.heartbeat_timeout_s,
            state=state,
            first=(number - 1) * PAGE_LINES,
            limit=PAGE_LINES,
        )
    return {
        "stations": seen.stations,
        "counts": seen.counts,
        "total": sum(seen.counts.values()),
        "chosen": state.value if state else "",
        "number": number,
        "pages": max(1, -(-seen.chosen // PAGE_LINES)),
    }
