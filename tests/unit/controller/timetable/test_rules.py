"""What sounds at which second of a playlist."""

import pytest

from controller.timetable.rules import title_at


@pytest.mark.parametrize(
    ("position_s", "title"),
    [(0.0, "A"), (9.9, "A"), (10.0, "B"), (29.9, "B"), (31.0, "B"), (35.0, "A"), (46.0, "B")],
)
def test_the_programme_at_a_second_of_the_second_repeat_too(position_s: float, title: str) -> None:
    items = [{"title": "A", "seconds": 10.0}, {"title": "B", "seconds": 20.0}]
    assert title_at(items, 5.0, position_s) == title
