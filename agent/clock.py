"""What time it is, and how far that can be believed.

A board without a real-time clock starts in the past. The wall clock is believed only after the kernel has
called it synchronised (by NTP, GPS or a disciplined clock) since the board was switched on. Where nobody
synchronises it, the controller's signed notices are the time, see `agent.noticed`. Neither is believed behind
the floor kept on disk, nor against what the controller says. A lost link does not take the trust away at
once: a crystal drifts a few seconds a day.
"""

import ctypes
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from agent.files import write_durably
from agent.noticed import Anchor, NoticedTime
from wire.ids import ClockTrust

log = logging.getLogger(__name__)

FLOOR_STEP = timedelta(hours=1)
FLOOR_LEAP = timedelta(days=1)
"""A time further ahead of the floor becomes the floor only when it has gone on for an hour without a jump."""
SLACK = timedelta(minutes=10)
"""So far behind what is known for certain a clock is still only inexact."""
HOLD_S = 48 * 3600.0
NOTICES_EVERY_S = 600.0
"""A synchronised clock looks at the controller's notices only so often."""
_TIMEX_BYTES = 512
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """The station's idea of time; `monotonic_s` never jumps and is what speakers count in."""

    def now(self) -> datetime: ...

    def monotonic_s(self) -> float:
        """The same as the event loop's own time."""

    def trust(self) -> ClockTrust: ...

    def wants_notice(self) -> bool:
        """Whether the controller's time is of any use now."""

    def heed_notice(self, at: datetime) -> None:
        """The controller has said, signed, that it is `at`; it cannot be earlier."""

    def heed_issue(self, at: datetime) -> None:
        """A signed document was issued `at`: it is later by now."""

    def keep(self) -> None:
        """Called every minute or so: remember on disk how far time has come. Raises OSError."""


class MachineClock(Protocol):
    """The board's own clocks, as its kernel tells them."""

    def now(self) -> datetime:
        """The wall clock, however wrong."""

    def monotonic_s(self) -> float: ...

    def since_boot_s(self) -> float:
        """Seconds since power-on by the board's crystal, sleep included."""

    def is_synchronised(self) -> bool:
        """Somebody keeps the wall clock right."""

    def boot_id(self) -> str:
        """Another one after each power-on."""


class LinuxClock:
    """`is_synchronised` is adjtimex(2): timesyncd, or chrony with `rtcsync`, has ended TIME_ERROR."""

    def __init__(self) -> None:
        self._adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def since_boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def is_synchronised(self) -> bool:
        timex = ctypes.create_string_buffer(_TIMEX_BYTES)
        state: int = self._adjtimex(timex)
        return 0 <= state < _TIME_ERROR

    def boot_id(self) -> str:
        return boot_id()


def boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"


