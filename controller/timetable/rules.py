"""What a schedule may ask for, and which occurrences it becomes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.errors import Invalid
from controller.timetable.schemas import ConflictView, Loser, ScheduleDraft
from controller.timetable.tables import OccurrenceRow
from schedules.conflicts import Conflict, Effect
from schedules.occurrence import Occurrence, occurrence_id
from schedules.rule import Rule, expand
from wire.ids import LatenessRule, Priority
from wire.signing import MAX_DOCUMENT_BYTES

TITLE_LIMIT = 200
ITEMS_LIMIT = 100
REPEATS_LIMIT = 20
GAP_LIMIT_S = 3600.0
GRACE_LIMIT_S = 3600.0
LONGEST_S = 12 * 3600.0
_OCCURRENCE_BYTES = 480
_ITEM_BYTES = 135
"""On the wire, at most."""
PRIORITIES = (Priority.RELAY, Priority.NORMAL, Priority.PRIORITY)
"""A timetable cannot speak live or in an emergency."""


@dataclass(frozen=True, slots=True)
class Playable:
    """An item of a playlist: a programme and the length and size of its sound."""

    programme_id: str
    title: str
    area_id: str
    approved: bool
    sha256: str
    seconds: float
    size_bytes: int
    archived: bool = False

    def as_item(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "seconds": self.seconds,
            "size_bytes": self.size_bytes,
            "programme": self.programme_id,
            "title": self.title,
        }


@dataclass(frozen=True, slots=True)
class Timed:
    """A schedule reduced to what decides its occurrences."""

    id: str
    area_id: str
    title: str
    rule: Rule
    items: tuple[Playable, ...]
    repeats: int
    gap_s: float
    priority: Priority
    volume: int
    lateness: LatenessRule
    grace_s: float

    @property
    def seconds(self) -> float:
        return total_seconds((item.seconds for item in self.items), self.repeats, self.gap_s)

    @property
    def ready(self) -> bool:
        return bool(self.items) and all(item.approved for item in self.items)


def total_seconds(items_s: Iterable[float], repeats: int, gap_s: float) -> float:
    """From the first sample to the last, gaps included."""
    return sum(items_s) * repeats + gap_s * (repeats - 1)


def title_at(items: Sequence[Mapping[str, Any]], gap_s: float, position_s: float) -> str:
    """Of an occurrence's items, the one that sounds at that second, or that did last, in a gap."""
    within_s = position_s % (sum(item["seconds"] for item in items) + gap_s)
    for item in items:
        if within_s < item["seconds"]:
            return str(item["title"])
        within_s -= item["seconds"]
    return str(items[-1]["title"])


def check_draft(draft: ScheduleDraft) -> None:
    """Raises Invalid with the sentence that says what to change; the rule has its own `validate`."""
    if not draft.programme_ids:
        raise Invalid("timetable.playlist_empty", field="programme_ids")
    if len(draft.programme_ids) > ITEMS_LIMIT:
        raise Invalid("timetable.playlist_too_long", field="programme_ids", limit=ITEMS_LIMIT)
    if not draft.title.strip():
        raise Invalid("timetable.title_missing", field="title")
    if len(draft.title) > TITLE_LIMIT:
        raise Invalid("timetable.title_too_long", field="title", limit=TITLE_LIMIT)
    if draft.priority not in PRIORITIES:
        raise Invalid("timetable.priority_not_allowed", field="priority")
    _check_numbers(draft)


def _check_numbers(draft: ScheduleDraft) -> None:
    if not 1 <= draft.repeats <= REPEATS_LIMIT:
        raise Invalid("timetable.bad_repeats", field="repeats", limit=REPEATS_LIMIT)
    if not 0 <= draft.gap_s <= GAP_LIMIT_S:
        raise Invalid("timetable.bad_gap", field="gap_s", limit=round(GAP_LIMIT_S / 60))
    if not 0 <= draft.volume <= 100:
        raise Invalid("timetable.bad_volume", field="volume")
    if not 0 <= draft.grace_s <= GRACE_LIMIT_S:
        raise Invalid("timetable.bad_grace", field="grace_s", limit=round(GRACE_LIMIT_S / 60))


