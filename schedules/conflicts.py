"""Which broadcasts of a timetable want the loudspeaker at the same time, and what that does to them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schedules.cue import closes, position_s
from schedules.occurrence import Occurrence
from wire.ids import LatenessRule


class Effect(StrEnum):
    """What the loser of a conflict loses, if nothing else were planned."""

    DELAYED = "delayed"
    """It is heard whole, but later."""
    LOSES_BEGINNING = "loses_beginning"
    LOSES_MIDDLE = "loses_middle"
    LOSES_END = "loses_end"
    NOT_HEARD = "not_heard"


@dataclass(frozen=True, slots=True)
class Conflict:
    """`first` starts first; `overlap_s` is how long both want to sound."""

    first: Occurrence
    second: Occurrence
    overlap_s: float
    loser: Occurrence
    effect: Effect

    @property
    def winner(self) -> Occurrence:
        return self.second if self.loser is self.first else self.first


def conflicts(occurrences: Iterable[Occurrence], among: Collection[str] | None = None) -> list[Conflict]:
    """Every pair that overlaps, ordered by the start of the second.

    With `among`, only the pairs that hold one of these ids.
    """
    return [
        _judge(first, second)
        for first, second in _overlapping(occurrences)
        if among is None or first.id in among or second.id in among
    ]


def _overlapping(occurrences: Iterable[Occurrence]) -> Iterator[tuple[Occurrence, Occurrence]]:
    """A sweep over the starts; costs the number of pairs, not the square of the number of occurrences."""
    running: list[tuple[datetime, Occurrence]] = []
    for one in sorted(occurrences, key=lambda one: (one.start, one.depth, one.id)):
        running = [(end, earlier) for end, earlier in running if end > one.start]
        if one.seconds > 0:
            yield from ((earlier, one) for _, earlier in running)
            running.append((one.end, one))


def _judge(first: Occurrence, second: Occurrence) -> Conflict:
    loser, winner = (first, second) if second.strength > first.strength else (second, first)
    overlap_s = (min(first.end, second.end) - second.start).total_seconds()
    return Conflict(first, second, overlap_s, loser, _effect(loser, winner))


def _effect(loser: Occurrence, winner: Occurrence) -> Effect:
    begun = loser.start < winner.start
    lost_for_good = winner.end >= closes(loser, begun=begun)
    if begun and lost_for_good:
        return Effect.LOSES_END
    if begun and loser.lateness is not LatenessRule.CONTINUE:
        return Effect.LOSES_MIDDLE
    if lost_for_good:
        return Effect.NOT_HEARD
    return Effect.LOSES_BEGINNING if position_s(loser, winner.end, begun=False) else Effect.DELAYED
