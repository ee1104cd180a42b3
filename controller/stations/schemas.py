"""Stations as they are shown."""

from datetime import datetime, time

from pydantic import BaseModel, ConfigDict, Field

from controller.stations.evidence import EvidenceView
from controller.stations.rules import Activity, StateReason, StationState
from controller.stations.tables import Feed
from wire.errors import RefusalReason
from wire.ids import ClockTrust, StationKind
from wire.messages import QuietHours, SelfTestTimes


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class LayerView(Shown):
    """A plan layer that the station should hold. `held` is the version it has, if any."""

    area_id: str
    area_name: str
    held: int | None
    wanted: int


class MissingSound(Shown):
    sha256: str
    title: str | None


class CacheView(Shown):
    held: int
    wanted: int
    complete: bool
    missing: tuple[MissingSound, ...]


class RefusalView(Shown):
    topic: str
    reason: RefusalReason
    at: datetime


class FedClusterView(Shown):
    """Old loudspeakers that repeat this station's sound; nobody hears from them whether they did."""

    id: str
    name: str
    feed: Feed
    area_id: str
    area_name: str
    added_at: datetime


class NowPlayingView(Shown):
    occurrence_id: str
    position_s: float


class StationView(Shown):
    """State and evidence. What the station says of itself is None until its first heartbeat.

    What it does at this moment is told only while it can be reached.
    """

    id: str
    name: str
    area_id: str
    area_name: str
    kind: StationKind
    state: StationState
    reason: StateReason | None
    since: datetime | None
    heard_at: datetime | None
    heartbeat_age_s: float | None
    activity: Activity | None
    playing: NowPlayingView | None
    clock: ClockTrust | None
    plan_current: bool | None
    layers: tuple[LayerView, ...]
    boards_current: bool | None
    """Whether it holds every alert board as new as we know of; None until it has said so."""
    card_current: bool | None
    cache: CacheView | None
    standing: CacheView | None
    """The sounds for alerts alone."""
    outbox: int | None
    refusals: tuple[RefusalView, ...]
    program_version: str | None
    evidence: EvidenceView | None
    """What its last heartbeat showed, however old; None until the first."""
    fed: tuple[FedClusterView, ...]


class FedClusterForm(BaseModel):
    """`area_id` is where it hangs; empty is the station's own area."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    feed: Feed
    area_id: str = Field(default="", max_length=63)


class LimitsForm(BaseModel):
    """Wall times in the station's zone. A time or number of days that is None is as in the settings."""

    model_config = ConfigDict(extra="forbid")

    volume_min: int
    volume_max: int
    quiet_hours: QuietHours | None = None
    test_begins: time | None = None
    test_ends: time | None = None
    audible_test_days: int | None = None
    silent_test_days: int | None = None


class LimitsView(Shown):
    """What the station itself enforces. `own` is as it was set, `self_test` what counts."""

    own: LimitsForm
    self_test: SelfTestTimes
    everywhere: SelfTestTimes
    """The settings, where a station has no times of its own."""
    tests_fall_in_quiet_hours: bool
    """So none is held: the settings were changed since, or differ from this station's quiet hours."""
    may_change: bool
