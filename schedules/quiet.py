"""Quiet hours: a daily window in which nothing but an emergency sounds."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from schedules.wall import instant, zone_of

_Window = tuple[datetime, datetime]
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
        return _inside(self._around(moment), moment)

    def next_change(self, moment: datetime) -> datetime | None:
        """The first instant after `moment` at which `covers` changes, in UTC; None if it never does."""
        windows = self._around(moment)
        quiet_now = _inside(windows, moment)
        edges = (edge for window in windows for edge in window if edge > moment)
        return min((edge for edge in edges if _inside(windows, edge) != quiet_now), default=None)

    def _around(self, moment: datetime) -> list[_Window]:
        """The windows of the days nearby; a change of the clock can swallow one."""
        zone = zone_of(self.zone)
        overnight = self.ends < self.begins
        today = moment.astimezone(UTC).date()
        days = [today + offset * _ONE_DAY for offset in range(-2, 4)]
        windows = [
            (
                instant(day, self.begins, zone),
                instant(day + _ONE_DAY if overnight else day, self.ends, zone),
            )
            for day in days
        ]
        return [(begin, end) for begin, end in windows if begin < end]


def _inside(windows: list[_Window], moment: datetime) -> bool:
    return any(begin <= moment < end for begin, end in windows)


@lru_cache(maxsize=4096)
def silence_after(quiet: QuietWindow, start: datetime) -> datetime | None:
    """The first quiet instant from `start` on, `start` itself included; None if it is never quiet."""
    return start if quiet.covers(start) else quiet.next_change(start)
