"""Event loops with a time of their own: many times faster than ours, or straight from one timer to the next.

In both, `loop.time()`, every sleep and every timeout count in the loop's own seconds. A station built on
`SimulatedClock(loop.time)` lives in that time with all its parts.
"""

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

AT_ONCE = math.inf
"""The rate at which nobody waits: time jumps to the next timer as soon as there is nothing left to do."""


class LoopExecutor(ThreadPoolExecutor):
    """Base of executors that use no thread: the loop itself does their work, by its own timers."""


class SocketInVirtualTime(AssertionError):
    """Whoever is at the other end of a socket lives in our time and cannot keep up with jumps."""


class ScaledLoop(asyncio.SelectorEventLoop):
    """`rate` seconds of its own go by in each of ours. Sockets and threads work as ever, and seem slow."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._began_s = time.monotonic()
        super().__init__(_ScaledSelector(rate))

    @property
    def rate(self) -> float:
        return self._rate

    def time(self) -> float:
        """As `time.monotonic` when the loop was made, and `rate` times as fast from there on."""
        return self._began_s + (time.monotonic() - self._began_s) * self._rate


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands while anything is to be done, in threads too, and then jumps to the next timer.

    A day goes by as fast as its work can be done, and each day in the same way. No sockets.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        self._busy_threads = 0
        self._threads: Executor | None = None
        super().__init__(_JumpingSelector(self._jump, lambda: self._busy_threads > 0))

    def time(self) -> float:
        """From 0 when the loop was made."""
        return self._now_s

    def set_default_executor(self, executor: ThreadPoolExecutor) -> None:  # type: ignore[override]
        super().set_default_executor(executor)
        self._threads = executor

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Time waits for what threads do, also for what nobody waits for any more."""
        if executor is None:
            if self._threads is None:
                self.set_default_executor(ThreadPoolExecutor(thread_name_prefix="virtual"))
            executor = self._threads
        assert executor is not None
        job = executor.submit(func, *args)
        found = asyncio.wrap_future(job, loop=self)
        if not isinstance(executor, LoopExecutor):
            self._busy_threads += 1
            # After whoever waits has been told: between the two, time would jump.
            job.add_done_callback(self._job_is_done)
        return found

    def _job_is_done(self, _job: "Future[Any]") -> None:
        if not self.is_closed():
            self.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._busy_threads -= 1

    def _jump(self, seconds: float) -> None:
        self._now_s += seconds


class _ScaledSelector(selectors.DefaultSelector):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._rate)


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for real only where there is nothing to jump to, or a thread has not come back."""

    def __init__(self, jump: Callable[[float], None], is_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._jump = jump
        self._is_busy = is_busy

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """The loop's own pipe is the first and the only one. Raises `SocketInVirtualTime`."""
        if self.get_map():
            raise SocketInVirtualTime(f"{fileobj}")
        return super().register(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None or self._is_busy():
            return super().select(None)
        self._jump(timeout)
        return []


def loop_at(rate: float) -> asyncio.SelectorEventLoop:
    """A loop in which `rate` seconds go by in one of ours; `AT_ONCE` for one that waits for nothing.

    Raises ValueError for a rate that is not above 0.
    """
    if not rate > 0:
        raise ValueError(f"a rate of {rate}")
    return VirtualLoop() if rate == AT_ONCE else ScaledLoop(rate)


def run_at(rate: float, main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on a loop of that rate."""
    with asyncio.Runner(loop_factory=lambda: loop_at(rate)) as runner:
        return runner.run(main)
