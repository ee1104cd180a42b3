"""Schedules and occurrences as JSON, and as pages show them."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from controller.timetable.tables import ScheduleState
from schedules.conflicts import Effect
from schedules.rule import Rule
from wire.ids import LatenessRule, Priority, TimetableLateness


class ScheduleDraft(BaseModel):
    """What a person or a file asks for. Holds whatever a form can hold; the service says what is wrong.

    `programme_ids` is the playlist, in order; the whole of it sounds `repeats` times, `gap_s` apart.
    `volume` is in percent. `grace_s` is how late *skip* may still begin.
    """

    model_config = ConfigDict(frozen=True)

    area_id: str
    title: str
    rule: Rule
    programme_ids: tuple[str, ...] = ()
    repeats: int = 1
    gap_s: float = 0.0
    priority: Priority = Priority.NORMAL
    volume: int = 80
    lateness: TimetableLateness = LatenessRule.RESUME
    grace_s: float = 10.0


class NewSchedule(ScheduleDraft):
    id: str | None = None


class ConflictQuery(ScheduleDraft):
    """`schedule_id` when a schedule is being changed: it is not in conflict with its own old self."""

    schedule_id: str | None = None


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlaylistItem(Shown):
    programme_id: str
    title: str
    seconds: float


class ScheduleView(Shown):
    id: str
    area_id: str
    area_name: str
    title: str
    rule: Rule
    items: tuple[PlaylistItem, ...]
    seconds: float
    repeats: int
    gap_s: float
    priority: Priority
    volume: int
    lateness: LatenessRule
    grace_s: float
    state: ScheduleState
    next_start: datetime | None
    waiting_for: tuple[str, ...]
    """Titles of programmes that are no longer approved; until they are, nothing of it is planned.

    Empty for a schedule that has nothing left to play.
    """
    archived: tuple[str, ...] = ()
    """Those of `waiting_for` that were put away: they wait for somebody to take them back."""
    may_change: bool


class OccurrenceView(Shown):
    """`end` is when the last sample sounds if it starts on time."""

    id: str
    schedule_id: str
    area_id: str
    area_name: str
    title: str
    start: datetime
    end: datetime
    seconds: float
    priority: Priority
    volume: int
    lateness: LatenessRule
    items: tuple[PlaylistItem, ...]
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    """The name of the person who took back this one; None where its schedule was withdrawn."""
    may_withdraw: bool

    def is_past(self, now: datetime) -> bool:
        """It is over, or was taken back: nothing of it is to come."""
        return self.end <= now or self.withdrawn_at is not None


class Loser(StrEnum):
    """Whose broadcast loses something."""

    MINE = "mine"
    THEIRS = "theirs"
    OWN = "own"
    """The schedule overlaps itself: it is longer than the time to its next start."""


class ConflictView(Shown):
    """All overlaps with one other schedule that have the same effect, in the days looked at."""

    schedule_id: str | None
    title: str
    area_id: str
    area_name: str
    priority: Priority
    loser: Loser
    effect: Effect
    first_start: datetime
    """When the first of the overlaps begins."""
    longest_overlap_s: float
    count: int


class ImportResult(Shown):
    """Ids of schedules, by what became of them."""

    created: tuple[str, ...] = Field(default=())
    changed: tuple[str, ...] = Field(default=())
    unchanged: tuple[str, ...] = Field(default=())
