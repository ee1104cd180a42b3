"""A day of broadcasts and alerts pressed into a minute, for stations whose power is cut all the time."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from tests.support.centre import Centre
from tests.support.sounds import RATE_HZ, Samples, Sound
from tests.support.spoken_alert import spoken
from wire import topics
from wire.alerts import Alert, AlertBoard
from wire.ids import LatenessRule, Priority
from wire.messages import Lateness, PlannedOccurrence

AREA = "ta-van"
EVERY_S = 3.0
ALERT_EVERY_S = 14.0
AHEAD = timedelta(seconds=10)
FRESH_EVERY = 5
"""Of so many broadcasts one has a sound that no station holds yet."""


@dataclass
class CutProgramme:
    """`go_on` publishes what is next; `planned` and `alerts` are all that it ever published."""

    centre: Centre
    make_sound: Callable[..., Sound]
    planned: dict[str, PlannedOccurrence] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    sounds: dict[str, Samples] = field(default_factory=dict)
    _version: int = 0
    _next_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    _alert_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _number: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._signal = self.make_sound(1.0, 100)
        self.signal_s = len(self._signal.samples) / RATE_HZ
        self._usual = [self.make_sound(seconds, 200 + at) for at, seconds in enumerate((2.0, 3.5, 2.5))]
        self._next_at += timedelta(seconds=4)
        self._alert_at += timedelta(seconds=12)

    def go_on(self) -> None:
        """To be called again and again."""
        now = datetime.now(UTC)
        if self._next_at < now + AHEAD:
            while self._next_at < now + 2 * AHEAD:
                self._plan_one(self._next_at)
                self._next_at += timedelta(seconds=EVERY_S)
            self._publish(now)
        if self._alert_at < now:
            self._alert_at = now + timedelta(seconds=ALERT_EVERY_S)
            self._post(now)

    @property
    def ends_at(self) -> datetime:
        """Of the last that is planned."""
        ends = (one.start + timedelta(seconds=one.seconds) for one in self.planned.values())
        return max(ends)

    def source_of(self, occurrence: str) -> Samples:
        """All of it, as it is heard without a cut."""
        return self.sounds[occurrence]

    def _plan_one(self, start: datetime) -> None:
        number = next(self._number)
        fresh = number % FRESH_EVERY == FRESH_EVERY - 1
        sound = self.make_sound(2.5, 1000 + number) if fresh else self._usual[number % len(self._usual)]
        rule = LatenessRule.SKIP if number % 2 else LatenessRule.RESUME
        id_ = f"ban-tin-{number}@{start:%Y%m%dT%H%M%SZ}"
        self.sounds[id_] = sound.samples
        self.planned[id_] = PlannedOccurrence(
            id=id_,
            schedule=f"ban-tin-{number}",
            start=start,
            items=(sound.item,),
            volume=100,
            priority=Priority.PRIORITY if number % 7 == 6 else Priority.NORMAL,
            lateness=Lateness(rule=rule, grace_s=2.0),
        )

    def _publish(self, now: datetime) -> None:
        self._version += 1
        recent = (one for one in self.planned.values() if one.start > now - timedelta(minutes=5))
        self.centre.send_plan(*recent, area=AREA, version=self._version)

    def _post(self, now: datetime) -> None:
        number = next(self._number)
        voice = self.make_sound(4.5, 1000 + number)
        alert = spoken(self._signal.item, voice.item, number, now)
        self.alerts[alert.sounding] = alert
        self.sounds[alert.sounding] = np.concatenate([self._signal.samples, voice.samples])
        board = AlertBoard(
            area=AREA,
            version=round(now.timestamp() * 1000),
            issued_at=now,
            alerts=tuple(self.alerts.values())[-4:],
        )
        self.centre.send(topics.alerts(AREA), board)
