"""What is truly the matter with each station, one JSON line for each beginning and end of a fault.

Times are UTC in the village, whatever a station believes. The controller's verdicts can be compared with it.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from firmware_sim.fleet.draw import Met
from firmware_sim.fleet.faults import Makes


class Truth(BaseModel):
    """`parameters` are the fault's own. `ends` None lasts to the end of the run."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    happened: Literal["begins", "ends"]
    station: str
    fault: str
    parameters: dict[str, Any] = {}
    event: str
    makes: Makes
    ends: datetime | None = None


class TruthLog:
    """Whole lines, appended, so that several processes may share the file. Raises OSError."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def begins(self, at: datetime, met: Met, ends: datetime | None) -> None:
        self._write(_truth(at, "begins", met, ends))

    def ends(self, at: datetime, met: Met) -> None:
        self._write(_truth(at, "ends", met, at))

    def note(self, line: dict[str, Any]) -> None:
        """About the run itself: `{"run": …}`."""
        os.write(self._handle, json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        os.close(self._handle)

    def _write(self, truth: Truth) -> None:
        os.write(self._handle, truth.model_dump_json(exclude_none=True).encode() + b"\n")


def _truth(at: datetime, happened: Literal["begins", "ends"], met: Met, ends: datetime | None) -> Truth:
    return Truth(
        at=at,
        happened=happened,
        station=met.station,
        fault=met.fault.fault,
        parameters=met.fault.model_dump(exclude={"fault"}),
        event=met.event,
        makes=met.makes,
        ends=ends,
    )


def read(file: Path) -> Iterator[Truth]:
    """Of all runs in the file."""
    for line in file.read_text(encoding="utf-8").splitlines():
        if '"run"' not in line[:6]:
            yield Truth.model_validate_json(line)
