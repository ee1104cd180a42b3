"""Quiet hours: a daily window in which nothing but an emergency sounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from schedules.wall import instant, zone_of

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """From `begins` up to, not including, `ends`; over midnight if it ends before it begins.

    The same wall time for both means never quiet. Zone errors raise `UnknownZone` at first use.
    """

    begins: time
    ends: time
    zone: str

    def covers(self, moment: datetime) -> bool:
        return any(begin <= moment < end for begin, end in self._around(moment))

    def next_change(self, moment: datetime) -> datetime | None:
        """The first instant after `moment` at which `covers` changes, in UTC; None if it never does."""
        edges = (edge for window in self._around(moment) for edge in window if edge > moment)
        return min(edges, default=None)

    def _around(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        today = moment.astimezone(UTC).date()
        for offset in range(-2, 4):
            begin, end = _window(self, today + offset * _ONE_DAY)
            if begin < end:
                yield begin, end


@lru_cache(maxsize=256)
def _window(quiet: QuietWindow, day: date) -> tuple[datetime, datetime]:
    """The window that begins on `day`; empty where a change of the clock swallows it."""
    zone = zone_of(quiet.zone)
    last = day + _ONE_DAY if quiet.ends < quiet.begins else day
    return instant(day, quiet.begins, zone), instant(last, quiet.ends, zone)
