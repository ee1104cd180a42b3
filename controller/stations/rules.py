"""What can be said of a station from what was last heard of it. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from wire.messages import QuietHours, SelfTestTimes

HEARTBEAT_TIMEOUT_S = 90.0
"""Three missed heartbeats."""


LONGEST_TEST_DAYS: Final = 366
_DAY_MINUTES: Final = 24 * 60


class StationState(StrEnum):
    OK = "ok"
    UNREACHABLE = "unreachable"
    NOT_INSTALLED = "not_installed"
    NEVER_SEEN = "never_seen"


class StateReason(StrEnum):
    """On what evidence a station counts as unreachable."""

    DISCONNECTED = "disconnected"
    """The broker lost it, or it said good-bye."""
    SILENT = "silent"
    """It sent nothing for too long."""


class Activity(StrEnum):
    PLAYING = "playing"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Picture:
    """The evidence; times are when it reached us."""

    installed: bool = True
    online: bool = False
    presence_at: datetime | None = None
    heartbeat_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    state: StationState
    reason: StateReason | None = None
    heard_at: datetime | None = None
    """The last sign of life."""


def judge(picture: Picture, now: datetime, timeout_s: float) -> Verdict:
    """A heartbeat after a good-bye counts: the station came back."""
    heard_at = _last_sign_of_life(picture)
    if not picture.installed:
        return Verdict(StationState.NOT_INSTALLED, heard_at=heard_at)
    if heard_at is None and picture.presence_at is None and not picture.online:
        return Verdict(StationState.NEVER_SEEN)
    if not picture.online and not _came_back(picture):
        return Verdict(StationState.UNREACHABLE, StateReason.DISCONNECTED, heard_at)
    if heard_at is None or now - heard_at > timedelta(seconds=timeout_s):
        return Verdict(StationState.UNREACHABLE, StateReason.SILENT, heard_at)
    return Verdict(StationState.OK, heard_at=heard_at)


def _last_sign_of_life(picture: Picture) -> datetime | None:
    signs = [picture.heartbeat_at, picture.presence_at if picture.online else None]
    return max((sign for sign in signs if sign is not None), default=None)


def _came_back(picture: Picture) -> bool:
    if picture.heartbeat_at is None:
        return False
    return picture.presence_at is None or picture.heartbeat_at > picture.presence_at


def falls_in_quiet_hours(times: SelfTestTimes, quiet: QuietHours | None) -> bool:
    """Whether any minute in which the station may test itself is quiet. Both are wall times of one zone."""
    if quiet is None:
        return False
    begins, ends = _minutes(times.begins), _minutes(times.ends)
    return any(begins < until and since < ends for since, until in _quiet_spans(quiet))


def _quiet_spans(quiet: QuietHours) -> list[tuple[float, float]]:
    """Within one day, in minutes; the same time for both means never quiet."""
    since, until = _minutes(quiet.begins), _minutes(quiet.ends)
    return [(since, until)] if since <= until else [(0, until), (since, _DAY_MINUTES)]


def _minutes(wall: time) -> float:
    return wall.hour * 60 + wall.minute + wall.second / 60
