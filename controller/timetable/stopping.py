"""Taking back one occurrence, without touching the rest of its schedule."""

from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.errors import Conflict, NotFound
from controller.timetable import queries, rules
from controller.timetable.tables import OccurrenceRow


def withdraw_occurrence(
    session: Session, now: datetime, principal: Principal, occurrence_id: str
) -> OccurrenceRow:
    """It leaves the plan for good, and stations that play it fall silent; the caller wakes `dispatch`.

    Raises NotFound `timetable.unknown_occurrence`, Forbidden, Conflict `timetable.occurrence_over` or
    `timetable.occurrence_withdrawn`.
    """
    row = _occurrence(session, occurrence_id)
    accounts.require(session, principal, Action.STOP_BROADCAST, row.area_id)
    if row.withdrawn_at is None and not rules.is_open(row, now):
        raise Conflict("timetable.occurrence_over", title=row.title)
    if not queries.take_back(session, now, occurrence_id, principal.person_id):
        raise Conflict("timetable.occurrence_withdrawn", title=row.title)
    return _occurrence(session, occurrence_id)


def _occurrence(session: Session, occurrence_id: str) -> OccurrenceRow:
    row = queries.occurrence(session, occurrence_id)
    if row is None:
        raise NotFound("timetable.unknown_occurrence", occurrence=occurrence_id[:80])
    return row
