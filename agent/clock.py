"""What time it is, and how far that can be believed.

A board without a real-time clock starts in the past. The wall clock is believed only after the kernel has
called it synchronised (by NTP, GPS or a disciplined clock) since the board was switched on, and never behind
the floor kept on disk. A lost link does not take the trust away at once: a crystal drifts about 2 s a day.
"""

import ctypes
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from agent.files import write_durably
from wire.ids import ClockTrust

log = logging.getLogger(__name__)

FLOOR_STEP = timedelta(hours=1)
HOLD_S = 48 * 3600.0
_TIMEX_BYTES = 512
_TIME_ERROR = 5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """The station's idea of time; `monotonic_s` never jumps and is what speakers count in."""

    def now(self) -> datetime: ...

    def monotonic_s(self) -> float: ...

    def trust(self) -> ClockTrust: ...

    def keep(self) -> None:
        """Called every minute or so: remember on disk how far time has come. Raises OSError."""


class AssumedClock:
    """The machine's clock, believed without asking. For simulation."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def trust(self) -> ClockTrust:
        return ClockTrust.TRUSTED

    def keep(self) -> None:
        return None


def kernel_synchronised() -> bool:
    """adjtimex(2): the kernel's clock state is anything but TIME_ERROR."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    return 0 <= state < _TIME_ERROR


def boot_id() -> str:
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"


class SystemClock:
    """The machine's clock with a floor on disk.

    TRUSTED: synchronised within the last 48 h · STALE: synchronised since power-on, longer ago · UNKNOWN: not
    since power-on, or behind the floor.
    """

    def __init__(
        self,
        floor_file: Path,
        synchronised: Callable[[], bool] = kernel_synchronised,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        since_boot_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        boot: str | None = None,
    ) -> None:
        self._file = floor_file
        self._synchronised = synchronised
        self._now = now
        self._since_boot_s = since_boot_s
        self._boot = boot or boot_id()
        self._floor: datetime | None = None
        self._synchronised_at_s: float | None = None
        self._load()

    def now(self) -> datetime:
        return self._now()

    def monotonic_s(self) -> float:
        return time.monotonic()

    def trust(self) -> ClockTrust:
        if self._floor is not None and self._now() < self._floor:
            return ClockTrust.UNKNOWN
        if self._synchronised():
            self._synchronised_at_s = self._since_boot_s()
        if self._synchronised_at_s is None:
            return ClockTrust.UNKNOWN
        held_s = self._since_boot_s() - self._synchronised_at_s
        return ClockTrust.TRUSTED if held_s <= HOLD_S else ClockTrust.STALE

    def keep(self) -> None:
        now = self._now()
        if self.trust() is ClockTrust.UNKNOWN or (self._floor is not None and now < self._floor + FLOOR_STEP):
            return
        self._floor = now
        record = {"floor": now.isoformat(), "boot": self._boot, "synchronised_at_s": self._synchronised_at_s}
        write_durably(self._file, json.dumps(record).encode())

    def _load(self) -> None:
        if not self._file.exists():
            return
        try:
            record = json.loads(self._file.read_bytes())
            self._floor = datetime.fromisoformat(record["floor"])
            if record["boot"] == self._boot:
                self._synchronised_at_s = record["synchronised_at_s"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("clock floor unreadable, starting without it: %s", error)
