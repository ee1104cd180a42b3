"""What a fleet is told at start: one TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import AgentError, SettingsRefused
from agent.settings import Broker, PositiveSeconds, Reports
from firmware_sim.fleet.draw import Stations
from wire.ids import StationId, StationKind

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TooFewStations(AgentError):
    key = "error.too_few_stations"


class FleetSettings(BaseModel):
    """Either `stations` by id, or `count` of them, named `<prefix>-<number>` from 0 on.

    Relative paths are taken from the file's own folder. Raises `SettingsRefused` through `load`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stations: tuple[StationId, ...] = ()
    count: Annotated[int, Field(ge=0, le=100_000)] = 0
    prefix: StationId = "cum-loa"
    kinds: dict[StationKind, tuple[StationId, ...]] = {}
    districts: dict[str, tuple[StationId, ...]] = {}
    """Stations that share power lines and masts; what a scenario may draw from."""
    processes: Annotated[int, Field(ge=1, le=64)] = 1
    folder: Path
    """State folders. On a memory file system, or the machine's one disk stands for thousands of cards."""
    events: Path
    """Where it is written what each loudspeaker did, see `firmware_sim.fleet.events`."""
    controller_keys: tuple[dict[str, str], ...] = Field(min_length=1)
    broker: Broker = Broker()
    reports: Reports = Reports()
    heartbeat_s: PositiveSeconds = 30.0
    arrive_within_s: NotNegative = 5.0
    """The boards are switched on one after another within this time."""
    output_delay_s: NotNegative = 0.06
    """From the order to the first frame of a sound that is held."""
    disk_latency_s: NotNegative = 0.02
    """Before each piece of work on a board's storage."""

    @model_validator(mode="after")
    def _says_which_stations(self) -> "FleetSettings":
        if bool(self.stations) == bool(self.count):
            raise ValueError("either stations or count")
        return self

    @property
    def station_ids(self) -> tuple[str, ...]:
        return self.stations or tuple(f"{self.prefix}-{number}" for number in range(self.count))

    def first(self, count: int) -> "FleetSettings":
        """Only so many of them. Raises `TooFewStations`."""
        ids = self.station_ids
        if count > len(ids):
            raise TooFewStations(wanted=count, known=len(ids))
        return self.model_copy(update={"stations": ids[:count], "count": 0})

    def all_stations(self) -> Stations:
        kinds = {kind: frozenset(ids) for kind, ids in self.kinds.items()}
        return Stations(self.station_ids, kinds, self.districts)

    def part(self, number: int) -> tuple[str, ...]:
        """The stations of one process: every n-th of all."""
        return self.station_ids[number :: self.processes]


def load(file: Path) -> FleetSettings:
    """Raises `SettingsRefused`."""
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        settings = FleetSettings(**values)
    except (ValidationError, OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError) as error:
        raise SettingsRefused(file=str(file), problem=str(error)) from error
    home = file.resolve().parent
    return settings.model_copy(update={"folder": home / settings.folder, "events": home / settings.events})
