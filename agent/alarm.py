"""The alarm clock: it only wakes the conductor, which then asks the plan what to do."""

import asyncio
from collections.abc import Callable
from datetime import datetime


class Alarm:
    """At most one wake-up is set, by the station's clock; it is to be set anew when that clock was set."""

    def __init__(self, ring: Callable[[], None], now: Callable[[], datetime]) -> None:
        self._ring = ring
        self._now = now
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: datetime | None) -> None:
        """An instant that has passed rings at once. Needs a running event loop."""
        self.stop()
        if at is not None:
            pause_s = max((at - self._now()).total_seconds(), 0.0)
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._ring)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
