"""Simulated storage: sound that counts as held, and a disk that takes its time but no thread.

Both are edges, not proofs. That sound is fetched, verified and read is proved on whole stations, which have a
real folder of sound; the fleet proves how many stations decide, how fast, and what they report.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from agent.cache import MediaCache
from agent.settings import Media
from agent.sound_files import SoundFiles
from firmware_sim.fleet.card import card_in_use
from firmware_sim.scaled_loop import LoopExecutor

T = TypeVar("T")
_BYTES_FREE = 8 * 1024**3
_BYTES_PER_S = 50_000.0
"""As fast as lost sound comes anew: 4G at the edge of its cell."""


class CountedFiles(SoundFiles):
    """Says of every sound that it is held and whole, but for what is `lost`.

    There is no file behind it: nothing may be decoded.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.lost: set[str] = set()

    def has(self, sha256: str) -> bool:
        return sha256 not in self.lost

    def recheck(self, sha256: str) -> bool:
        return sha256 not in self.lost

    def bytes_held(self) -> int:
        return 0

    def bytes_free(self) -> int:
        return _BYTES_FREE

    def bytes_written(self) -> int | None:
        return None

    def touch(self, wanted: frozenset[str]) -> None:
        return None

    def remove_unwanted(self, wanted: frozenset[str], keep_s: float) -> int:
        return 0


class PartDied(Exception):
    """What a scenario makes of a part of the program."""


class CountedCache(MediaCache):
    """Knows what it is to hold, and has all of it; what it loses comes anew while `reaches` its centre."""

    def __init__(self, folder: Path, settings: Media, reaches: Callable[[], bool] = lambda: True) -> None:
        self._counted = CountedFiles(folder)
        self._reaches = reaches
        self._dying = False
        self._struck = asyncio.Event()
        super().__init__(self._counted, settings)

    def lose(self) -> None:
        """All of it has rotted."""
        self._counted.lost.update(self._wishes)
        self._struck.set()

    def die(self) -> None:
        """`run` raises `PartDied`."""
        self._dying = True
        self._struck.set()

    async def run(self) -> None:
        while True:
            await self._struck.wait()
            self._struck.clear()
            if self._dying:
                raise PartDied("a scenario wants it")
            await self._fetch()

    async def _fetch(self) -> None:
        """Where the network is away, each try takes its time all the same."""
        for sha256, wish in list(self._wishes.items()):
            if self._counted.has(sha256):
                continue
            await asyncio.sleep(wish.item.size_bytes / _BYTES_PER_S)
            if self._reaches():
                self._counted.lost.discard(sha256)
                self.arrived()
            else:
                self._struck.set()


class _Task(NamedTuple):
    due_s: float
    number: int
    future: "Future[Any]"
    work: Callable[[], Any]


class PatientDisk(LoopExecutor):
    """What stations do in threads (files, journals) is done by the event loop's own thread instead.

    Each task waits `latency_s`, as a memory card makes it wait, and then for its turn: at most `slice_s` (of
    our time) of such work a round of the loop. So the disks of a thousand boards do not hold up the
    processors of the others, which in life are not theirs. The tasks of one card keep their order. To be used
    inside one running loop.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, latency_s: float = 0.02, slice_s: float = 0.002
    ) -> None:
        super().__init__(max_workers=1)
        self._loop = loop
        self._latency_s = latency_s
        self._slice_s = slice_s
        self._tasks: list[_Task] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()
        card = card_in_use()
        due_s = self._loop.time() + self._latency_s
        if card is not None:
            due_s = card.turn_s(due_s)
        heapq.heappush(self._tasks, _Task(due_s, next(self._numbers), future, lambda: fn(*args, **kwargs)))
        if self._timer is None or due_s < self._timer.when():
            self._wake_at(due_s)
        return future

    def _wake_at(self, due_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due_s, self._work)

    def _work(self) -> None:
        self._timer = None
        until_s = time.perf_counter() + self._slice_s
        while self._tasks and self._tasks[0].due_s <= self._loop.time() and time.perf_counter() < until_s:
            _do(heapq.heappop(self._tasks))
        if self._tasks:
            self._wake_at(max(self._tasks[0].due_s, self._loop.time()))


def _do(task: _Task) -> None:
    if not task.future.set_running_or_notify_cancel():
        return
    try:
        task.future.set_result(task.work())
    except Exception as error:  # noqa: BLE001 - handed to the task that waits, as a thread pool does
        task.future.set_exception(error)
