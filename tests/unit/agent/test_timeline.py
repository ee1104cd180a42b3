from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.timeline import Choose, begun_before, items_of, seconds_of, segments
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


def item(number: int, seconds: float, instead: Item | None = None) -> Item:
    return Item(sha256=f"{number:064x}", seconds=seconds, size_bytes=1, instead=instead)


def alarm(repeats: int = 2) -> PlannedOccurrence:
    """Signal of 4 s, speech of 9 s or 2 s in its place, a gap of 1 s, closing of 3 s."""
    around = {"opening": (item(1, 4),), "items": (item(2, 9, item(3, 2)),), "closing": (item(4, 3),)}
    return planned(1, repeats=repeats, gap_s=1).model_copy(update=around)


def sounded(occurrence: PlannedOccurrence, from_s: float, replaced: set[int], choose: Choose) -> list[Any]:
    parts = segments(occurrence, from_s, replaced, choose)
    return [(one.item and int(one.item.sha256, 16), one.skip_s, one.seconds) for one in parts]


def fresh(_slot: int, one: Item) -> Item:
    return one


def standing(_slot: int, one: Item) -> Item:
    return one.instead or one


def test_opening_and_closing_sound_once_around_the_repeats() -> None:
    assert sounded(alarm(), 0, set(), fresh) == [
        (1, 0, 4),
        (2, 0, 9),
        (None, 0, 1),
        (2, 0, 9),
        (4, 0, 3),
    ]
    assert sum(one.seconds for one in segments(alarm())) == alarm().seconds == 26


def test_what_stands_in_counts_with_its_own_length() -> None:
    assert sounded(alarm(), 0, set(), standing)[1] == (3, 0, 2)
    assert seconds_of(alarm(), {1}) == 26 - 7
    assert seconds_of(alarm(), {1, 2}) == 26 - 14
    assert sounded(alarm(), 7.5, {1}, fresh) == [(2, 0.5, 8.5), (4, 0, 3)]
    assert sounded(alarm(), 5, {1}, fresh)[0] == (3, 1, 1)


def test_the_choice_is_made_when_its_turn_comes_and_not_before() -> None:
    asked: list[int] = []

    def choose(slot: int, one: Item) -> Item:
        asked.append(slot)
        return one

    parts = segments(alarm(), 0, (), choose)
    assert (next(parts).seconds, asked) == (4, [0])
    assert (next(parts).seconds, asked) == (9, [0, 1])
    assert sounded(alarm(), 4.5, set(), choose)[0] == (2, 0.5, 8.5)
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("off_s", [-0.0005, 0.0, 0.0005])
def test_a_position_from_a_frame_count_lies_at_the_boundary_that_it_means(off_s: float) -> None:
    assert sounded(alarm(), 4 + off_s, set(), standing)[0] == (3, 0, 2)
    assert begun_before(alarm(), {1}, 4 + off_s) == set()


def test_what_was_chosen_for_a_later_slot_is_chosen_again() -> None:
    assert begun_before(alarm(), {1, 2}, 4) == set()
    assert begun_before(alarm(), {1, 2}, 4.1) == {1}
    assert begun_before(alarm(), {1, 2}, 7.5) == {1, 2}


def test_every_sound_it_may_need_in_the_order_of_first_use() -> None:
    assert [int(one.sha256, 16) for one in items_of(alarm())] == [1, 2, 3, 4]


HUNDREDTHS = st.integers(10, 600).map(lambda hundredths: hundredths / 100)
"""Seconds that are either at a boundary or clearly off it."""


@given(st.integers(1, 3), st.sets(st.integers(0, 4)), st.lists(HUNDREDTHS, max_size=8))
def test_however_often_it_is_cut_every_second_sounds_once(
    repeats: int, missing: set[int], stretches: list[float]
) -> None:
    """Played in stretches, resumed from where it stopped, each slot chosen once and remembered."""
    occurrence, replaced, position_s = alarm(repeats), set[int](), 0.0
    heard: list[tuple[int, float, float]] = []

    def choose(slot: int, one: Item) -> Item:
        if slot in missing and one.instead is not None:
            replaced.add(slot)
            return one.instead
        return one

    for stretch_s in [*stretches, 1000.0]:
        remembered = begun_before(occurrence, replaced, position_s)
        replaced = set(remembered)
        left_s = stretch_s
        for one in segments(occurrence, position_s, remembered, choose):
            seconds = min(one.seconds, left_s)
            if one.item is not None:
                heard.append((int(one.item.sha256, 16), one.skip_s, one.skip_s + seconds))
            left_s -= seconds
            position_s += seconds
            if left_s <= 0:
                break
    assert position_s == pytest.approx(seconds_of(occurrence, replaced))
    expected = [1, *(3 if slot in missing else 2 for slot in range(1, repeats + 1)), 4]
    whole = {1: 4.0, 2: 9.0, 3: 2.0, 4: 3.0}
    assert sum(end - begin for _, begin, end in heard) == pytest.approx(sum(whole[n] for n in expected))
    assert [n for n, begin, end in heard if end - begin > 1e-6 and begin < 1e-6] == expected
