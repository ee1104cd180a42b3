"""Calls from any thread reach the one who listens, and none is lost."""

import asyncio
import threading
import time

import pytest

from controller.clockwork.waker import Waker


async def test_a_call_before_anybody_listens_is_kept() -> None:
    waker = Waker()
    ear = waker.listen("dispatch", "stations")
    waker.wake("dispatch")
    assert await ear.heard(5) == {"dispatch"}


async def test_calls_from_other_threads_wake_at_once_and_count_once() -> None:
    waker = Waker()
    ear = waker.listen("dispatch", "stations")
    callers = [threading.Timer(0.05, waker.wake, (name,)) for name in ("dispatch", "dispatch", "stations")]
    begun_s = time.monotonic()
    for caller in callers:
        caller.start()
    heard: set[str] = set()
    while heard != {"dispatch", "stations"}:
        heard |= await ear.heard(5)
    assert time.monotonic() - begun_s < 2
    for caller in callers:
        caller.join()


async def test_silence_ends_after_the_timeout_with_nothing_heard() -> None:
    ear = Waker().listen("dispatch")
    assert await ear.heard(0.01) == frozenset()


async def test_a_nudge_wakes_without_a_name() -> None:
    ear = Waker().listen("dispatch")
    asyncio.get_running_loop().call_later(0.01, ear.nudge)
    assert await asyncio.wait_for(ear.heard(60), 5) == frozenset()


def test_a_call_when_the_loop_is_gone_harms_nobody() -> None:
    waker = Waker()
    ear = waker.listen("dispatch")
    asyncio.run(ear.heard(0.01))
    waker.wake("dispatch")
    assert asyncio.run(ear.heard(1)) == {"dispatch"}


def test_a_name_has_one_ear_and_one_that_nobody_knows_is_dropped() -> None:
    waker = Waker()
    waker.listen("dispatch")
    with pytest.raises(ValueError, match="dispatch"):
        waker.listen("dispatch")
    waker.wake("nobody")
