"""Stations as they are shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from controller.stations.rules import Activity, StateReason, StationState
from wire.errors import RefusalReason
from wire.ids import ClockTrust, StationKind


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
