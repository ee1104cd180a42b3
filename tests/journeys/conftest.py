"""A whole Loa Bản for each journey."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.alerts import Officer
from tests.support.everyday import start_and_meet, withdraw_everything
from tests.support.one_station import (
    broker,
    centre,
    make_sound,
    make_station,
    match,
    media,
    outcomes,
    soon,
    wait_for,
)
from tests.support.province import Province, environment_for

__all__ = [
    "broker",
    "centre",
    "make_sound",
    "make_station",
    "match",
    "media",
    "outcomes",
    "soon",
    "wait_for",
]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data directory as `loaban demo` makes it: the slow part, done once."""
    data = tmp_path_factory.mktemp("filled")
    Province(data, environment_for(data)).fill()
    return data


@pytest.fixture
def province_copy(filled: Path, tmp_path: Path) -> Path:
    """A filled data directory of the test's own."""
    return Path(shutil.copytree(filled, tmp_path / "data"))


@pytest.fixture
def province(province_copy: Path) -> Iterator[Province]:
    """Filled, with the controller running; stations are there but not started."""
    place = Province(province_copy, environment_for(province_copy))
    try:
        place.fill()
        place.start_controller()
        yield place
    finally:
        place.stop()


@pytest.fixture
def officer(province: Province) -> Officer:
    """On duty in a province where nothing is scheduled and the two stations of Bát Xát are there."""
    withdraw_everything(province.signed_in("canbo"))
    made = Officer(province.signed_in("trucban"))
    start_and_meet(made.client, [province.stations["dai-bat-xat"], province.stations["cum-loa-ban-vuoc"]])
    return made
