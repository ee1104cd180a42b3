"""Schedules, occurrences and conflicts as they are shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.dispatch.tree import AreaTree
from controller.timetable import editing, queries, rules
from controller.timetable.expansion import timed
from controller.timetable.rules import Playable, Timed
from controller.timetable.schemas import (
    ConflictView,
    OccurrenceView,
    PlaylistItem,
    ScheduleDraft,
    ScheduleView,
)
from controller.timetable.tables import OccurrenceRow, Schedule, ScheduleState
from schedules.conflicts import conflicts
from schedules.rule import Rule, next_after
from wire.ids import Priority

_CONFLICT_DAYS = timedelta(days=14)
_DRAFT_ID = "_draft"


def listing(
    session: Session,
    now: datetime,
    principal: Principal,
    state: ScheduleState | None = ScheduleState.ACTIVE,
) -> list[ScheduleView]:
    """The schedules of the person's realm, by title; None for withdrawn ones too."""
    realm = accounts.realm(session, principal)
    return _schedule_views(session, now, principal, queries.in_areas(session, realm, state))


def naming(session: Session, now: datetime, principal: Principal, programme_id: str) -> list[ScheduleView]:
    """The schedules of the person's realm that are still to play this programme."""
    realm = accounts.realm(session, principal)
    named = queries.naming(session, realm, programme_id)
    found = _schedule_views(session, now, principal, named)
    return [schedule for schedule in found if next_after(schedule.rule, now)]


def schedule_view(session: Session, now: datetime, principal: Principal, schedule_id: str) -> ScheduleView:
    """Raises NotFound `timetable.unknown_schedule`, Forbidden."""
    schedule = editing.get(session, schedule_id)
    accounts.require(session, principal, Action.VIEW, schedule.area_id)
    return _schedule_views(session, now, principal, [schedule])[0]


def occurrences(
    session: Session,
    now: datetime,
    principal: Principal,
    area_id: str | None,
    *,
    since: datetime,
    until: datetime,
) -> list[OccurrenceView]:
    """What is or was to be heard in an area (or the whole realm): its own, wider and narrower areas' too."""
    tree = AreaTree.read(session)
    if area_id is not None:
        accounts.require(session, principal, Action.VIEW, area_id)
        wanted = tree.related(area_id)
    else:
        realm = accounts.realm(session, principal)
        wanted = realm.union(*(tree.chain(one) for one in realm))
    return occurrence_views(session, now, principal, queries.between(session, wanted, since, until), tree)


def occurrence_views(
    session: Session, now: datetime, principal: Principal, rows: Sequence[OccurrenceRow], tree: AreaTree
) -> list[OccurrenceView]:
    names = accounts.full_names(session, {row.withdrawn_by for row in rows if row.withdrawn_by})
    area_ids = {row.area_id for row in rows}
    stoppable = accounts.within(session, principal, Action.STOP_BROADCAST, area_ids)
    return [
        _occurrence_view(
            row,
            tree,
            withdrawn_by=names.get(row.withdrawn_by) if row.withdrawn_by else None,
            may_withdraw=row.area_id in stoppable and rules.is_open(row, now),
        )
        for row in rows
    ]


def _occurrence_view(
    row: OccurrenceRow, tree: AreaTree, *, withdrawn_by: str | None, may_withdraw: bool
) -> OccurrenceView:
    return OccurrenceView(
        id=row.id,
        schedule_id=row.schedule_id,
        area_id=row.area_id,
        area_name=tree.name(row.area_id),
        title=row.title,
        start=row.start,
        end=rules.end_of(row),
        seconds=row.seconds,
        priority=Priority(row.priority),
        volume=row.volume,
        lateness=row.lateness,
        items=tuple(
            PlaylistItem(programme_id=item["programme"], title=item["title"], seconds=item["seconds"])
            for item in row.items
        ),
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=withdrawn_by,
        may_withdraw=may_withdraw,
    )


