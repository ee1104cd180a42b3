"""A performer before whose sound the amplifier is on, and after whose sound it is off."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from agent.amplifier.guard import AmplifierGuard
from agent.clock import Clock
from agent.errors import AgentError
from agent.performer import Order, Performance, Performer

LEAD_S = 0.5
"""Where there is time, the board gets this much more than it needs to settle, for a second try."""


class PoweredPerformer:
    """Puts off what must sound at once by the amplifier's `settle_s` where it is off, and by no more."""

    def __init__(self, performer: Performer, guard: AmplifierGuard, clock: Clock) -> None:
        self._performer = performer
        self._guard = guard
        self._clock = clock

    def perform(
        self, order: Order, group: asyncio.TaskGroup, changed: Callable[[], None]
    ) -> "PoweredPerformance":
        ready_at_s = self._clock.monotonic_s() + self._guard.off_for_s
        begins_at_s = max(order.start_at_s, ready_at_s)
        made = PoweredPerformance(order, changed)
        made.inner = self._performer.perform(replace(order, start_at_s=begins_at_s), group, made.stir)
        group.create_task(self._power(made, begins_at_s), name=f"amplifier {order.planned.id}")
        return made

    async def close(self) -> None:
        await self._performer.close()

    async def _power(self, performance: "PoweredPerformance", begins_at_s: float) -> None:
        on_at_s = begins_at_s - self._guard.settle_s - LEAD_S
        if await performance.is_over_by(on_at_s - self._clock.monotonic_s()):
            return
        async with self._guard.powered(lambda: performance.sounded_s):
            await performance.end()


class PoweredPerformance:
    """The performance inside, under the order as it was given."""

    inner: Performance

    def __init__(self, order: Order, changed: Callable[[], None]) -> None:
        self._order = order
        self._changed = changed
        self._stirred = asyncio.Event()

    @property
    def order(self) -> Order:
        return self._order

    @property
    def problem(self) -> AgentError | None:
        return self.inner.problem

    @property
    def is_over(self) -> bool:
        return self.inner.is_over

    @property
    def sounded_s(self) -> float:
        return self.inner.sounded_s

    @property
    def first_frame_at_s(self) -> float | None:
        return self.inner.first_frame_at_s

    @property
    def replaced(self) -> frozenset[int]:
        return self.inner.replaced

    async def stop(self) -> None:
        await self.inner.stop()
        self._stirred.set()

    def stir(self) -> None:
        """Its first frame is out, or it is over."""
        self._stirred.set()
        self._changed()

    async def is_over_by(self, within_s: float) -> bool:
        """Whether it ends within so many seconds."""
        try:
            async with asyncio.timeout(max(within_s, 0.0)):
                await self.end()
        except TimeoutError:
            return False
        return True

    async def end(self) -> None:
        """Returns when it is over, however it came to that."""
        while not self.is_over:
            self._stirred.clear()
            await self._stirred.wait()
