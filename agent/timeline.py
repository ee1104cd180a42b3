"""Where in a broadcast we are: items in order, the whole of it repeated, with gaps of silence. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from wire.messages import Item, PlannedOccurrence


@dataclass(frozen=True, slots=True)
class Segment:
    """`item` from `skip_s` on, for `seconds`; without an item it is a gap."""

    item: Item | None
    skip_s: float
    seconds: float


def segments(planned: PlannedOccurrence, from_s: float = 0.0) -> Iterator[Segment]:
    """What is left to sound when `from_s` seconds are already gone."""
    left_s = max(from_s, 0.0)
    for whole in _whole(planned):
        if left_s >= whole.seconds:
            left_s -= whole.seconds
            continue
        yield Segment(whole.item, left_s, whole.seconds - left_s)
        left_s = 0.0


def _whole(planned: PlannedOccurrence) -> Iterator[Segment]:
    for turn in range(planned.repeats):
        if turn and planned.gap_s:
            yield Segment(None, 0.0, planned.gap_s)
        for item in planned.items:
            if item.seconds:
                yield Segment(item, 0.0, item.seconds)
