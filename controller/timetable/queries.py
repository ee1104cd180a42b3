"""The only SQL about schedules and occurrences."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session, selectinload

from controller.db.upsert import upsert
from controller.media.tables import Sound
from controller.playback.tables import Playback
from controller.programmes.tables import Programme, ProgrammeState
from controller.timetable.rules import Playable
from controller.timetable.tables import OccurrenceRow, Schedule, ScheduleItem, ScheduleState

_CHUNK = 500


def by_id(session: Session, schedule_id: str) -> Schedule | None:
    return session.get(Schedule, schedule_id)


def active(session: Session) -> Sequence[Schedule]:
    """Every active schedule with its items."""
    return session.scalars(
        select(Schedule).where(Schedule.state == ScheduleState.ACTIVE).options(selectinload(Schedule.items))
    ).all()


def in_areas(session: Session, area_ids: Collection[str], state: ScheduleState | None) -> list[Schedule]:
    """Schedules of these areas, by area and title."""
    statement = select(Schedule).options(selectinload(Schedule.items)).order_by(Schedule.title, Schedule.id)
    if state is not None:
        statement = statement.where(Schedule.state == state)
    found = session.scalars(statement.where(Schedule.area_id.in_(area_ids)))
    return list(found)


def naming(session: Session, area_ids: Collection[str], programme_id: str) -> list[Schedule]:
    """Active schedules of these areas that have this programme on their playlist."""
    named = Schedule.items.any(ScheduleItem.programme_id == programme_id)
    statement = select(Schedule).options(selectinload(Schedule.items)).order_by(Schedule.title, Schedule.id)
    here = Schedule.area_id.in_(area_ids)
    return list(session.scalars(statement.where(named, here, Schedule.state == ScheduleState.ACTIVE)))


def playables(session: Session, programme_ids: Collection[str]) -> dict[str, Playable]:
    """Those of these programmes that exist."""
    found: dict[str, Playable] = {}
    wanted = sorted(set(programme_ids))
    for start in range(0, len(wanted), _CHUNK):
        found |= _playables(session, wanted[start : start + _CHUNK])
    return found


def _playables(session: Session, programme_ids: Sequence[str]) -> dict[str, Playable]:
    rows = session.execute(
        select(
            Programme.id,
            Programme.title,
            Programme.area_id,
            Programme.state,
            Sound.sha256,
            Sound.seconds,
            Sound.size_bytes,
        )
        .join(Sound, Sound.sha256 == Programme.sound_sha256)
        .where(Programme.id.in_(programme_ids))
    )
    return {
        id_: Playable(
            id_,
            title,
            area_id,
            state is ProgrammeState.APPROVED,
            sha256,
            seconds,
            size_bytes,
            state is ProgrammeState.ARCHIVED,
        )
        for id_, title, area_id, state, sha256, seconds, size_bytes in rows
    }


def replace_items(session: Session, schedule_id: str, programme_ids: Sequence[str]) -> None:
    session.execute(delete(ScheduleItem).where(ScheduleItem.schedule_id == schedule_id))
    session.add_all(
        ScheduleItem(schedule_id=schedule_id, position=position, programme_id=programme_id)
        for position, programme_id in enumerate(programme_ids)
    )
    session.flush()


def occurrence(session: Session, occurrence_id: str) -> OccurrenceRow | None:
    return session.get(OccurrenceRow, occurrence_id, populate_existing=True)


def future(session: Session, now: datetime, schedule_id: str | None = None) -> Sequence[OccurrenceRow]:
    """Every occurrence that has not started, withdrawn ones too."""
    statement = _fresh().where(OccurrenceRow.start > now)
    if schedule_id is not None:
        statement = statement.where(OccurrenceRow.schedule_id == schedule_id)
    return session.scalars(statement).all()


def planned(
    session: Session, since: datetime, until: datetime, area_id: str | None = None
) -> Sequence[OccurrenceRow]:
    """What stations should hold, of one area or of all, in order of start."""
    statement = _fresh().where(
        OccurrenceRow.start >= since, OccurrenceRow.start < until, OccurrenceRow.withdrawn_at.is_(None)
    )
    if area_id is not None:
        statement = statement.where(OccurrenceRow.area_id == area_id)
    return session.scalars(statement.order_by(OccurrenceRow.start, OccurrenceRow.id)).all()


def between(
    session: Session, area_ids: Collection[str], since: datetime, until: datetime
) -> Sequence[OccurrenceRow]:
    """Occurrences of these areas in order of start; not what its schedule withdrew before it began."""
    heard_of = or_(
        OccurrenceRow.withdrawn_at.is_(None),
        OccurrenceRow.withdrawn_at > OccurrenceRow.start,
        OccurrenceRow.withdrawn_by.is_not(None),
    )
    return session.scalars(
        _fresh()
        .where(
            OccurrenceRow.area_id.in_(area_ids),
            OccurrenceRow.start >= since,
            OccurrenceRow.start < until,
            heard_of,
        )
        .order_by(OccurrenceRow.start, OccurrenceRow.id)
    ).all()


def next_starts(session: Session, now: datetime) -> dict[str, datetime]:
    """The next start of each schedule that has one planned."""
    rows = session.execute(
        select(OccurrenceRow.schedule_id, func.min(OccurrenceRow.start))
        .where(OccurrenceRow.start > now, OccurrenceRow.withdrawn_at.is_(None))
        .group_by(OccurrenceRow.schedule_id)
    )
    return {schedule_id: start for schedule_id, start in rows}  # noqa: C416  (rows are not pairs to mypy)


def save_occurrences(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """What a person took back is left as it is."""
    upsert(session, OccurrenceRow, rows, only_if=OccurrenceRow.withdrawn_by.is_(None))


def withdraw_occurrences(session: Session, now: datetime, occurrence_ids: Collection[str]) -> None:
    ids = sorted(occurrence_ids)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        planned_ones = OccurrenceRow.id.in_(chunk), OccurrenceRow.withdrawn_at.is_(None)
        session.execute(update(OccurrenceRow).where(*planned_ones).values(withdrawn_at=now))


def take_back(session: Session, now: datetime, occurrence_id: str, person_id: str) -> bool:
    """One occurrence, on a person's word; False if it is withdrawn already."""
    statement = (
        update(OccurrenceRow)
        .where(OccurrenceRow.id == occurrence_id, OccurrenceRow.withdrawn_at.is_(None))
        .values(withdrawn_at=now, withdrawn_by=person_id)
    )
    return cast("CursorResult[Any]", session.execute(statement)).rowcount == 1


def begun(session: Session, schedule_id: str, since: datetime, now: datetime) -> list[OccurrenceRow]:
    """Occurrences of a schedule that started in that time and were not withdrawn."""
    return list(
        session.scalars(
            _fresh().where(
                OccurrenceRow.schedule_id == schedule_id,
                OccurrenceRow.start >= since,
                OccurrenceRow.start <= now,
                OccurrenceRow.withdrawn_at.is_(None),
            )
        )
    )


def _fresh() -> Select[OccurrenceRow]:
    """Rows as they are, not as this session may remember them: they are written past its memory."""
    return select(OccurrenceRow).execution_options(populate_existing=True)


def forget_withdrawn(session: Session, before: datetime) -> None:
    """Drop what a schedule withdrew before it began, long ago, and played nowhere."""
    reported = select(Playback.occurrence_id).where(Playback.occurrence_id == OccurrenceRow.id).exists()
    session.execute(
        delete(OccurrenceRow).where(
            OccurrenceRow.withdrawn_at.is_not(None),
            OccurrenceRow.withdrawn_at <= OccurrenceRow.start,
            OccurrenceRow.withdrawn_by.is_(None),
            OccurrenceRow.start < before,
            ~reported,
        ),
        execution_options={"synchronize_session": False},
    )
