"""Which rows of occurrences have to change so that they say what the schedules say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.timetable.rules import Playable, Timed, occurrence_rows
from controller.timetable.tables import OccurrenceRow, Schedule
from schedules.rule import Rule
from wire.ids import Priority


@dataclass(frozen=True)
class Expansion:
    """Rows to write, and ids of occurrences to withdraw. Never one whose start has passed."""

    write: Sequence[dict[str, Any]]
    withdraw: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.write or self.withdraw)


def difference(
    schedules: Iterable[Timed], existing: Sequence[OccurrenceRow], now: datetime, until: datetime
) -> Expansion:
    """`existing` are the future rows of these schedules, withdrawn ones too.

    What a person took back stays so, whatever its schedule says.
    """
    wanted = [row for timed in schedules for row in occurrence_rows(timed, now, until) if row["start"] > now]
    known = {row.id: row for row in existing}
    write = [row for row in wanted if _is_news(row, known.get(row["id"]))]
    kept = {row["id"] for row in wanted}
    gone = (row.id for row in existing if row.withdrawn_at is None and row.id not in kept)
    return Expansion(write, frozenset(gone))


def timed(schedule: Schedule, playables: Mapping[str, Playable]) -> Timed:
    """A schedule with what it plays; without items if one of its programmes is gone."""
    ids = [item.programme_id for item in schedule.items]
    return Timed(
        id=schedule.id,
        area_id=schedule.area_id,
        title=schedule.title,
        rule=Rule.model_validate(schedule.rule),
        items=tuple(playables[id_] for id_ in ids) if all(id_ in playables for id_ in ids) else (),
        repeats=schedule.repeats,
        gap_s=schedule.gap_s,
        priority=Priority(schedule.priority),
        volume=schedule.volume,
        lateness=schedule.lateness,
        grace_s=schedule.grace_s,
    )


def _is_news(row: dict[str, Any], known: OccurrenceRow | None) -> bool:
    if known is None:
        return True
    differs = any(getattr(known, name) != value for name, value in row.items())
    return differs and known.withdrawn_by is None
