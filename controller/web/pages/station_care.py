"""What a technician sets for one station: its limits, and the old clusters that it feeds."""

from collections.abc import Callable, Mapping
from datetime import time
from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action
from controller.errors import Invalid
from controller.stations import fed, limits
from controller.stations import service as stations
from controller.stations.rules import LONGEST_TEST_DAYS
from controller.stations.schemas import FedClusterForm, LimitsForm
from controller.stations.tables import Feed
from controller.web.forms import Problem, Refused, problem, status_of, text
from controller.web.page import InPage, Page, Posted
from controller.web.pages.stations import LIST, one_page
from wire.messages import QuietHours

router = APIRouter()
_DISPATCH: Final = "dispatch"
_LIMITS: Final = (
    "volume_min",
    "volume_max",
    "quiet_begins",
    "quiet_ends",
    "test_begins",
    "test_ends",
    "audible_test_days",
    "silent_test_days",
)
_CLUSTER: Final = ("name", "feed", "area_id")
_LONGEST_NAME: Final = 200
_DIGITS: Final = 6


@router.get(f"{LIST}/{{station_id}}/gioi-han")
def limits_form(page: InPage, station_id: str) -> Response:
    return _limits_page(page, station_id)


@router.post(f"{LIST}/{{station_id}}/gioi-han")
def change_limits(page: InPage, station_id: str, typed: Posted) -> Response:
    values = {name: text(typed, name) for name in _LIMITS}

    def change(session: Session) -> None:
        wanted = _limits(values)
        limits.change(session, page.person, station_id, wanted, page.context.settings.self_test)

    trouble = _written(page, change)
    if trouble is not None:
        return _limits_page(page, station_id, values, *trouble)
    page.context.wake(_DISPATCH)
    return RedirectResponse(f"{LIST}/{station_id}?xong=limits", 303)


@router.post(f"{LIST}/{{station_id}}/cum-loa-cu")
def add_cluster(page: InPage, station_id: str, typed: Posted) -> Response:
    values = {name: text(typed, name) for name in _CLUSTER}

    def add(session: Session) -> None:
        fed.add(session, page.now, page.person, station_id, _cluster(values))

    trouble = _written(page, add)
    if trouble is not None:
        return one_page(page, station_id, cluster=values, problem=trouble[0], status=trouble[1])
    return RedirectResponse(f"{LIST}/{station_id}?xong=cluster_added#cum-loa-cu", 303)


@router.post(f"{LIST}/{{station_id}}/cum-loa-cu/{{cluster_id}}/bo")
def remove_cluster(page: InPage, station_id: str, cluster_id: str) -> Response:
    with page.context.database.write() as session:
        fed.remove(session, page.now, page.person, station_id, cluster_id)
    return RedirectResponse(f"{LIST}/{station_id}?xong=cluster_removed#cum-loa-cu", 303)


def _written(page: Page, work: Callable[[Session], None]) -> tuple[Problem, int] | None:
    """What was wrong with it, and the status to answer with; None once it is written."""
    try:
        with page.context.database.write() as session:
            work(session)
    except Refused as error:
        return problem(page, error), status_of(error)
    return None


def _limits_page(
    page: Page,
    station_id: str,
    typed: Mapping[str, str] | None = None,
    trouble: Problem | None = None,
    status: int = 200,
) -> Response:
    """As it is set, or as somebody has just typed it."""
    with page.context.database.read() as session:
        view = limits.of(session, page.person, station_id, page.context.settings.self_test)
        accounts.require_anywhere(page.person, Action.MANAGE_STATIONS)
        station = stations.get(session, station_id)
        values: dict[str, Any] = {"station_id": station.id, "station_name": station.name}
    return page.render(
        "stations/limits_form.html",
        status,
        typed=typed or _typed(view.own),
        limits=view,
        problem=trouble,
        **values,
    )


def _typed(own: LimitsForm) -> dict[str, str]:
    """The form's fields as they stand; empty is as everywhere."""
    quiet = own.quiet_hours
    walls = {
        "quiet_begins": quiet.begins if quiet else None,
        "quiet_ends": quiet.ends if quiet else None,
        "test_begins": own.test_begins,
        "test_ends": own.test_ends,
    }
    days = {"audible_test_days": own.audible_test_days, "silent_test_days": own.silent_test_days}
    return {
        "volume_min": str(own.volume_min),
        "volume_max": str(own.volume_max),
        **{name: f"{wall:%H:%M}" if wall else "" for name, wall in walls.items()},
        **{name: "" if count is None else str(count) for name, count in days.items()},
    }


def _limits(typed: Mapping[str, str]) -> LimitsForm:
    """Raises Invalid at the field that cannot be read."""
    return LimitsForm(
        volume_min=_volume(typed, "volume_min"),
        volume_max=_volume(typed, "volume_max"),
        quiet_hours=_quiet(typed),
        test_begins=_wall(typed, "test_begins"),
        test_ends=_wall(typed, "test_ends"),
        audible_test_days=_days(typed, "audible_test_days"),
        silent_test_days=_days(typed, "silent_test_days"),
    )


def _quiet(typed: Mapping[str, str]) -> QuietHours | None:
    begins, ends = _wall(typed, "quiet_begins"), _wall(typed, "quiet_ends")
    if begins is None and ends is None:
        return None
    if begins is None or ends is None:
        raise Invalid("stations.quiet_half_set", field="quiet_begins" if begins is None else "quiet_ends")
    return QuietHours(begins=begins, ends=ends)


def _wall(typed: Mapping[str, str], name: str) -> time | None:
    try:
        return time.fromisoformat(typed[name]) if typed[name] else None
    except ValueError as error:
        raise Invalid("stations.bad_time", field=name) from error


def _volume(typed: Mapping[str, str], name: str) -> int:
    number = _number(typed[name])
    if number is None:
        raise Invalid("stations.bad_volume_bounds", field=name)
    return number


def _days(typed: Mapping[str, str], name: str) -> int | None:
    number = _number(typed[name])
    if number is None and typed[name]:
        raise Invalid("stations.bad_test_days", field=name, most=LONGEST_TEST_DAYS)
    return number


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < _DIGITS else None


def _cluster(typed: Mapping[str, str]) -> FedClusterForm:
    """Raises Invalid."""
    if typed["feed"] not in set(Feed):
        raise Invalid("stations.cluster_feed_missing", field="feed")
    if len(typed["name"]) > _LONGEST_NAME:
        raise Invalid("stations.cluster_name_long", field="name", most=_LONGEST_NAME)
    return FedClusterForm(name=typed["name"], feed=Feed(typed["feed"]), area_id=typed["area_id"][:63])
