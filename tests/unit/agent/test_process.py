"""The process gives the station what it needs whatever the board is."""

import asyncio
import os
import threading

import pytest

from agent.process import enough_threads


async def test_a_card_that_hangs_leaves_a_thread_for_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    enough_threads()
    hangs = threading.Event()
    waiting = [asyncio.create_task(asyncio.to_thread(hangs.wait)) for _ in range(12)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lambda: "sound") == "sound"
    finally:
        hangs.set()
        await asyncio.gather(*waiting)
