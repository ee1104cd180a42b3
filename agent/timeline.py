"""Where in a broadcast we are: opening, items in order, the whole of them repeated with gaps, closing. Pure.

A *slot* is the place of one item; slots are counted from 0 over the whole broadcast, repeats included.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from wire.messages import Item, PlannedOccurrence

_SAME_S = 0.001
"""Positions come from frame counts, lengths from files: this far apart they are the same."""

Choose = Callable[[int, Item], Item]
"""Which item sounds in a slot, asked when its turn comes: the item itself or its `instead`."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`item` from `skip_s` on, for `seconds`; without an item it is a gap."""

    item: Item | None
    skip_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Place:
    slot: int
    item: Item | None
    seconds: float


def segments(
    planned: PlannedOccurrence,
    from_s: float = 0.0,
    replaced: Collection[int] = (),
    choose: Choose = lambda _, item: item,
) -> Iterator[Segment]:
    """What is left to sound when `from_s` seconds are gone, with `Item.instead` in the slots `replaced`.

    `choose` is asked for each slot from whose beginning on it sounds, no sooner than its turn comes.
    """
    left_s = max(from_s, 0.0)
    for place in _places(planned):
        past = place.item and _sounded(place.item, place.slot in replaced)
        seconds = past.seconds if past else place.seconds
        if left_s > 0 and left_s >= seconds - _SAME_S:
            left_s = left_s - seconds if left_s - seconds >= _SAME_S else 0.0
            continue
        item = choose(place.slot, place.item) if place.item and not left_s else past
        yield Segment(item, left_s, (item.seconds if item else seconds) - left_s)
        left_s = 0.0


def seconds_of(planned: PlannedOccurrence, replaced: Collection[int]) -> float:
    """The length when `Item.instead` sounds in the slots `replaced`."""
    items = (place.item for place in _places(planned) if place.slot in replaced)
    return planned.seconds + sum(
        item.instead.seconds - item.seconds for item in items if item and item.instead
    )


def begun_before(planned: PlannedOccurrence, replaced: Collection[int], position_s: float) -> frozenset[int]:
    """Those of `replaced` whose turn had come: what was chosen for a later slot is chosen again."""
    begun: set[int] = set()
    at_s = 0.0
    for place in _places(planned):
        if at_s >= position_s - _SAME_S:
            break
        past = place.item and _sounded(place.item, place.slot in replaced)
        if place.slot in replaced:
            begun.add(place.slot)
        at_s += past.seconds if past else place.seconds
    return frozenset(begun)


def items_of(planned: PlannedOccurrence) -> Iterator[Item]:
    """Every sound it may need, in the order of first use."""
    for item in (*planned.opening, *planned.items, *planned.closing):
        yield item
        if item.instead is not None:
            yield item.instead


def _sounded(item: Item, replaced: bool) -> Item:
    return item.instead if replaced and item.instead else item


def _places(planned: PlannedOccurrence) -> Iterator[_Place]:
    slot = 0
    for turn in range(-1, planned.repeats + 1):
        items = planned.items
        if turn < 0 or turn == planned.repeats:
            items = planned.opening if turn < 0 else planned.closing
        elif turn and planned.gap_s:
            yield _Place(-1, None, planned.gap_s)
        for item in items:
            if item.seconds:
                yield _Place(slot, item, item.seconds)
            slot += 1
