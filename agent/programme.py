"""What this station is to sound: the layers of its area chain, put together. Pure."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from agent.timeline import items_of, seconds_of
from schedules.cue import closes
from schedules.occurrence import Occurrence
from schedules.quiet import QuietWindow
from wire.alerts import Alert
from wire.ids import Priority
from wire.messages import Item, PlanLayer, PlannedOccurrence, Selector, StationCard


@dataclass(frozen=True, slots=True)
class Part:
    """A planned occurrence, the area that planned it, and how the time rules see it.

    `alert` is what an emergency stands for on the boards.
    """

    planned: PlannedOccurrence
    area: str
    occurrence: Occurrence
    alert: Alert | None = None

    @property
    def last_word(self) -> datetime:
        """Until then at least it may still be asked for; an alert's is true however wrong our clock is."""
        end = self.occurrence.end
        return end if self.alert is None else max(end, self.alert.expires_at)


def merge(
    card: StationCard, layers: Iterable[PlanLayer], now: datetime, *, clock_trusted: bool
) -> dict[str, Part]:
    """By occurrence id; an expired layer counts for nothing, and the wider area wins a clash of ids."""
    parts: dict[str, Part] = {}
    for layer in layers:
        if clock_trusted and now >= layer.expires_at:
            continue
        for planned in layer.occurrences:
            if _selected(planned.selector, card):
                parts.setdefault(planned.id, part_of(planned, layer.area, card.areas.index(layer.area)))
    return parts


def part_of(
    planned: PlannedOccurrence,
    area: str,
    depth: int,
    replaced: Collection[int] = (),
    alert: Alert | None = None,
) -> Part:
    """`replaced` are the slots in which `Item.instead` has sounded: they count with their own length."""
    occurrence = Occurrence(
        id=planned.id,
        start=planned.start,
        seconds=seconds_of(planned, replaced) if replaced else planned.seconds,
        priority=planned.priority,
        rank=rank_of(alert) if alert else 0,
        lateness=planned.lateness.rule,
        grace_s=planned.lateness.grace_s,
        depth=depth,
    )
    return Part(planned, area, occurrence, alert)


def rank_of(alert: Alert) -> int:
    """Neither a drill nor an all-clear takes the loudspeaker from an alert, or keeps one waiting."""
    return 0 if alert.drill or alert.only_after else alert.severity.rank + 1


def items_by_first_use(parts: Iterable[Part], begun: Collection[str], now: datetime) -> Iterator[Item]:
    """The sound of everything that has begun or still may, soonest first; a late *skip* outlasts its end."""
    needed = (part for part in parts if part.planned.id in begun or last_chance(part) > now)
    for part in sorted(needed, key=lambda part: part.planned.start):
        yield from items_of(part.planned)


def last_chance(part: Part) -> datetime:
    """When it is over if it has not begun: its end, or later when it may begin late."""
    return max(part.occurrence.end, closes(part.occurrence, begun=False))


def volume_for(planned: PlannedOccurrence, card: StationCard) -> int:
    """The card's bounds hold for everything but an emergency."""
    if planned.priority is Priority.EMERGENCY:
        return planned.volume
    return min(max(planned.volume, card.volume_min), card.volume_max)


def quiet_of(card: StationCard) -> QuietWindow | None:
    hours = card.quiet_hours
    return None if hours is None else QuietWindow(hours.begins, hours.ends, card.zone)


def _selected(selector: Selector, card: StationCard) -> bool:
    by_kind = not selector.kinds or card.kind in selector.kinds
    by_language = not selector.languages or not set(selector.languages).isdisjoint(card.languages)
    return by_kind and by_language
