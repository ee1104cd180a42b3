"""A controller that takes CAP messages in; see `tests/support/cap_world.py`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.cap_world import CapWorld, make_world, prepared_database

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_database(tmp_path_factory.mktemp("cap"), NOW)


@pytest.fixture
def world(tmp_path: Path, prepared_file: Path) -> Iterator[CapWorld]:
    made = make_world(tmp_path, prepared_file, NOW)
    yield made
    made.close()
