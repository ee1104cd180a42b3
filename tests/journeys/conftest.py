"""A whole Loa Bản for each journey."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.province import Province, environment_for


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data directory as `loaban demo` makes it: the slow part, done once."""
    data = tmp_path_factory.mktemp("filled")
    Province(data, environment_for(data)).fill()
    return data


@pytest.fixture
def province(filled: Path, tmp_path: Path) -> Iterator[Province]:
    """Filled, with the controller running; stations are there but not started."""
    data = tmp_path / "data"
    shutil.copytree(filled, data)
    place = Province(data, environment_for(data))
    try:
        place.fill()
        place.start_controller()
        yield place
    finally:
        place.stop()
