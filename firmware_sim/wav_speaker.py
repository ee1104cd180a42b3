"""A loudspeaker that writes what it would have said: the speaker contract, in real time, onto a WAV file."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from agent.errors import SpeakerFailed, SpeakerMisuse
from agent.speakers.contract import HELD_S, SAMPLE_RATE_HZ, Frames
from firmware_sim.wav_file import WavFile

_SYNC_EVERY_S = 1.0


class WavSpeaker:
    """One file per sounding in `folder`, named after the instant of its first frame."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic_s: Callable[[], float] = time.monotonic,
        sounds: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """`sounds` is told when sound begins to leave, and when it ends."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._now = now
        self._monotonic_s = monotonic_s
        self._sounds = sounds
        self._current: WavSounding | None = None

    async def begin(self, start_at_s: float, label: str) -> "WavSounding":
        if self._current is not None and not self._current.over:
            raise SpeakerMisuse(problem="begin while another sounding is not over", label=label)
        self._current = WavSounding(self._new_file, self._monotonic_s, start_at_s, label, self._sounds)
        return self._current

    async def close(self) -> None:
        if self._current is not None:
            await self._current.stop()

    def _new_file(self, first_frame_at_s: float, label: str) -> WavFile:
        first = self._now() + timedelta(seconds=first_frame_at_s - self._monotonic_s())
        try:
            return WavFile(self._folder, first, label)
        except OSError as error:
            raise SpeakerFailed(problem=str(error)) from error


class WavSounding:
    """Where the play head stands follows from the monotonic clock alone, as on a real sound card."""

    def __init__(
        self,
        new_file: Callable[[float, str], WavFile],
        monotonic_s: Callable[[], float],
        start_at_s: float,
        label: str,
        sounds: Callable[[bool], None],
    ) -> None:
        self._sounds = sounds
        self._new_file = new_file
        self._monotonic_s = monotonic_s
        self._start_at_s = start_at_s
        self._label = label
        self._file: WavFile | None = None
        self._first_frame_at_s: float | None = None
        self._length = 0
        self._silent = 0
        self._synced_at_s = 0.0
        self._played = 0
        self.over = False

    @property
    def first_frame_at_s(self) -> float | None:
        return self._first_frame_at_s

    @property
    def played_frames(self) -> int:
        if not self.over:
            self._played = max(self._head() - self._silent, self._played)
        return self._played

    async def write(self, frames: Frames) -> None:
        self._assert_open("write")
        if frames.dtype != np.int16 or frames.ndim != 1:
            raise SpeakerMisuse(problem=f"frames of {frames.dtype} in {frames.ndim} dimensions")
        if len(frames) == 0:
            return
        file = self._file or self._open()
        try:
            self._fill_dry_gap(file)
            file.append(frames)
            self._length += len(frames)
            self._sync(file)
        except OSError as error:
            raise SpeakerFailed(problem=str(error)) from error
        await self._wait_until_held(HELD_S)

    async def finish(self) -> None:
        self._assert_open("finish")
        await self._wait_until_held(0.0)
        self._end()

    async def stop(self) -> None:
        if not self.over:
            self._end()

    def _assert_open(self, call: str) -> None:
        if self.over:
            raise SpeakerMisuse(problem=f"{call} after the end", label=self._label)

    def _open(self) -> WavFile:
        self._first_frame_at_s = max(self._start_at_s, self._monotonic_s())
        self._file = self._new_file(self._first_frame_at_s, self._label)
        self._sounds(True)
        return self._file

    def _elapsed_frames(self) -> int:
        if self._first_frame_at_s is None:
            return 0
        return max(int((self._monotonic_s() - self._first_frame_at_s) * SAMPLE_RATE_HZ), 0)

    def _head(self) -> int:
        return min(self._elapsed_frames(), self._length)

    def _fill_dry_gap(self, file: WavFile) -> None:
        gap = self._elapsed_frames() - self._length
        if gap > 0 and self._length > 0:
            file.append(np.zeros(gap, dtype=np.int16))
            self._length += gap
            self._silent += gap

    def _sync(self, file: WavFile) -> None:
        now_s = self._monotonic_s()
        if now_s - self._synced_at_s >= _SYNC_EVERY_S:
            self._synced_at_s = now_s
            head = self._head()
            file.sync(head, max(head - self._silent, 0), over=False)

    async def _wait_until_held(self, held_s: float) -> None:
        if self._first_frame_at_s is None:
            return
        empty_at_s = self._first_frame_at_s + self._length / SAMPLE_RATE_HZ
        while not self.over:
            pause_s = empty_at_s - held_s - self._monotonic_s()
            if pause_s <= 0:
                return
            await asyncio.sleep(pause_s)

    def _end(self) -> None:
        head = self._head()
        self._played = max(head - self._silent, self._played)
        self.over = True
        if self._file is not None:
            self._sounds(False)
            self._file.close(head, self._played)
