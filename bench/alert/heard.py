"""What the fleet's loudspeakers did, read from the events that its processes append."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from firmware_sim.fleet.events import Event, Happened, read

_LOOK_EVERY_S = 0.25
_TOLERANCE_S = 0.5


@dataclass
class Heard:
    """Everything so far. Reading takes time from the fleet: look only where nothing is being measured."""

    file: Path
    events: list[Event] = field(default_factory=list)
    _read_to: int = 0

    def look(self) -> None:
        fresh, self._read_to = read(self.file, self._read_to)
        self.events += fresh

    def wait(self, done: Callable[[], bool], within_s: float) -> bool:
        """False where it did not come to be in time."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            self.look()
            if done():
                return True
            time.sleep(_LOOK_EVERY_S)
        return False

    def times(self, happened: Happened, sounding: str = "", since_s: float = 0.0) -> dict[str, float]:
        """By station: when that happened first."""
        found: dict[str, float] = {}
        for one in self.events:
            if one.happened is happened and one.sounding == sounding and one.at_s >= since_s:
                found.setdefault(one.station, one.at_s)
        return found

    def count(self, happened: Happened, sounding: str) -> int:
        return len(self.times(happened, sounding))

    def over(self, sounding: str, stations: Collection[str]) -> bool:
        """It has ended or was stopped on all of these."""
        ended = self.times(Happened.ENDED, sounding).keys() | self.times(Happened.STOPPED, sounding).keys()
        return ended >= set(stations)

    def heard_twice(self) -> list[tuple[str, str]]:
        """Station and sounding where some of it came out a second time."""
        reached: defaultdict[tuple[str, str], float] = defaultdict(float)
        twice: set[tuple[str, str]] = set()
        for one in sorted(self.events, key=lambda event: event.at_s):
            key = one.station, one.sounding
            if one.happened is Happened.FIRST_FRAME and one.from_s < reached[key] - _TOLERANCE_S:
                twice.add(key)
            if one.happened in (Happened.STOPPED, Happened.ENDED):
                reached[key] = max(reached[key], one.from_s + one.sounded_s)
        return sorted(twice)