class AssumedClock:
    """The machine's clock, believed without asking. For simulation."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def trust(self) -> ClockTrust:
        return ClockTrust.TRUSTED

    def wants_notice(self) -> bool:
        return False

    def heed_notice(self, at: datetime) -> None:
        return None

    def heed_issue(self, at: datetime) -> None:
        return None

    def keep(self) -> None:
        return None


class _Reading(NamedTuple):
    now: datetime
    trust: ClockTrust


class SystemClock:
    """The machine's clock, the controller's notices, and a floor on disk.

    | trust   | stands on                                                                             |
    |---------|---------------------------------------------------------------------------------------|
    | TRUSTED | the machine's clock, synchronised within the last 48 h                                |
    | STALE   | the controller's notices; or the machine's clock, synchronised longer ago             |
    | UNKNOWN | nothing since power-on; or the controller says that it is another time than our clock |

    A machine's clock behind the floor, or set by somebody since it was right, counts as never synchronised.
    """

    def __init__(self, file: Path, machine: MachineClock | None = None) -> None:
        self._file = file
        self._machine = machine or LinuxClock()
        self._boot = self._machine.boot_id()
        self._floor: datetime | None = None
        self._kept_at: datetime | None = None
        self._steady_since: tuple[float, datetime] | None = None
        self._issued: datetime | None = None
        self._synchronised_at_s: float | None = None
        self._right_at: tuple[float, datetime] | None = None
        self._noticed_at_s: float | None = None
        self._shift = timedelta(0)
        self._noticed = NoticedTime()
        self._kept_anchor = False
        self._last = ClockTrust.UNKNOWN
        self._load()

    def now(self) -> datetime:
        return self._read().now

    def monotonic_s(self) -> float:
        return self._machine.monotonic_s()

    def trust(self) -> ClockTrust:
        trust = self._read().trust
        if trust is not self._last:
            log.info("clock: trust=%s before=%s now=%s", trust, self._last, self.now())
            self._last = trust
        return trust

    def wants_notice(self) -> bool:
        since_s = self._noticed_at_s
        if since_s is None or self.trust() is not ClockTrust.TRUSTED:
            return True
        return self._machine.since_boot_s() - since_s >= NOTICES_EVERY_S

    def heed_notice(self, at: datetime) -> None:
        self._noticed_at_s = self._machine.since_boot_s()
        self._noticed.hear(at.timestamp(), self._noticed_at_s)

    def heed_issue(self, at: datetime) -> None:
        self._issued = at if self._issued is None else max(self._issued, at)

    def keep(self) -> None:
        now, trust = self._read()
        if trust is ClockTrust.UNKNOWN:
            self._steady_since = None
            return
        is_steady = self._is_steady(now)
        new_anchor = self._noticed.anchor is not None and not self._kept_anchor
        if self._kept_at is not None and abs(now - self._kept_at) < FLOOR_STEP and not new_anchor:
            return
        floor = self._floor_by(now, is_steady=is_steady)
        record = {
            "floor": floor.isoformat(),
            "boot": self._boot,
            "synchronised_at_s": self._synchronised_at_s,
            "rate": self._noticed.rate,
            "anchor": asdict(self._noticed.anchor) if self._noticed.anchor else None,
        }
        write_durably(self._file, json.dumps(record).encode())
        self._floor, self._kept_at = floor, now
        self._kept_anchor = self._noticed.anchor is not None

    def _floor_by(self, now: datetime, *, is_steady: bool) -> datetime:
        """A moment's mistake must not become the floor: it would keep out what is right for good."""
        if self._floor is None:
            return now
        leaps = now > self._floor + FLOOR_LEAP
        return self._floor if leaps and not is_steady else max(now, self._floor)

    def _is_steady(self, now: datetime) -> bool:
        since_boot_s = self._machine.since_boot_s()
        at_s, at = self._steady_since or (since_boot_s, now)
        gone_s = since_boot_s - at_s
        if abs((now - at).total_seconds() - gone_s) > SLACK.total_seconds():
            at_s, at, gone_s = since_boot_s, now, 0.0
        self._steady_since = at_s, at
        return gone_s >= FLOOR_STEP.total_seconds()

    def _read(self) -> _Reading:
        """See the table above; where two who should know contradict each other, neither is believed."""
        since_boot_s, system = self._machine.since_boot_s(), self._machine.now()
        self._doubt_floor(since_boot_s, system)
        held_s = self._held_s(since_boot_s, system)
        noticed = self._time_noticed(since_boot_s)
        said = self._said(since_boot_s)
        if held_s is not None and (held_s <= HOLD_S or noticed is None):
            is_behind = said is not None and system < said - SLACK
            if is_behind or self._is_ahead_of_notices(system, since_boot_s):
                return _Reading(self._at_least(system, said), ClockTrust.UNKNOWN)
            return _Reading(system, ClockTrust.TRUSTED if held_s <= HOLD_S else ClockTrust.STALE)
        if noticed is not None:
            return _Reading(noticed, ClockTrust.STALE)
        return _Reading(self._at_least(system, said), ClockTrust.UNKNOWN)

    def _is_ahead_of_notices(self, system: datetime, since_boot_s: float) -> bool:
        """Of those that agree and come now; without a link nobody takes the machine's clock its trust."""
        utc_s, heard_at_s = self._noticed.utc_at(since_boot_s), self._noticed_at_s
        if utc_s is None or heard_at_s is None or since_boot_s - heard_at_s > 2 * NOTICES_EVERY_S:
            return False
        return system.timestamp() - utc_s > SLACK.total_seconds()

    def _held_s(self, since_boot_s: float, system: datetime) -> float | None:
        """How long ago the machine's clock was right; None where it never was."""
        if self._is_behind(system):
            return None
        if self._machine.is_synchronised():
            self._synchronised_at_s, self._right_at = since_boot_s, (since_boot_s, system)
        elif self._was_set(since_boot_s, system):
            self._synchronised_at_s = None
        return None if self._synchronised_at_s is None else since_boot_s - self._synchronised_at_s

    def _was_set(self, since_boot_s: float, system: datetime) -> bool:
        """By hand, or by a broken clock chip: since it was right it has gone another way than the crystal."""
        if self._right_at is None:
            return False
        right_at_s, right = self._right_at
        gone_wrong_s = (system - right).total_seconds() - (since_boot_s - right_at_s)
        return abs(gone_wrong_s) > SLACK.total_seconds()

    def _at_least(self, system: datetime, said: datetime | None) -> datetime:
        """Not behind what is known for certain, and going on from there as the machine's clock goes."""
        bound = max(filter(None, (said, self._floor)), default=system)
        if system >= bound:
            return system
        self._shift = max(self._shift, bound - system)
        return system + self._shift

    def _doubt_floor(self, since_boot_s: float, system: datetime) -> None:
        """Two who do not know of each other say the same: a floor ahead of them came from a mistake."""
        utc_s = self._noticed.utc_at(since_boot_s)
        if utc_s is None or not self._is_behind(system) or not self._machine.is_synchronised():
            return
        if abs(system.timestamp() - utc_s) <= SLACK.total_seconds():
            log.warning("clock floor given up: floor=%s now=%s", self._floor, system)
            self._floor = self._kept_at = None

    def _is_behind(self, time_: datetime) -> bool:
        return self._floor is not None and time_ < self._floor - SLACK

    def _time_noticed(self, since_boot_s: float) -> datetime | None:
        utc_s = self._noticed.utc_at(since_boot_s)
        noticed = None if utc_s is None else datetime.fromtimestamp(utc_s, UTC)
        return None if noticed is None or self._is_behind(noticed) else noticed

    def _said(self, since_boot_s: float) -> datetime | None:
        """It is at least so late, by the controller's last notice; before the first one, by its documents."""
        bound_s = self._noticed.bound_at(since_boot_s)
        return self._issued if bound_s is None else datetime.fromtimestamp(bound_s, UTC)

    def _load(self) -> None:
        if not self._file.exists():
            return
        try:
            record = json.loads(self._file.read_bytes())
            self._floor = datetime.fromisoformat(record["floor"])
            self._remember(record)
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("clock floor unreadable, starting without it: %s", error)

    def _remember(self, record: Mapping[str, Any]) -> None:
        """Of this power-on everything; of the ones before only how fast the crystal runs."""
        rate = float(record.get("rate", 0.0))
        self._noticed = NoticedTime(rate=rate)
        if record["boot"] == self._boot:
            self._synchronised_at_s = record["synchronised_at_s"]
            if record.get("anchor"):
                self._noticed = NoticedTime(Anchor(**record["anchor"]))
