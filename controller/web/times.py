"""Instants, days and lengths of time in words, as people here write them. Pure."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from schedules.rule import DEFAULT_ZONE

Say = Callable[..., str]
"""`say(key, **params)`: a sentence in the reader's language."""

_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400
_HALF_A_SECOND = timedelta(milliseconds=500)
"""Seconds are rounded where they are shown: what starts a millisecond early starts on time."""


def local(moment: datetime, zone: str = DEFAULT_ZONE) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def clock(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """`05:30`, or `05:30:07` where the seconds matter."""
    wall = local(moment + _HALF_A_SECOND, zone)
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"


def to_the_second(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """`05:30:00`, also for what started a millisecond before."""
    return f"{local(moment + _HALF_A_SECOND, zone):%H:%M:%S}"


def day(value: date) -> str:
    return f"{value:%d/%m/%Y}"


def day_name(say: Say, value: date, today: date) -> str:
    """`Hôm nay, 23/11/2026`; otherwise with the weekday."""
    near = {0: "web.time.today", 1: "web.time.tomorrow", -1: "web.time.yesterday"}.get((value - today).days)
    name = say(near) if near else say(f"label.weekday.{value.weekday()}")
    return f"{name}, {day(value)}"


def moment_text(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """`05:30, 23/11/2026`."""
    wall = local(moment, zone)
    return f"{wall:%H:%M}, {day(wall.date())}"


def start_text(moment: datetime, zone: str = DEFAULT_ZONE) -> str:
    """`05:30, 23/11/2026`, with the seconds where there are some."""
    return f"{clock(moment, zone)}, {day(local(moment + _HALF_A_SECOND, zone).date())}"


def duration(say: Say, seconds: float) -> str:
    """`3 phút 12 giây`; the two largest units that matter."""
    whole = max(0, round(seconds))
    if whole >= _HOUR_S:
        return _two(say, "hours", whole // _HOUR_S, "minutes", whole % _HOUR_S // _MINUTE_S)
    if whole >= _MINUTE_S:
        return _two(say, "minutes", whole // _MINUTE_S, "seconds", whole % _MINUTE_S)
    return say("web.time.seconds", count=whole)


def _two(say: Say, large: str, many: int, small: str, few: int) -> str:
    first = say(f"web.time.{large}", count=many)
    return f"{first} {say(f'web.time.{small}', count=few)}" if few else first


def ago(say: Say, now: datetime, then: datetime) -> str:
    """`12 giây trước`, in one unit."""
    seconds = max(0, round((now - then).total_seconds()))
    for unit, length in (("days", _DAY_S), ("hours", _HOUR_S), ("minutes", _MINUTE_S)):
        if seconds >= length:
            return say("web.time.ago", span=say(f"web.time.{unit}", count=seconds // length))
    return say("web.time.ago", span=say("web.time.seconds", count=seconds))


def until(say: Say, now: datetime, then: datetime) -> str:
    """`còn 3 phút 12 giây`."""
    return say("web.time.left", span=duration(say, max(timedelta(), then - now).total_seconds()))


def decimal(language: str, value: float, digits: int = 1) -> str:
    """With the reader's own decimal mark and a real minus sign."""
    text = f"{value:.{digits}f}".replace("-", "−")
    return text.replace(".", ",") if language == "vi" else text
