"""What others may ask of the timetable, in one place."""

from controller.timetable.drafts import of_schedule
from controller.timetable.editing import (
    all_timed,
    change,
    changeable,
    check,
    create,
    expand_all,
    expansion,
    forget_old,
    get,
    horizon,
    withdraw,
)
from controller.timetable.imports import import_timetable
from controller.timetable.stopping import withdraw_occurrence
from controller.timetable.views import (
    draft_conflicts,
    listing,
    naming,
    occurrence_views,
    occurrences,
    schedule_view,
    title_at,
)

__all__ = [
    "all_timed",
    "change",
    "changeable",
    "check",
    "create",
    "draft_conflicts",
    "expand_all",
    "expansion",
    "forget_old",
    "get",
    "horizon",
    "import_timetable",
    "listing",
    "naming",
    "occurrence_views",
    "occurrences",
    "of_schedule",
    "schedule_view",
    "title_at",
    "withdraw",
    "withdraw_occurrence",
]