def title_at(session: Session, occurrence_id: str, position_s: float) -> str | None:
    """The programme that an occurrence plays at that second; None for an occurrence that is not ours."""
    row = queries.occurrence(session, occurrence_id)
    return rules.title_at(row.items, row.gap_s, position_s) if row else None


def draft_conflicts(
    session: Session,
    now: datetime,
    principal: Principal,
    draft: ScheduleDraft,
    *,
    schedule_id: str | None = None,
) -> list[ConflictView]:
    """What the draft would collide with in the 14 days from its first start, before it is saved.

    Looks at every schedule that shares a station with it. Raises as `create`.
    """
    checked = editing.check(session, now, principal, draft)
    mine = _as_timed(session, checked, schedule_id or _DRAFT_ID)
    since = next_after(mine.rule, now) or now
    tree, until = AreaTree.read(session), since + _CONFLICT_DAYS
    related = tree.related(checked.area_id)
    others = {
        one.id: one
        for one in editing.all_timed(session).values()
        if one.area_id in related and one.id != mine.id and one.ready
    }
    own = rules.occurrences_of(mine, tree.depth(mine.area_id), since, until)
    theirs = [
        occurrence
        for other in others.values()
        for occurrence in rules.occurrences_of(
            other, tree.depth(other.area_id), since - timedelta(seconds=other.seconds), until
        )
    ]
    found = conflicts([*own, *theirs], among={one.id for one in own})
    names = {area_id: tree.name(area_id) for area_id in related}
    return rules.conflict_views(found, mine, others, names)


def _as_timed(session: Session, draft: ScheduleDraft, schedule_id: str) -> Timed:
    found = queries.playables(session, draft.programme_ids)
    return Timed(
        id=schedule_id,
        area_id=draft.area_id,
        title=draft.title,
        rule=draft.rule,
        items=tuple(found[programme_id] for programme_id in draft.programme_ids),
        repeats=draft.repeats,
        gap_s=draft.gap_s,
        priority=draft.priority,
        volume=draft.volume,
        lateness=draft.lateness,
        grace_s=draft.grace_s,
    )


def _schedule_views(
    session: Session, now: datetime, principal: Principal, schedules: Sequence[Schedule]
) -> list[ScheduleView]:
    playables = queries.playables(session, {item.programme_id for one in schedules for item in one.items})
    changeable = accounts.realm(session, principal, Action.SCHEDULE)
    tree, starts = AreaTree.read(session), queries.next_starts(session, now)
    return [
        _schedule_view(
            schedule,
            playables,
            area_name=tree.name(schedule.area_id),
            next_start=starts.get(schedule.id),
            over=next_after(Rule.model_validate(schedule.rule), now) is None,
            may_change=schedule.area_id in changeable,
        )
        for schedule in schedules
    ]


def _schedule_view(
    schedule: Schedule,
    playables: Mapping[str, Playable],
    *,
    area_name: str,
    next_start: datetime | None,
    over: bool,
    may_change: bool,
) -> ScheduleView:
    items = timed(schedule, playables).items
    waiting = [] if over else [item for item in items if not item.approved]
    return ScheduleView(
        id=schedule.id,
        area_id=schedule.area_id,
        area_name=area_name,
        title=schedule.title,
        rule=Rule.model_validate(schedule.rule),
        items=tuple(
            PlaylistItem(programme_id=item.programme_id, title=item.title, seconds=item.seconds)
            for item in items
        ),
        seconds=rules.total_seconds((item.seconds for item in items), schedule.repeats, schedule.gap_s),
        repeats=schedule.repeats,
        gap_s=schedule.gap_s,
        priority=Priority(schedule.priority),
        volume=schedule.volume,
        lateness=schedule.lateness,
        grace_s=schedule.grace_s,
        state=schedule.state,
        next_start=next_start,
        waiting_for=tuple(item.title for item in waiting),
        archived=tuple(item.title for item in waiting if item.archived),
        may_change=may_change and schedule.state is ScheduleState.ACTIVE,
    )
