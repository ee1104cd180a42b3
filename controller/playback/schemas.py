"""How an occurrence went, as it is shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from controller.playback.rules import Pending
from controller.stations.rules import StationState
from controller.timetable.schemas import OccurrenceView
from wire.ids import Outcome, OutcomeReason, StationKind


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class BoardRow(Shown):
    """One station. `seconds_played` is None until it has reported; `station_state` is of this moment."""

    station_id: str
    station_name: str
    area_id: str
    area_name: str
    kind: StationKind
    state: Outcome | Pending
    reason: OutcomeReason | None
    seconds_played: float | None
    started_at: datetime | None
    start_error_ms: float | None
    reported_at: datetime | None
    heard_playing: bool
    """It can be reached, and its last heartbeat said that it plays this."""
    station_state: StationState
    fed: tuple[str, ...]
    """The names of old clusters that repeated it then."""


class OccurrenceBoard(Shown):
    """`counts` has the number of stations in each state that occurs; `fed`, of old clusters, is apart."""

    occurrence: OccurrenceView
    rows: tuple[BoardRow, ...]
    counts: dict[str, int]
    fed: int
