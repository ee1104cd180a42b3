"""Which tests share a worker when the suite runs in parallel."""

from pathlib import Path

import pytest

_SLOW = "journeys/test_alert"
_OWN_TIME = (
    "journeys/test_station_clock",
    "journeys/test_station_offline_day",
    "journeys/test_station_network",
    "journeys/test_station_lost_packets",
)
"""In virtual time, or patient: nothing that the machine does beside them changes what they see."""
_REAL_TIME = (
    "journeys",
    "integration/test_agent",
    "integration/board",
    "contract/test_speaker",
    "contract/test_ear",
)
"""What is measured against the clock runs one after the other, or it would disturb itself.

The journeys of alerts are many and have wide margins: they are slow, and a group for each file.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        slow, virtual = path.startswith(_SLOW), path.startswith(_OWN_TIME)
        if slow:
            item.add_marker(pytest.mark.slow)
        group = "real time" if path.startswith(_REAL_TIME) and not slow | virtual else path
        item.add_marker(pytest.mark.xdist_group(group))
