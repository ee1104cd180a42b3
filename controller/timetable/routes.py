"""HTTP for schedules and occurrences. Every change wakes the dispatch after the commit."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Query

from controller.accounts.dependencies import SignedIn
from controller.dispatch.job import NAME as DISPATCH
from controller.dispatch.tree import AreaTree
from controller.timetable import service
from controller.timetable.schemas import (
    ConflictQuery,
    ConflictView,
    NewSchedule,
    OccurrenceView,
    ScheduleDraft,
    ScheduleView,
)
from controller.timetable.tables import ScheduleState
from controller.web.dependencies import InContext, Reading, Writing
from wire.base import UtcDatetime

router = APIRouter(prefix="/api", tags=["timetable"])


@router.get("/schedules")
def listing(
    session: Reading, context: InContext, principal: SignedIn, state: ScheduleState = ScheduleState.ACTIVE
) -> list[ScheduleView]:
    return service.listing(session, context.now(), principal, state)


@router.get("/schedules/{schedule_id}")
def one(session: Reading, context: InContext, principal: SignedIn, schedule_id: str) -> ScheduleView:
    return service.schedule_view(session, context.now(), principal, schedule_id)


@router.post("/schedules/conflicts")
def conflicts(
    session: Reading, context: InContext, principal: SignedIn, query: ConflictQuery
) -> list[ConflictView]:
    """What it would collide with, before it is saved."""
    return service.draft_conflicts(session, context.now(), principal, query, schedule_id=query.schedule_id)


@router.post("/schedules", status_code=201)
def create(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    wanted: NewSchedule,
    after_commit: BackgroundTasks,
) -> ScheduleView:
    now, days = context.now(), context.settings.plan_days
    schedule = service.create(session, now, principal, wanted, wanted.id, days=days)
    after_commit.add_task(context.wake, DISPATCH)
    return service.schedule_view(session, now, principal, schedule.id)


@router.put("/schedules/{schedule_id}")
def change(  # noqa: PLR0917
    session: Writing,
    context: InContext,
    principal: SignedIn,
    schedule_id: str,
    wanted: ScheduleDraft,
    after_commit: BackgroundTasks,
) -> ScheduleView:
    now, days = context.now(), context.settings.plan_days
    service.change(session, now, principal, schedule_id, wanted, days=days)
    after_commit.add_task(context.wake, DISPATCH)
    return service.schedule_view(session, now, principal, schedule_id)


@router.delete("/schedules/{schedule_id}")
def withdraw(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    schedule_id: str,
    after_commit: BackgroundTasks,
) -> ScheduleView:
    """Withdrawn, not forgotten: what was heard stays on record."""
    now = context.now()
    service.withdraw(session, now, principal, schedule_id)
    after_commit.add_task(context.wake, DISPATCH)
    return service.schedule_view(session, now, principal, schedule_id)


@router.post("/occurrences/{occurrence_id}/withdraw")
def withdraw_occurrence(
    session: Writing,
    context: InContext,
    principal: SignedIn,
    occurrence_id: str,
    after_commit: BackgroundTasks,
) -> OccurrenceView:
    """Stop this one, or leave it out; the rest of its schedule goes on."""
    now = context.now()
    row = service.withdraw_occurrence(session, now, principal, occurrence_id)
    after_commit.add_task(context.wake, DISPATCH)
    (shown,) = service.occurrence_views(session, now, principal, [row], AreaTree.read(session))
    return shown


@router.get("/occurrences")
def occurrences(  # noqa: PLR0917
    session: Reading,
    context: InContext,
    principal: SignedIn,
    area: Annotated[str | None, Query()] = None,
    since: Annotated[UtcDatetime | None, Query()] = None,
    until: Annotated[UtcDatetime | None, Query()] = None,
) -> list[OccurrenceView]:
    """From a day ago to a week ahead, unless told otherwise."""
    now = context.now()
    return service.occurrences(
        session,
        now,
        principal,
        area,
        since=since or now - timedelta(days=1),
        until=until or now + timedelta(days=7),
    )
