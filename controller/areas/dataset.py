"""The state's own list of communes since July 2025, as the package `vietnamadminunits` carries it.

Read from its data file, because importing the package loads its whole address parser.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple


class Unit(NamedTuple):
    """A province or one of its communes; latitude and longitude of its middle in degrees."""

    code: str
    name: str
    latitude: float
    longitude: float


def province(key: str) -> tuple[Unit, list[Unit]]:
    """The province of that key (`laocai`) and its communes by code. LookupError if there is none."""
    with _opened() as data:
        communes = [Unit(*row) for row in data.execute(_COMMUNES, (key,))]
        head = data.execute(_PROVINCE, (key,)).fetchone()
    if head is None:
        raise LookupError(key)
    return Unit(*head), communes


_PROVINCE = (
    "SELECT provinceCode, province, provinceLat, provinceLon FROM admin_units WHERE provinceShortKey = ?"
)
_COMMUNES = (
    "SELECT wardCode, ward, wardLat, wardLon FROM admin_units WHERE provinceShortKey = ? ORDER BY wardCode"
)


@contextmanager
def _opened() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{_file().as_uri()}?mode=ro&immutable=1", uri=True)) as data:
        yield data


def _file() -> Path:
    spec = find_spec("vietnamadminunits")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("vietnamadminunits")
    return Path(spec.submodule_search_locations[0]) / "data" / "dataset.db"
