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
