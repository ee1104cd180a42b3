"""The one line that says what a fleet is doing: rewritten on a terminal, every ten seconds in a log."""

import sys
import time
from collections import deque
from collections.abc import Callable

from firmware_sim.fleet.census import Census, added
from firmware_sim.wording import say_in

LOGGED_EVERY_S = 10.0
_SPAN_S = 5.0


class ProgressLine:
    """`show` a census of the whole fleet, about every second."""

    def __init__(self, language: str) -> None:
        self._say = say_in(language)
        self._seen: deque[tuple[float, int]] = deque()
        self._written_at_s: float | None = None

    def show(self, census: Census) -> None:
        now_s = time.monotonic()
        line = self.line(census, now_s)
        if sys.stdout.isatty():
            sys.stdout.write(f"\r\x1b[2K{line}")
        elif self._written_at_s is None or now_s - self._written_at_s >= LOGGED_EVERY_S:
            self._written_at_s = now_s
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def line(self, census: Census, now_s: float) -> str:
        values = census.model_dump() | {
            "at": f"{census.at:%Y-%m-%d %H:%M:%S}",
            "rate": f"{census.rate:g}",
            "late_ms": round(census.late_ms),
            "connects_per_s": round(self._connects_per_s(census.connects, now_s), 1),
        }
        return self._say("progress.line", **values)

    def _connects_per_s(self, connects: int, now_s: float) -> float:
        """In our time, over the last few seconds."""
        self._seen.append((now_s, connects))
        while len(self._seen) > 2 and now_s - self._seen[0][0] > _SPAN_S:
            self._seen.popleft()
        begun_s, before = self._seen[0]
        return (connects - before) / (now_s - begun_s) if now_s > begun_s else 0.0


class AddedUp:
    """Once every process has told its own, the sum goes on to `show`."""

    def __init__(self, processes: int, show: Callable[[Census], None]) -> None:
        self._processes = processes
        self._show = show
        self._told: dict[int, Census] = {}

    def take(self, number: int, census: Census) -> None:
        self._told[number] = census
        if len(self._told) == self._processes:
            self._show(added(self._told.values()))
            self._told.clear()


def hand_up(census: Census) -> None:
    """From one process of several to its parent."""
    sys.stdout.write(census.model_dump_json() + "\n")
    sys.stdout.flush()
