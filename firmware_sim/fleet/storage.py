"""Simulated storage: sound that counts as held, and a disk that takes its time but no thread.

Both are edges, not proofs. That sound is fetched, verified and read is proved on whole stations, which have a
real folder of sound; the fleet proves how many stations decide, how fast, and what they report.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from agent.cache import MediaCache
from agent.settings import Media
from agent.sound_files import SoundFiles
from firmware_sim.scaled_loop import LoopExecutor

T = TypeVar("T")
_BYTES_FREE = 8 * 1024**3


class CountedFiles(SoundFiles):
    """Says of every sound that it is held and whole. There is no file behind it: nothing may be decoded."""

    def has(self, sha256: str) -> bool:
        return True

    def recheck(self, sha256: str) -> bool:
        return True

    def bytes_held(self) -> int:
        return 0

    def bytes_free(self) -> int:
        return _BYTES_FREE

    def touch(self, wanted: frozenset[str]) -> None:
        return None

    def remove_unwanted(self, wanted: frozenset[str], keep_s: float) -> int:
        return 0


class CountedCache(MediaCache):
    """Knows what it is to hold, has all of it, and so never asks the controller for any."""

    def __init__(self, folder: Path, settings: Media) -> None:
        super().__init__(CountedFiles(folder), settings)

    async def run(self) -> None:
        await asyncio.Event().wait()


class _Task(NamedTuple):
    due_s: float
    future: "Future[Any]"
    work: Callable[[], Any]


class PatientDisk(LoopExecutor):
    """What stations do in threads (files, journals) is done by the event loop's own thread instead.

    Each task waits `latency_s`, as a memory card makes it wait, and then for its turn: at most `slice_s` of
    such work a round of the loop. So the disks of a thousand boards do not hold up the processors of the
    others, which in life are not theirs. Tasks keep their order. To be used inside one running loop.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, latency_s: float = 0.02, slice_s: float = 0.002
    ) -> None:
        super().__init__(max_workers=1)
        self._loop = loop
        self._latency_s = latency_s
        self._slice_s = slice_s
        self._tasks: deque[_Task] = deque()
        self._is_working = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()
        self._tasks.append(_Task(self._loop.time() + self._latency_s, future, lambda: fn(*args, **kwargs)))
        if not self._is_working:
            self._is_working = True
            self._loop.call_later(self._latency_s, self._work)
        return future

    def _work(self) -> None:
        until_s = self._loop.time() + self._slice_s
        while self._tasks and self._tasks[0].due_s <= (now_s := self._loop.time()) < until_s:
            _do(self._tasks.popleft())
        if not self._tasks:
            self._is_working = False
        elif self._tasks[0].due_s > now_s:
            self._loop.call_at(self._tasks[0].due_s, self._work)
        else:
            self._loop.call_soon(self._work)


def _do(task: _Task) -> None:
    if not task.future.set_running_or_notify_cancel():
        return
    try:
        task.future.set_result(task.work())
    except Exception as error:  # noqa: BLE001 - handed to the task that waits, as a thread pool does
        task.future.set_exception(error)
