"""From a draft to a schedule's columns and back. Pure."""

import re
from typing import Any

from controller.errors import Invalid
from controller.timetable.schemas import ScheduleDraft
from controller.timetable.tables import Schedule
from schedules.rule import Rule
from schedules.timetable_file import ScheduleEntry
from wire.ids import AREA_PATTERN, Priority


def tidied(draft: ScheduleDraft, area_zone: str) -> ScheduleDraft:
    """Without stray spaces; in the area's zone unless the rule names one itself."""
    rule = draft.rule
    if "zone" not in rule.model_fields_set:
        rule = rule.model_copy(update={"zone": area_zone})
    title = " ".join(draft.title.split())
    return ScheduleDraft.model_validate(
        {**{name: getattr(draft, name) for name in ScheduleDraft.model_fields}, "rule": rule, "title": title}
    )


def check_id(schedule_id: str) -> None:
    """Raises Invalid `timetable.bad_id`."""
    if not re.fullmatch(AREA_PATTERN, schedule_id):
        raise Invalid("timetable.bad_id", field="id", schedule=schedule_id[:63])


def columns(draft: ScheduleDraft) -> dict[str, Any]:
    return {
        "area_id": draft.area_id,
        "title": draft.title,
        "rule": draft.rule.model_dump(mode="json"),
        "repeats": draft.repeats,
        "gap_s": draft.gap_s,
        "priority": int(draft.priority),
        "volume": draft.volume,
        "lateness": draft.lateness,
        "grace_s": draft.grace_s,
    }


def of_schedule(schedule: Schedule) -> ScheduleDraft:
    """The draft that would make this schedule: what a form for changing it is filled with."""
    return ScheduleDraft(
        area_id=schedule.area_id,
        title=schedule.title,
        rule=Rule.model_validate(schedule.rule),
        programme_ids=tuple(item.programme_id for item in schedule.items),
        repeats=schedule.repeats,
        gap_s=schedule.gap_s,
        priority=Priority(schedule.priority),
        volume=schedule.volume,
        lateness=schedule.lateness,
        grace_s=schedule.grace_s,
    )


def of_entry(entry: ScheduleEntry) -> ScheduleDraft:
    """A schedule from a timetable file."""
    rule = entry.rule
    if "zone" not in entry.model_fields_set:
        rule = Rule.model_validate(rule.model_dump(exclude={"zone"}))
    return ScheduleDraft(
        area_id=entry.area,
        title=entry.title,
        rule=rule,
        programme_ids=entry.programmes,
        repeats=entry.repeats,
        gap_s=entry.gap_s,
        priority=entry.priority,
        volume=entry.volume,
        lateness=entry.lateness,
        grace_s=entry.grace_s,
    )
