"""Which tests share a worker when the suite runs in parallel, and which take minutes."""

from pathlib import Path

import pytest

_VIRTUAL = ("journeys/test_station_clock", "journeys/test_station_offline_day")
"""Days that pass in seconds; nothing that the machine does beside them changes what they see."""
_SLOW = (
    "journeys/test_alert",
    "journeys/test_station",
    "journeys/test_make_run",
    "journeys/test_command_line",
)
"""Many, each with waits of its own and wide margins: a group for each file. `make test-slow` runs them."""
_MEASURED = ("journeys/test_station_typhoon", "journeys/test_station_neighbours")
_REAL_TIME = (
    "journeys",
    "integration/test_agent",
    "integration/board",
    "contract/test_speaker",
    "contract/test_ear",
)
"""What is measured against the clock runs one after the other, or it would disturb itself."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        virtual, measured = path.startswith(_VIRTUAL), path.startswith(_MEASURED)
        slow = path.startswith(_SLOW) and not virtual
        if slow:
            item.add_marker(pytest.mark.slow)
        alone = measured or (path.startswith(_REAL_TIME) and not slow and not virtual)
        item.add_marker(pytest.mark.xdist_group("real time" if alone else path))
