"""The live board of one sounding, as it is shown."""

from datetime import datetime

from controller.emergency.rules import Group, Stage
from controller.emergency.schemas import Shown
from controller.emergency.tables import ActKind, AlertState
from wire.ids import OutcomeReason, StationKind


class Counts(Shown):
    """Every station is in exactly one of the first six: who has said nothing yet, and the board's five."""

    waiting: int = 0
    received: int = 0
    sounding: int = 0
    finished: int = 0
    unreachable: int = 0
    failed: int = 0
    total: int = 0
    final: int = 0
    """How many of them will not change by themselves any more."""
    heard_whole: int = 0
    heard_partly: int = 0
    """Of those that have reported: the whole of it, or some of it."""
    standing_instead: int = 0
    """Heard the standing message, because the speech could not be fetched."""
    fed: int = 0
    """Old clusters that repeat these stations. Not among `total`, and never counted as heard."""


class CommuneLine(Shown):
    """A commune, or an area above communes that has stations of its own."""

    area_id: str
    area_name: str
    counts: Counts


class StationLine(Shown):
    station_id: str
    station_name: str
    kind: StationKind
    area_id: str
    area_name: str
    commune_id: str
    stage: Stage
    group: Group
    final: bool
    reason: OutcomeReason | None
    reachable_at_press: bool
    reachable: bool
    received_at: datetime | None
    sounding_at: datetime | None
    first_frame_at: datetime | None
    """On the station's own clock."""
    seconds_played: float | None
    """None until it has reported."""
    fed: tuple[str, ...]
    """The names of old clusters that repeat it."""
    reported_at: datetime | None


class SoundingName(Shown):
    """One of the soundings of an alert: what stations reported on."""

    sounding: str
    revision: int
    act: ActKind
    all_clear: bool
    at: datetime
    seconds: float
    expires_at: datetime
    ended_at: datetime | None
    """Cancelled, or replaced by a later one."""


class LiveBoard(Shown):
    """One sounding on all its stations at the moment `at`."""

    alert_id: str
    state: AlertState
    drill: bool
    at: datetime
    live: bool
    """Something may still change by itself; worth looking again in a second."""
    record_pending: bool
    shown: SoundingName | None
    """None for an alert that never sounded."""
    soundings: tuple[SoundingName, ...]
    """The newest first."""
    counts: Counts
    first_s: float | None
    last_s: float | None
    """From the press to the first and to the last station that told of sounding, on our clock."""
    communes: tuple[CommuneLine, ...]
    stations: tuple[StationLine, ...]
    """Troubles first; those of one commune or one group, where asked for."""
