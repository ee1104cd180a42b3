"""A performer that makes no sound: it counts the frames that would have left, by the event loop's time."""

import asyncio
from collections.abc import Callable
from functools import cached_property

from agent.errors import AgentError
from agent.performer import Order
from agent.timeline import segments
from firmware_sim.fleet.events import Event, EventLog, Happened


class PaperPerformer:
    """Tells the event log what a listener before the loudspeaker would have noticed.

    `output_delay_s` stands for what a board needs between the order and the first frame of a sound it holds:
    the buffer of an open output and the decoding of a first block. `sounds` hears when sound begins and ends.
    """

    def __init__(
        self,
        station: str,
        events: EventLog,
        output_delay_s: float,
        sounds: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._station = station
        self._events = events
        self._output_delay_s = output_delay_s
        self._sounds = sounds
        self._current: PaperPerformance | None = None

    def perform(
        self, order: Order, _group: asyncio.TaskGroup, changed: Callable[[], None]
    ) -> "PaperPerformance":
        """Needs no task. Raises AssertionError where two performances would sound at once."""
        assert self._current is None or self._current.is_over, "two performances at once"
        self._current = PaperPerformance(order, self._output_delay_s, self._note, changed)
        return self._current

    async def close(self) -> None:
        if self._current is not None:
            await self._current.stop()

    def cut(self) -> None:
        """The power is gone: silence, in the middle of whatever sounds."""
        if self._current is not None:
            self._current.cut()

    def _note(self, at_s: float, happened: Happened, order: Order, sounded_s: float) -> None:
        if happened is not Happened.DECIDED:
            self._sounds(happened is Happened.FIRST_FRAME)
        self._events.note(
            Event(
                at_s, self._station, happened, order.planned.id, round(order.from_s, 3), round(sounded_s, 3)
            )
        )


class PaperPerformance:
    """Nothing can go wrong on paper: `problem` stays None and no sound is ever replaced by another."""

    def __init__(
        self,
        order: Order,
        output_delay_s: float,
        note: Callable[[float, Happened, Order, float], None],
        changed: Callable[[], None],
    ) -> None:
        now_s = _now_s()
        self._order = order
        self._note = note
        self._changed = changed
        self._begins_at_s = max(order.start_at_s, now_s + output_delay_s)
        self._first_frame_at_s: float | None = None
        self._final_s: float | None = None
        self._timer = asyncio.get_running_loop().call_at(self._begins_at_s, self._came_out)
        note(now_s, Happened.DECIDED, order, 0.0)

    @property
    def order(self) -> Order:
        return self._order

    @property
    def problem(self) -> AgentError | None:
        return None

    @property
    def replaced(self) -> frozenset[int]:
        return self._order.replaced

    @property
    def is_over(self) -> bool:
        return self._final_s is not None

    @property
    def sounded_s(self) -> float:
        return self._counted_s() if self._final_s is None else self._final_s

    @property
    def first_frame_at_s(self) -> float | None:
        """The instant itself, however late the event loop comes to notice it."""
        return self._first_frame_at_s

    async def stop(self) -> None:
        self.cut()

    def cut(self) -> None:
        if self.is_over:
            return
        if self._counted_s() > 0:
            self._note_first_frame()
        self._end(_now_s(), Happened.STOPPED)

    @cached_property
    def _length_s(self) -> float:
        return sum(segment.seconds for segment in segments(self._order.planned, self._order.from_s))

    def _counted_s(self) -> float:
        gone_s = _now_s() - self._begins_at_s
        return min(gone_s, self._length_s) if gone_s > 0 else 0.0

    def _came_out(self) -> None:
        self._note_first_frame()
        ends_at_s = self._begins_at_s + self._length_s
        self._timer = asyncio.get_running_loop().call_at(ends_at_s, self._came_to_its_end)
        self._changed()

    def _came_to_its_end(self) -> None:
        self._end(self._begins_at_s + self._length_s, Happened.ENDED)
        self._changed()

    def _note_first_frame(self) -> None:
        if self._first_frame_at_s is None:
            self._first_frame_at_s = self._begins_at_s
            self._note(self._begins_at_s, Happened.FIRST_FRAME, self._order, 0.0)

    def _end(self, at_s: float, how: Happened) -> None:
        self._final_s = self._counted_s()
        self._timer.cancel()
        self._note(at_s, how, self._order, self._final_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