def end_of(row: OccurrenceRow) -> datetime:
    """When its last sample sounds if it starts on time."""
    return row.start + timedelta(seconds=row.seconds)


def is_open(row: OccurrenceRow, now: datetime) -> bool:
    """It sounds now or is to come: it can still be taken back."""
    return row.withdrawn_at is None and now < end_of(row)


def check_length(seconds: float) -> None:
    if seconds > LONGEST_S:
        hours = round(seconds / 3600, 1)
        raise Invalid("timetable.too_long", field="repeats", hours=hours, limit=round(LONGEST_S / 3600))


def check_plan_size(occurrences: Iterable[OccurrenceRow], days: int) -> None:
    """Raises Invalid when one area's plan becomes too large for its stations to take."""
    size_bytes = sum(
        _OCCURRENCE_BYTES + 4 * len(one.title) + _ITEM_BYTES * len(one.items) for one in occurrences
    )
    if size_bytes > MAX_DOCUMENT_BYTES:
        raise Invalid("timetable.plan_too_large", field="programme_ids", days=days)


def occurrence_rows(timed: Timed, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """One row for each instant with since <= instant < until; none while a programme is not approved."""
    if not timed.ready:
        return []
    shared = {
        "schedule_id": timed.id,
        "area_id": timed.area_id,
        "title": timed.title,
        "seconds": timed.seconds,
        "items": [item.as_item() for item in timed.items],
        "repeats": timed.repeats,
        "gap_s": timed.gap_s,
        "priority": int(timed.priority),
        "volume": timed.volume,
        "lateness": timed.lateness,
        "grace_s": timed.grace_s,
        "withdrawn_at": None,
    }
    starts = expand(timed.rule, since, until)
    return [{"id": occurrence_id(timed.id, start), "start": start, **shared} for start in starts]


def occurrences_of(timed: Timed, depth: int, since: datetime, until: datetime) -> list[Occurrence]:
    """As the time rules see them."""
    return [
        Occurrence(
            id=occurrence_id(timed.id, start),
            start=start,
            seconds=timed.seconds,
            priority=timed.priority,
            lateness=timed.lateness,
            grace_s=timed.grace_s,
            depth=depth,
        )
        for start in expand(timed.rule, since, until)
    ]


def conflict_views(
    found: Sequence[Conflict], mine: Timed, others: Mapping[str, Timed], area_names: Mapping[str, str]
) -> list[ConflictView]:
    """Overlaps gathered by other schedule, loser and effect, in the order of their first start."""
    groups: dict[tuple[str, Loser, Effect], list[Conflict]] = {}
    for conflict in found:
        groups.setdefault(_group(conflict, mine.id), []).append(conflict)
    return [
        _conflict_view(others.get(schedule_id, mine), loser, effect, overlaps, area_names, mine.id)
        for (schedule_id, loser, effect), overlaps in groups.items()
    ]


def _group(conflict: Conflict, mine: str) -> tuple[str, Loser, Effect]:
    first, second = schedule_of(conflict.first.id), schedule_of(conflict.second.id)
    if first == second:
        return mine, Loser.OWN, conflict.effect
    other = second if first == mine else first
    loser = Loser.MINE if schedule_of(conflict.loser.id) == mine else Loser.THEIRS
    return other, loser, conflict.effect


def schedule_of(occurrence: str) -> str:
    return occurrence.split("@", 1)[0]


def _conflict_view(  # noqa: PLR0917
    other: Timed,
    loser: Loser,
    effect: Effect,
    overlaps: Sequence[Conflict],
    area_names: Mapping[str, str],
    mine: str,
) -> ConflictView:
    return ConflictView(
        schedule_id=None if other.id == mine else other.id,
        title=other.title,
        area_id=other.area_id,
        area_name=area_names.get(other.area_id, other.area_id),
        priority=other.priority,
        loser=loser,
        effect=effect,
        first_start=overlaps[0].second.start,
        longest_overlap_s=max(conflict.overlap_s for conflict in overlaps),
        count=len(overlaps),
    )
