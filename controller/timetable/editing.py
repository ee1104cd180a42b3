"""Schedules: making, changing and withdrawing them, and the occurrences that they become."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.errors import Conflict, Invalid, NotFound
from controller.timetable import drafts, queries, rules
from controller.timetable.expansion import Expansion, difference, timed
from controller.timetable.rules import Timed
from controller.timetable.schemas import ScheduleDraft
from controller.timetable.tables import Schedule, ScheduleState
from schedules.rule import validate

PLAN_DAYS = 14
_WITHDRAWN_KEPT = timedelta(days=7)


def create(
    session: Session,
    now: datetime,
    principal: Principal,
    draft: ScheduleDraft,
    id: str | None = None,  # noqa: A002
    *,
    days: int = PLAN_DAYS,
) -> Schedule:
    """A new active schedule with its next occurrences; the caller wakes `dispatch`.

    Raises Invalid, Forbidden, NotFound `areas.unknown`, Conflict `timetable.id_taken`, or a ScheduleError.
    """
    checked = check(session, now, principal, draft)
    schedule = Schedule(
        id=_free_id(session, id),
        state=ScheduleState.ACTIVE,
        created_by=principal.person_id,
        created_at=now,
        changed_at=now,
        **drafts.columns(checked),
    )
    session.add(schedule)
    session.flush()
    queries.replace_items(session, schedule.id, checked.programme_ids)
    return _materialise(session, now, schedule, days)


def change(
    session: Session,
    now: datetime,
    principal: Principal,
    schedule_id: str,
    draft: ScheduleDraft,
    *,
    days: int = PLAN_DAYS,
) -> Schedule:
    """Replace what is to come; what has started stays as it was. Raises as `create`."""
    schedule = changeable(session, principal, schedule_id)
    checked = check(session, now, principal, draft)
    for name, value in drafts.columns(checked).items():
        setattr(schedule, name, value)
    schedule.changed_at = now
    session.flush()
    queries.replace_items(session, schedule.id, checked.programme_ids)
    return _materialise(session, now, schedule, days)


def withdraw(session: Session, now: datetime, principal: Principal, schedule_id: str) -> Schedule:
    """No more of it, from now on: what sounds at this moment falls silent too.

    Raises NotFound, Forbidden, Conflict `timetable.withdrawn_already`.
    """
    schedule = changeable(session, principal, schedule_id)
    schedule.state, schedule.changed_at = ScheduleState.WITHDRAWN, now
    session.flush()
    longest = timedelta(seconds=rules.LONGEST_S)
    begun = queries.begun(session, schedule_id, now - longest, now)
    sounding = {row.id for row in begun if rules.is_open(row, now)}
    to_come = {row.id for row in queries.future(session, now, schedule_id) if row.withdrawn_at is None}
    queries.withdraw_occurrences(session, now, sounding | to_come)
    return schedule


def check(session: Session, now: datetime, principal: Principal, draft: ScheduleDraft) -> ScheduleDraft:
    """The draft as it would be saved: tidied, in the area's zone. Raises as `create`."""
    accounts.require(session, principal, Action.SCHEDULE, draft.area_id)
    area = areas.get(session, draft.area_id)
    tidy = drafts.tidied(draft, area.zone)
    rules.check_draft(tidy)
    validate(tidy.rule, after=now)
    _check_programmes(session, tidy)
    return tidy


def get(session: Session, schedule_id: str) -> Schedule:
    """Raises NotFound `timetable.unknown_schedule`."""
    schedule = queries.by_id(session, schedule_id)
    if schedule is None:
        raise NotFound("timetable.unknown_schedule", schedule=schedule_id[:63])
    return schedule


def horizon(now: datetime, days: int) -> datetime:
    """Until when occurrences are made: the end of the last UTC day of the plan."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    return today + timedelta(days=days + 1)


def expansion(session: Session, now: datetime, days: int) -> Expansion:
    """What `expand_all` would do. Only looks."""
    schedules = all_timed(session)
    return difference(schedules.values(), queries.future(session, now), now, horizon(now, days))


def expand_all(session: Session, now: datetime, days: int) -> int:
    """Make the occurrences of the next days say what the schedules say; returns how many changed.

    Those of withdrawn schedules, and of schedules whose programmes are no longer approved, are withdrawn.
    """
    return _apply(session, now, expansion(session, now, days))


def all_timed(session: Session) -> dict[str, Timed]:
    """Every active schedule, by id."""
    schedules = queries.active(session)
    playables = queries.playables(session, {item.programme_id for one in schedules for item in one.items})
    return {schedule.id: timed(schedule, playables) for schedule in schedules}


def forget_old(session: Session, now: datetime) -> None:
    """Drop occurrences that were withdrawn before they began, a week after."""
    queries.forget_withdrawn(session, now - _WITHDRAWN_KEPT)


def _materialise(session: Session, now: datetime, schedule: Schedule, days: int) -> Schedule:
    session.refresh(schedule)
    playables = queries.playables(session, {item.programme_id for item in schedule.items})
    existing = queries.future(session, now, schedule.id)
    found = difference([timed(schedule, playables)], existing, now, horizon(now, days))
    _apply(session, now, found)
    yesterday = horizon(now, days) - timedelta(days=days + 2)
    rules.check_plan_size(queries.planned(session, yesterday, horizon(now, days), schedule.area_id), days)
    return schedule


def _apply(session: Session, now: datetime, found: Expansion) -> int:
    queries.save_occurrences(session, found.write)
    queries.withdraw_occurrences(session, now, found.withdraw)
    return len(found.write) + len(found.withdraw)


def changeable(session: Session, principal: Principal, schedule_id: str) -> Schedule:
    """Raises NotFound, Forbidden, Conflict `timetable.withdrawn_already`."""
    schedule = get(session, schedule_id)
    accounts.require(session, principal, Action.SCHEDULE, schedule.area_id)
    if schedule.state is not ScheduleState.ACTIVE:
        raise Conflict("timetable.withdrawn_already", title=schedule.title)
    return schedule


def _check_programmes(session: Session, draft: ScheduleDraft) -> None:
    """A schedule plays what was approved for its own area or for one around it."""
    found = queries.playables(session, draft.programme_ids)
    chain = areas.chain_ids(session, draft.area_id)
    for programme_id in draft.programme_ids:
        playable = found.get(programme_id)
        if playable is None or playable.area_id not in chain:
            raise Invalid("timetable.unknown_programme", "programme_ids", programme=programme_id[:63])
        if playable.archived:
            raise Invalid("timetable.programme_archived", "programme_ids", title=playable.title)
        if not playable.approved:
            raise Invalid("timetable.programme_not_approved", "programme_ids", title=playable.title)
    items_s = [found[programme_id].seconds for programme_id in draft.programme_ids]
    rules.check_length(rules.total_seconds(items_s, draft.repeats, draft.gap_s))


def _free_id(session: Session, wanted: str | None) -> str:
    if wanted is None:
        return f"lich-{uuid4().hex[:12]}"
    drafts.check_id(wanted)
    if queries.by_id(session, wanted):
        raise Conflict("timetable.id_taken", field="id", schedule=wanted)
    return wanted
