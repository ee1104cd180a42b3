from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.timeline import segments
from wire.ids import LatenessRule
from wire.messages import Item, Lateness, PlannedOccurrence

START = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


def planned(*seconds: float, repeats: int = 1, gap_s: float = 0.0) -> PlannedOccurrence:
    items = tuple(
        Item(sha256=f"{number:064x}", seconds=long, size_bytes=1) for number, long in enumerate(seconds)
    )
    return PlannedOccurrence(
        id="a@20261123T053000Z",
        schedule="a",
        start=START,
        items=items,
        repeats=repeats,
        gap_s=gap_s,
        lateness=Lateness(rule=LatenessRule.RESUME),
    )


def shape(occurrence: PlannedOccurrence, from_s: float) -> list[tuple[int | None, float, float]]:
    return [
        (None if one.item is None else int(one.item.sha256, 16), one.skip_s, one.seconds)
        for one in segments(occurrence, from_s)
    ]


@pytest.mark.parametrize(
    ("from_s", "left"),
    [
        (0, [(0, 0, 3), (1, 0, 2), (None, 0, 1), (0, 0, 3), (1, 0, 2)]),
        (1, [(0, 1, 2), (1, 0, 2), (None, 0, 1), (0, 0, 3), (1, 0, 2)]),
        (3, [(1, 0, 2), (None, 0, 1), (0, 0, 3), (1, 0, 2)]),
        (5.5, [(None, 0.5, 0.5), (0, 0, 3), (1, 0, 2)]),
        (10, [(1, 1, 1)]),
        (11, []),
        (99, []),
        (-1, [(0, 0, 3), (1, 0, 2), (None, 0, 1), (0, 0, 3), (1, 0, 2)]),
    ],
)
def test_items_repeats_and_gaps_from_any_position(
    from_s: float, left: list[tuple[int | None, float, float]]
) -> None:
    assert shape(planned(3, 2, repeats=2, gap_s=1), from_s) == left


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(0, 20),
    st.integers(0, 2000),
)
def test_what_is_gone_and_what_is_left_make_the_whole(
    seconds: list[int], repeats: int, gap_s: int, from_s: int
) -> None:
    occurrence = planned(*seconds, repeats=repeats, gap_s=gap_s)
    left_s = sum(one.seconds for one in segments(occurrence, from_s))
    assert left_s == max(occurrence.seconds - from_s, 0)
