"""Every message between controller and station. Times are aware UTC; units are in the names.

Signed documents (they can make a loudspeaker sound): `PlanLayer`, `StationCard`, `TimeNotice`; alerts are in
`wire.alerts`.
Plain messages: `Presence`, `Heartbeat`, `ReportBatch` from the station, `Ack` from the controller.
Unknown fields are ignored, so that a newer side can speak to an older one.
"""

from datetime import time
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from wire.base import Count, Language, Mark, Message, Seconds, UtcDatetime, Volume
from wire.errors import RefusalReason
from wire.evidence import AmplifierState, LinkState, SelfTestResult, StorageState
from wire.ids import (
    AreaId,
    ClockTrust,
    LatenessRule,
    OccurrenceId,
    Outcome,
    OutcomeReason,
    Priority,
    ScheduleId,
    Sha256,
    StationId,
    StationKind,
)


class Item(Message):
    """One content-addressed Ogg Opus file; `instead` sounds where it is not at hand when its turn comes."""

    sha256: Sha256
    seconds: Seconds
    size_bytes: Annotated[int, Field(gt=0)]
    instead: "Item | None" = None


class Lateness(Message):
    """`grace_s` is how late *skip* may still begin; *resume* joins at the elapsed position however late."""

    rule: LatenessRule
    grace_s: Seconds = 10.0


class Selector(Message):
    """Which stations under the area; an empty tuple means every one."""

    kinds: tuple[StationKind, ...] = ()
    languages: tuple[Language, ...] = ()


class PlannedOccurrence(Message):
    """One broadcast at one instant: `items` in order, `repeats` times, `gap_s` apart.

    `opening` and `closing` sound once, before and after them.
    """

    id: OccurrenceId
    schedule: ScheduleId
    title: str = Field(default="", max_length=200)
    start: UtcDatetime
    items: tuple[Item, ...] = Field(min_length=1, max_length=100)
    repeats: Annotated[int, Field(ge=1, le=20)] = 1
    gap_s: Seconds = 0.0
    opening: tuple[Item, ...] = Field(default=(), max_length=10)
    closing: tuple[Item, ...] = Field(default=(), max_length=10)
    priority: Priority = Priority.NORMAL
    volume: Volume = 80
    lateness: Lateness
    selector: Selector = Selector()

    @property
    def seconds(self) -> float:
        """From the first sample to the last, gaps included."""
        once = sum(item.seconds for item in self.items)
        around = sum(item.seconds for item in (*self.opening, *self.closing))
        return around + once * self.repeats + self.gap_s * (self.repeats - 1)


class PlanLayer(Message):
    """What an area adds to the day of every station under it, for the next 14 days."""

    type: Literal["plan"] = "plan"
    area: AreaId
    version: Annotated[int, Field(ge=1)]
    issued_at: UtcDatetime
    expires_at: UtcDatetime
    occurrences: tuple[PlannedOccurrence, ...] = ()


class QuietHours(Message):
    """Wall times in the station's zone; may run over midnight. Nothing but an emergency sounds inside."""

    begins: time
    ends: time


class SelfTestTimes(Message):
    """When a station may test itself: wall times in its zone, `begins` before `ends`, never in quiet hours.

    The audible test sounds a short sweep; the silent one stays far below hearing. 0 days is never.
    """

    begins: time = time(8, 0)
    ends: time = time(10, 0)
    audible_every_days: Annotated[int, Field(ge=0, le=366)] = 30
    silent_every_days: Annotated[int, Field(ge=0, le=366)] = 7


class StationCard(Message):
    """Who a station is and what it may do. `areas` is its chain, from the province down to its own area."""

    type: Literal["card"] = "card"
    station: StationId
    version: Annotated[int, Field(ge=1)]
    issued_at: UtcDatetime
    name: str = Field(max_length=200)
    kind: StationKind
    areas: tuple[AreaId, ...] = Field(min_length=1)
    zone: str
    languages: tuple[Language, ...] = ("vi",)
    volume_min: Volume = 0
    volume_max: Volume = 100
    emergency_volume: Volume = 100
    quiet_hours: QuietHours | None = None
    self_test: SelfTestTimes = SelfTestTimes()
    media_url: str
    """Where sound is fetched: `{media_url}/{sha256}.opus`."""


class TimeNotice(Message):
    """The controller's time, for boards whose own clock nobody sets. Never retained."""

    type: Literal["time"] = "time"
    at: UtcDatetime


class Presence(Message):
    """Retained; the last will is the same message with `online` false."""

    station: StationId
    online: bool
    boot_id: Mark
    program_version: Annotated[Mark, Field(max_length=32)]
    at: UtcDatetime | None = None
    """None in the last will, which is written before the moment it tells of."""


class NowPlaying(Message):
    occurrence: OccurrenceId
    position_s: Seconds
    priority: Priority


class HeldLayer(Message):
    """A plan layer as the station holds it."""

    area: AreaId
    version: int


class CacheState(Message):
    """Scheduled sound held, out of all that the plan names; the first missing ones by name."""

    held: Count
    wanted: Count
    missing: tuple[Sha256, ...] = Field(default=(), max_length=20)
    bytes_held: Count = 0
    bytes_free: Count | None = None


class Refusal(Message):
    """A document that the station would not accept; the controller shows it."""

    topic: str
    reason: RefusalReason
    at: UtcDatetime


class Heartbeat(Message):
    """Every 30 s: what the station knows of itself."""

    station: StationId
    boot_id: Mark
    at: UtcDatetime
    uptime_s: Seconds
    clock: ClockTrust
    playing: NowPlaying | None = None
    card_version: int | None = None
    layers: tuple[HeldLayer, ...] = ()
    cache: CacheState
    standing: CacheState | None = None
    """The standing sounds alone; None from an older station."""
    boards: tuple[HeldLayer, ...] = ()
    """Alert boards, by area."""
    volume: Volume | None = None
    outbox: Count = 0
    """Reports that the controller has not acknowledged yet."""
    refusals: tuple[Refusal, ...] = Field(default=(), max_length=20)
    amplifier: AmplifierState | None = None
    """None where the board has none, or from an older station; so with all that follow."""
    acoustic_test: SelfTestResult | None = None
    electrical_test: SelfTestResult | None = None
    storage: StorageState | None = None
    link: LinkState | None = None


def _known_reason(reason: object) -> object:
    return None if isinstance(reason, str) and reason not in tuple(OutcomeReason) else reason


class PlaybackReport(Message):
    """The one end of one occurrence on one station. Seconds come from the sound card's frame count."""

    id: Mark
    occurrence: OccurrenceId
    outcome: Outcome
    reason: Annotated[OutcomeReason | None, BeforeValidator(_known_reason)] = None
    """None also for one that only a newer station knows."""
    seconds_played: Seconds = 0.0
    seconds_planned: Seconds = 0.0
    started_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    start_error_ms: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """First sample at the speaker minus the planned start; positive is late."""


class ReportBatch(Message):
    """Re-sent until every id in it is acknowledged."""

    station: StationId
    reports: tuple[PlaybackReport, ...] = Field(min_length=1, max_length=100)


class RawReportBatch(Message):
    """A `ReportBatch` for a reader who may be older than the station: each report is to be read by itself."""

    station: StationId
    reports: tuple[dict[str, Any], ...] = Field(min_length=1, max_length=100)


class Ack(Message):
    """Reports that are committed in the controller's database; the station may forget them."""

    station: StationId
    reports: tuple[str, ...]
