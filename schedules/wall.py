"""From wall time in a named zone to UTC, as RFC 5545 (3.3.5) reads it."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from schedules.errors import UnknownZone


def zone_of(name: str) -> ZoneInfo:
    """Raises `UnknownZone`."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise UnknownZone(name) from error


def instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """A wall time inside a gap is read with the offset before it; one that comes twice is the first."""
    return datetime.combine(day, wall.replace(fold=0), tzinfo=zone).astimezone(UTC)
