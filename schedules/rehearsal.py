"""What an ideal station, never off and never late, sounds of a timetable: `decide` asked at every change."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schedules.cue import Cue, Ending, Progress, advance, decide, finished
from schedules.occurrence import Occurrence
from schedules.quiet import QuietWindow


@dataclass(frozen=True, slots=True)
class Sounding:
    """One unbroken stretch of sound. `from_s` is the position in the occurrence at `begins`."""

    occurrence: Occurrence
    begins: datetime
    ends: datetime
    from_s: float


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """In order of time; every occurrence has one ending."""

    soundings: tuple[Sounding, ...]
    endings: tuple[Ending, ...]


def rehearse(occurrences: Iterable[Occurrence], quiet: QuietWindow | None) -> Rehearsal:
    station = _IdealStation(occurrences, quiet)
    now = station.first_start()
    while now is not None:
        now = station.step(now)
    return Rehearsal(tuple(station.soundings), tuple(station.endings))


def resolve(occurrences: Iterable[Occurrence], quiet: QuietWindow | None) -> list[Sounding]:
    return list(rehearse(occurrences, quiet).soundings)


class _IdealStation:
    def __init__(self, occurrences: Iterable[Occurrence], quiet: QuietWindow | None) -> None:
        self.soundings: list[Sounding] = []
        self.endings: list[Ending] = []
        self._to_come = deque(sorted(occurrences, key=lambda one: (one.start, one.id)))
        self._quiet = quiet
        self._open: dict[str, Occurrence] = {}
        self._progress: dict[str, Progress] = {}
        self._now_playing: Sounding | None = None

    def first_start(self) -> datetime | None:
        return self._to_come[0].start if self._to_come else None

    def step(self, now: datetime) -> datetime | None:
        """Does what is to be done at `now`; returns the next instant at which something happens."""
        while self._to_come and self._to_come[0].start <= now:
            one = self._to_come.popleft()
            self._open[one.id] = one
        if self._now_playing and self._now_playing.ends <= now:
            self._finish(self._now_playing)
        cue = self._ask(now)
        self._obey(cue, now)
        ends = self._now_playing.ends if self._now_playing else None
        return min((moment for moment in (cue.wake_at, ends) if moment), default=None)

    def _ask(self, now: datetime) -> Cue:
        playing = self._now_playing.occurrence.id if self._now_playing else None
        # Of those to come only the first can matter to the answer.
        known = [*self._open.values(), *([self._to_come[0]] if self._to_come else [])]
        return decide(now, known, self._progress, playing, self._quiet)

    def _obey(self, cue: Cue, now: datetime) -> None:
        playing = self._now_playing
        if playing and playing.occurrence is not cue.sound:
            self._silence(replace(playing, ends=now))
        if cue.sound and not self._now_playing:
            rest = timedelta(seconds=cue.sound.seconds - cue.from_s)
            self._now_playing = Sounding(cue.sound, now, now + rest, cue.from_s)
        self._progress = advance(self._progress, cue, now)
        for ending in cue.endings:
            self._close(ending)

    def _finish(self, played: Sounding) -> None:
        self._silence(played)
        self._close(finished(played.occurrence, self._progress.pop(played.occurrence.id)))

    def _silence(self, played: Sounding) -> None:
        self._now_playing = None
        self.soundings.append(played)
        memory = self._progress[played.occurrence.id]
        heard_s = (played.ends - played.begins).total_seconds()
        self._progress[played.occurrence.id] = replace(memory, sounded_s=memory.sounded_s + heard_s)

    def _close(self, ending: Ending) -> None:
        del self._open[ending.occurrence.id]
        self.endings.append(ending)
