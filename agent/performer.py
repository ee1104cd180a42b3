"""The seam between the one who decides what sounds and the one who makes it sound.

`agent.player` is the real performer; a simulated one counts frames by the monotonic clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agent.errors import AgentError
from wire.messages import PlannedOccurrence


@dataclass(frozen=True, slots=True)
class Order:
    """Sound `planned` from `from_s` on, the first frame at `start_at_s` on the monotonic clock.

    `replaced` are the slots (see `agent.timeline`) in which earlier runs sounded `Item.instead`.
    """

    planned: PlannedOccurrence
    from_s: float
    start_at_s: float
    volume: int
    replaced: frozenset[int] = frozenset()


class Performance(Protocol):
    """One run of one occurrence. `problem` is what ended it before its time."""

    @property
    def order(self) -> Order: ...

    @property
    def problem(self) -> AgentError | None: ...

    @property
    def is_over(self) -> bool:
        """It came to its end, failed, or was stopped."""

    @property
    def sounded_s(self) -> float:
        """Seconds that have left the speaker in this run."""

    @property
    def first_frame_at_s(self) -> float | None:
        """On the monotonic clock; None until it is known."""

    @property
    def replaced(self) -> frozenset[int]:
        """Slots in which `Item.instead` sounds, those of the order included."""

    async def stop(self) -> None:
        """Silence at once; `sounded_s` is final afterwards, and the next performance may begin."""


class Performer(Protocol):
    """One performance at a time."""

    def perform(self, order: Order, group: asyncio.TaskGroup, changed: Callable[[], None]) -> Performance:
        """Begin at once, in tasks of `group` where it needs any.

        `changed` is to be called in the event loop when the first frame is out and when it is over.
        """

    async def close(self) -> None: ...
