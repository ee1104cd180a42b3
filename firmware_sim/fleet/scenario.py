"""A scenario: which stations meet which faults, when, and for how long. YAML, like a timetable."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

import firmware_sim
from agent.errors import AgentError
from firmware_sim.fleet.faults import Duration, Makes, NamedFault
from schedules.errors import ScheduleError
from schedules.marked_yaml import MarkedYaml
from wire.ids import StationId, StationKind

_BUNDLED = Path(firmware_sim.__file__).with_name("scenarios")
_NAME = re.compile(r"[a-z0-9-]+")


class ScenarioRefused(AgentError):
    key = "error.scenario_refused"


def _several(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


Faults = Annotated[tuple[NamedFault, ...], BeforeValidator(_several)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Who(_Part):
    """`count`, `share` or all of those named: by id, by kind, by district, or in so many whole districts."""

    stations: tuple[StationId, ...] = ()
    kind: StationKind | None = None
    district: str | None = None
    districts: Annotated[int, Field(ge=1)] | None = None
    """So many whole districts, drawn."""
    count: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _is_clear(self) -> Self:
        if self.count is not None and self.share is not None:
            raise ValueError("either count or share")
        if self.district is not None and self.districts is not None:
            raise ValueError("either one district by name or so many of them")
        return self


class Event(_Part):
    """Something that happens to some of the stations.

    Each meets `all_of` the faults, or in turn `one_of` them. It begins at `at` after the start, for each
    station at an instant of its own in the next `within`, and lasts `lasts` (to the end of the run where that
    is not said): from there on for each, or with `ends_together` from `at` on, for all of them; it is over
    within `back_within` after that. With `every` it happens again, to stations drawn anew.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")]
    who: Who = Who()
    at: Duration = 0.0
    within: Duration = 0.0
    lasts: Duration | None = None
    ends_together: bool = False
    back_within: Duration = 0.0
    every: Annotated[Duration, Field(gt=0)] | None = None
    all_of: Faults = ()
    one_of: Faults = ()
    makes: Makes | None = None
    """What this makes of the station, where it is not what the worst of its faults makes."""

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if bool(self.all_of) == bool(self.one_of):
            raise ValueError("either all_of or one_of")
        return self


class Scenario(_Part):
    """`starts_at` sets the stations' clocks where the fleet runs without a controller that has its own."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    about: Annotated[str, Field(min_length=1, max_length=2000)]
    row: str | None = None
    """The row of DESIGN section 8 that it is about."""
    seed: int
    lasts: Annotated[Duration, Field(gt=0)]
    starts_at: datetime | None = None
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [event.name for event in self.events]
        if len(names) != len(set(names)):
            raise ValueError("two events with one name")
        return self


def bundled() -> dict[str, Path]:
    """The scenarios that come with the program, by name."""
    return {path.stem: path for path in sorted(_BUNDLED.glob("*.yaml"))}


def find(named: str) -> Path:
    """A file, or one of ours by its bare name. Raises `ScenarioRefused`."""
    if _NAME.fullmatch(named) and named in (ours := bundled()):
        return ours[named]
    path = Path(named)
    if not path.is_file():
        raise ScenarioRefused(file=named, problem=f"no such file, and none of: {', '.join(bundled())}")
    return path


def load(file: Path) -> Scenario:
    """Raises `ScenarioRefused`, with the line."""
    try:
        marked = MarkedYaml(file.read_text(encoding="utf-8"))
    except ScheduleError as error:
        problem = f"line {error.params.get('line')}: {error.params.get('problem', error.key)}"
        raise ScenarioRefused(file=str(file), problem=problem) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioRefused(file=str(file), problem=str(error)) from error
    content: Any = marked.content
    try:
        return Scenario.model_validate(content)
    except ValidationError as error:
        raise ScenarioRefused(file=str(file), problem="; ".join(_problems(marked, error))) from error


def _problems(marked: MarkedYaml, error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(map(str, one["loc"]))
        yield f"line {marked.line_of(tuple(one['loc']))}: {where}: {one['msg']}"
