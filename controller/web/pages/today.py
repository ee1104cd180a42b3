"""The first page: what sounds now, what comes next, and what waits for this person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from controller.clockwork import views as clockwork
from controller.emergency import service as alerts
from controller.emergency import standing
from controller.emergency.tables import AlertState
from controller.playback import service as playback
from controller.programmes import service as programmes
from controller.programmes.rules import Move
from controller.programmes.tables import ProgrammeState
from controller.stations.overview import counts
from controller.stations.rules import StationState
from controller.timetable import service as timetable
from controller.timetable.schemas import OccurrenceView
from controller.web.alerts import LIST, MATRIX, somebody
from controller.web.page import InPage, Page

router = APIRouter()
_LONGEST: Final = timedelta(hours=12)
_AHEAD: Final = timedelta(hours=36)
_NEXT_LINES: Final = 8
_RECENT: Final = timedelta(days=1)
_APPROVED: Final = f"/chuong-trinh?trang_thai={ProgrammeState.APPROVED.value}"


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits: `name` is the last part of its sentence's key."""

    name: str
    count: int
    href: str
    tone: str


@dataclass(frozen=True, slots=True)
class Sounding:
    """`playing` of `stations` say that they play it."""

    occurrence: OccurrenceView
    playing: int
    stations: int


@router.get("/")
def today(page: InPage) -> Response:
    return page.render("today/page.html", **_look(page))


@router.get("/hom-nay")
def live(page: InPage) -> Response:
    """The part that refreshes itself."""
    return page.render("today/live.html", **_look(page))


def _look(page: Page) -> dict[str, Any]:
    since, until = page.now - _LONGEST, page.now + _AHEAD
    with page.context.database.read() as session:
        found = timetable.occurrences(session, page.now, page.person, None, since=since, until=until)
        live = [one for one in found if not one.is_past(page.now)]
        return {
            "sounding": [_sounding(page, session, one) for one in live if one.start <= page.now],
            "coming": [one for one in live if one.start > page.now][:_NEXT_LINES],
            "tasks": _tasks(page, session),
            "missed": _missed(page, session),
        }


def _sounding(page: Page, session: Session, occurrence: OccurrenceView) -> Sounding:
    board = playback.board(session, page.now, page.person, occurrence.id)
    return Sounding(occurrence, sum(row.heard_playing for row in board.rows), len(board.rows))


def _tasks(page: Page, session: Session) -> Sequence[Task]:
    tasks = [
        *_alert_tasks(page, session),
        *_standing_tasks(page, session),
        *_programme_tasks(page, session),
        *_schedule_tasks(page, session),
        *_station_tasks(page, session),
    ]
    return [task for task in tasks if task.count]


def _standing_tasks(page: Page, session: Session) -> list[Task]:
    if not page.may("approve_standing"):
        return []
    return [Task("standing", standing.waiting_for(session, page.person), MATRIX, "warn")]


def _alert_tasks(page: Page, session: Session) -> list[Task]:
    """Alerts that sound only when this person decides."""
    if not page.may("send_alert"):
        return []
    states = (AlertState.PROPOSED, AlertState.WAITING, AlertState.ACTIVE)
    found = alerts.listing(somebody(page, session), states)
    proposed = sum(one.state is AlertState.PROPOSED for one in found)
    return [
        Task("second_officer", sum(one.waits_for_me for one in found), LIST, "bad"),
        Task("proposed", proposed, LIST, "warn"),
    ]


def _programme_tasks(page: Page, session: Session) -> list[Task]:
    tasks = [Task("approve", page.waiting_for_approval, "/duyet", "warn")]
    if page.may("edit_programme"):
        for state, tone in ((ProgrammeState.RETURNED, "bad"), (ProgrammeState.DRAFT, "quiet")):
            found = programmes.listing(session, page.person, state)
            mine = sum(Move.SUBMIT in programme.may for programme in found)
            tasks.append(Task(state.value, mine, f"/chuong-trinh?trang_thai={state.value}", tone))
        tasks.append(Task("approved", _just_approved(page, session), _APPROVED, "good"))
    return tasks


def _just_approved(page: Page, session: Session) -> int:
    """This person's own programmes that somebody approved within a day."""
    found = programmes.listing(session, page.person, ProgrammeState.APPROVED)
    return sum(
        one.created_by == page.person.person_id
        and one.decided_at is not None
        and page.now - one.decided_at < _RECENT
        for one in found
    )


def _schedule_tasks(page: Page, session: Session) -> list[Task]:
    """What wakes nobody up by itself: schedules that play nothing until somebody does something."""
    if not page.may("schedule"):
        return []
    found = timetable.listing(session, page.now, page.person)
    paused = [one for one in found if one.waiting_for and one.may_change]
    href = f"/lich-phat/{paused[0].id}" if len(paused) == 1 else "/lich-phat"
    return [Task("paused", len(paused), href, "bad")]


def _station_tasks(page: Page, session: Session) -> list[Task]:
    if not page.may("manage_stations"):
        return []
    timeout_s = page.context.settings.heartbeat_timeout_s
    found = counts(session, page.now, page.person, timeout_s)
    lost, unseen = (found.get(state, 0) for state in (StationState.UNREACHABLE, StationState.NEVER_SEEN))
    return [
        Task("unreachable", lost, "/dai?loc=unreachable", "bad"),
        Task("never_seen", unseen, "/dai?loc=never_seen", "quiet"),
    ]


def _missed(page: Page, session: Session) -> int:
    """Wake-ups missed within a day, for those who can do something about it."""
    if not page.may("manage_stations"):
        return 0
    seen = clockwork.overview(session, page.now, page.person)
    return sum(page.now - missed.noticed_at < _RECENT for missed in seen.missed)
