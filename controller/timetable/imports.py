"""Timetables from files, with the same rules and the same errors as in the browser."""

from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.areas import service as areas
from controller.errors import LoabanError
from controller.timetable import drafts, editing, queries
from controller.timetable.schemas import ImportResult, ScheduleDraft
from controller.timetable.tables import ScheduleState
from schedules.errors import ScheduleError
from schedules.timetable_file import ScheduleEntry, TimetableFile


def import_timetable(
    session: Session, now: datetime, principal: Principal, timetable: TimetableFile
) -> ImportResult:
    """Create or change the file's schedules, all or none; its programmes must be in the library already.

    A schedule that was withdrawn by hand stays withdrawn. Raises as `create`; the error's params
    also name the `schedule`.
    """
    became: dict[str, list[str]] = {"created": [], "changed": [], "unchanged": []}
    for entry in timetable.schedules:
        try:
            became[_import_one(session, now, principal, entry)].append(entry.id)
        except (LoabanError, ScheduleError) as error:
            error.params = {**error.params, "schedule": entry.id}
            raise
    return ImportResult.model_validate(became)


def _import_one(session: Session, now: datetime, principal: Principal, entry: ScheduleEntry) -> str:
    draft = drafts.of_entry(entry)
    existing = queries.by_id(session, entry.id)
    if existing is None:
        editing.create(session, now, principal, draft, entry.id)
        return "created"
    if existing.state is ScheduleState.WITHDRAWN or _same(session, draft, drafts.of_schedule(existing)):
        return "unchanged"
    editing.change(session, now, principal, entry.id, draft)
    return "changed"


def _same(session: Session, wanted: ScheduleDraft, present: ScheduleDraft) -> bool:
    if wanted.area_id != present.area_id:
        return False
    zone = areas.get(session, wanted.area_id).zone
    return drafts.tidied(wanted, zone) == present
