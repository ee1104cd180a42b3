"""Held sound, read again once a day: a flipped bit is found before the sound is needed."""

import asyncio
from collections.abc import Callable

from agent.cache import MediaCache

ROUND_S = 24 * 3600.0
LONGEST_PAUSE_S = 900.0


class Rereading:
    """One file at a time, evenly over the day, what is needed next first; never while something sounds.

    Whose turn falls into a broadcast is read the next day.
    """

    def __init__(self, cache: MediaCache, is_busy: Callable[[], bool], round_s: float = ROUND_S) -> None:
        self._cache = cache
        self._is_busy = is_busy
        self._round_s = round_s

    async def run(self) -> None:
        while True:
            wanted = self._cache.wanted()
            pause_s = min(self._round_s / max(len(wanted), 1), LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)
            for sha256 in wanted:
                if self._cache.files.has(sha256) and not self._is_busy():
                    await self._cache.reread(sha256)
                await asyncio.sleep(pause_s)
