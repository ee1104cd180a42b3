"""Which tests share a worker when the suite runs in parallel."""

from pathlib import Path

import pytest

_ALERTS = "journeys/test_alert"
_REAL_TIME = ("journeys", "integration/test_agent", "contract/test_speaker")
"""What is measured against the clock runs one after the other, or it would disturb itself.

The journeys of alerts are many and have wide margins: they are a group beside the others.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        path = item.path.relative_to(Path(__file__).parent).as_posix()
        group = "alerts" if path.startswith(_ALERTS) else "real time" if path.startswith(_REAL_TIME) else path
        item.add_marker(pytest.mark.xdist_group(group))
