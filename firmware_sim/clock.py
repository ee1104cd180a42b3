"""A board's own clocks, as wrong as they can be in the field, in any event loop's time.

    machine = SimulatedClock(loop.time, drift_ppm=40)
    clock = SystemClock(state_dir / "clock.json", machine)      # the station's real judgement of it

`true_now` is the time that the village lives in.
"""

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_PPM = 1e-6
NO_BATTERY = datetime(1970, 1, 1, tzinfo=UTC)


class SimulatedClock:
    """`agent.clock.MachineClock`. Where nobody synchronises it, its crystal gains `drift_ppm`.

    `ticks` is the event loop's own time, `loop.time`: the rate is the loop's. Changes take effect at once.
    """

    def __init__(
        self,
        ticks: Callable[[], float] = time.monotonic,
        true_now: datetime | None = None,
        *,
        drift_ppm: float = 0.0,
        offset_s: float = 0.0,
        synchronised: bool = True,
    ) -> None:
        """`true_now` is the village's time at this moment, by default ours; `offset_s` is ahead of it."""
        self._ticks = ticks
        self._began_s = ticks()
        self._true_at_begin = true_now or datetime.now(UTC)
        self._drift = drift_ppm * _PPM
        self._synchronised = synchronised
        self._booted_at_s = self._set_at_s = self._began_s
        self._set_to = self._true_at_begin + timedelta(seconds=offset_s)
        self._boot = uuid.uuid4().hex

    def now(self) -> datetime:
        """What `date` would say on the board."""
        gone_s = self._ticks() - self._set_at_s
        gained_s = 0.0 if self._synchronised else gone_s * self._drift
        return self._set_to + timedelta(seconds=gone_s + gained_s)

    def monotonic_s(self) -> float:
        return self._ticks()

    def since_boot_s(self) -> float:
        return (self._ticks() - self._booted_at_s) * (1 + self._drift)

    def is_synchronised(self) -> bool:
        return self._synchronised

    def boot_id(self) -> str:
        return self._boot

    def true_now(self) -> datetime:
        return self._true_at_begin + timedelta(seconds=self._ticks() - self._began_s)

    def error_s(self) -> float:
        """How far its wall clock is ahead."""
        return (self.now() - self.true_now()).total_seconds()

    def set(self, to: datetime) -> None:
        """Somebody sets the wall clock."""
        self._set_to, self._set_at_s = to, self._ticks()

    def step(self, seconds: float) -> None:
        """Forwards, or with a minus backwards."""
        self.set(self.now() + timedelta(seconds=seconds))

    def drift(self, ppm: float) -> None:
        """From now on the crystal gains this much: heat, age."""
        now, since_boot_s = self.now(), self.since_boot_s()
        self._drift = ppm * _PPM
        self.set(now)
        self._booted_at_s = self._ticks() - since_boot_s / (1 + self._drift)

    def synchronise(self, error_s: float = 0.0) -> None:
        """A time service has reached its server: the wall clock is right but for `error_s`, and stays so."""
        self.set(self.true_now() + timedelta(seconds=error_s))
        self._synchronised = True

    def lose_synchronisation(self) -> None:
        """The kernel calls it unsynchronised from now on, and it drifts."""
        self.set(self.now())
        self._synchronised = False

    def boot(self, at: datetime = NO_BATTERY) -> None:
        """Power on: the wall clock begins at `at`, and nobody has synchronised it yet."""
        self._boot = uuid.uuid4().hex
        self._booted_at_s = self._ticks()
        self._synchronised = False
        self.set(at)
