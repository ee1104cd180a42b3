"""The alert path's messages (DESIGN section 3): boards and standing sounds are signed, receipts are plain."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from wire.base import Language, Message, Seconds, UtcDatetime
from wire.ids import (
    AlertId,
    AlertKind,
    AlertProgress,
    AreaId,
    ClockTrust,
    OccurrenceId,
    Severity,
    StationId,
)
from wire.messages import Item, Lateness

MAX_VERSION: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: who signs a higher one by mistake locks nobody out."""

Version = Annotated[int, Field(ge=1, le=MAX_VERSION)]


def _known_kind(kind: object) -> object:
    return AlertKind.OTHER if isinstance(kind, str) and kind not in tuple(AlertKind) else kind


def _known_severity(severity: object) -> object:
    unknown = isinstance(severity, str) and severity not in tuple(Severity)
    return Severity.UNKNOWN if unknown else severity


class Voice(Message):
    """What an alert says in one language, its items in order; twelve voices fit into one occurrence."""

    language: Language
    items: tuple[Item, ...] = Field(min_length=1, max_length=8)


class Alert(Message):
    """One alert in force, as stations sound it: signal, the voices `repeats` times, closing.

    `revision` grows with every act on the alert. What is heard has an id of its own, `sounding`: a revision
    that keeps it (a longer validity) is not heard again, one that changes it silences the old sound first.
    Each station takes the voices of its own languages in its own order, or all if it has none of them.
    """

    id: AlertId
    revision: Annotated[int, Field(ge=1)]
    sounding: OccurrenceId
    kind: Annotated[AlertKind, BeforeValidator(_known_kind)]
    """*other* also for one that only a newer centre knows."""
    severity: Annotated[Severity, BeforeValidator(_known_severity)]
    """*unknown* also for one that only a newer centre knows."""
    drill: bool = False
    title: str = Field(default="", max_length=200)
    sent_at: UtcDatetime
    """When this sounding was ordered."""
    expires_at: UtcDatetime
    signal: Item
    voices: tuple[Voice, ...] = Field(min_length=1, max_length=12)
    closing: Item | None = None
    repeats: Annotated[int, Field(ge=1, le=10)] = 3
    gap_s: Seconds = 1.0
    lateness: Lateness
    """*continue*, its grace the whole validity: late comers play it. *skip*: only who is in time."""
    only_after: tuple[OccurrenceId, ...] = Field(default=(), max_length=50)
    """Where not empty: sounds only where one of these has been heard (the all-clear of an alert)."""

    @property
    def validity(self) -> timedelta:
        """How long a station without a trusted clock keeps it, from receipt."""
        return self.expires_at - self.sent_at

    def voices_for(self, languages: Sequence[str]) -> tuple[Voice, ...]:
        """What a station with these languages says, in its order; all voices where it has none of them."""
        said = {voice.language: voice for voice in self.voices}
        return tuple(said[one] for one in dict.fromkeys(languages) if one in said) or self.voices


class AlertBoard(Message):
    """All alerts in force in an area, for every station under it. What is not on it any more falls silent.

    `version` is a time in milliseconds since 1970, or one more than the last, whichever is higher.
    """

    type: Literal["alerts"] = "alerts"
    area: AreaId
    version: Version
    issued_at: UtcDatetime
    alerts: tuple[Alert, ...] = Field(default=(), max_length=50)


class StandingSound(Message):
    """A sound to hold in advance. Without a language it is for every station (signals, chimes)."""

    item: Item
    kind: Annotated[AlertKind | None, BeforeValidator(_known_kind)] = None
    language: Language | None = None


class StandingLayer(Message):
    """What the stations under an area hold for the alerts to come."""

    type: Literal["standing"] = "standing"
    area: AreaId
    version: Version
    issued_at: UtcDatetime
    sounds: tuple[StandingSound, ...] = Field(default=(), max_length=1000)


class AlertReceipt(Message):
    """Told within a second of each change; the end of the sounding is a `PlaybackReport` on `sounding`."""

    station: StationId
    alert: AlertId
    revision: Annotated[int, Field(ge=1)]
    sounding: OccurrenceId
    progress: AlertProgress
    at: UtcDatetime
    clock: ClockTrust
    first_frame_at: UtcDatetime | None = None
