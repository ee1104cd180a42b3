"""The beginnings of the standing signals, decoded in advance: an alert's first frame needs no file."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

import numpy as np

from agent.decoder import decode
from agent.errors import SoundUnreadable
from agent.sound_files import SoundFiles
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

log = logging.getLogger(__name__)

BEGINNING_S: Final = 1.0
_FRAMES = round(BEGINNING_S * SAMPLE_RATE_HZ)


class FirstBlocks:
    """`want` says which sounds; `run` decodes those that are held. 96 kB each."""

    def __init__(self, files: SoundFiles) -> None:
        self._files = files
        self._wanted: frozenset[str] = frozenset()
        self._held: dict[str, Frames] = {}
        self._poked = asyncio.Event()

    def of(self, sha256: str) -> Frames | None:
        """At most the first second of it."""
        return self._held.get(sha256)

    def want(self, sha256s: Iterable[str]) -> None:
        self._wanted = frozenset(sha256s)
        self._held = {sha256: frames for sha256, frames in self._held.items() if sha256 in self._wanted}
        self.poke()

    def poke(self) -> None:
        """A sound may have arrived."""
        if self._wanted - self._held.keys():
            self._poked.set()

    async def run(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            for sha256 in sorted(self._wanted - self._held.keys()):
                frames = await asyncio.to_thread(self._beginning, sha256)
                if frames is not None and sha256 in self._wanted:
                    self._held[sha256] = frames

    def _beginning(self, sha256: str) -> Frames | None:
        if not self._files.has(sha256):
            return None
        pieces: list[Frames] = []
        try:
            for frames in decode(self._files.path(sha256)):
                pieces.append(frames)
                if sum(map(len, pieces)) >= _FRAMES:
                    break
        except SoundUnreadable as error:
            log.warning("signal not decoded in advance: sha256=%s problem=%s", sha256, error)
            return None
        return np.concatenate(pieces)[:_FRAMES] if pieces else None
