"""The board's own sound card through PortAudio.

The stream is open while something is armed or sounding (it is opened about two seconds ahead) and closed in
between, so that an idle station costs nothing. Frames are placed by the time at which PortAudio says that a
block reaches the converter, taken as the median over the last blocks: one such time alone jitters.
"""

import asyncio
import logging
import statistics
import threading
import time
from collections import deque
from types import ModuleType
from typing import Any

import numpy as np

from agent.errors import SpeakerFailed, SpeakerMisuse
from agent.settings import SpeakerSettings
from agent.speakers.contract import HELD_S, SAMPLE_RATE_HZ, Frames

log = logging.getLogger(__name__)

_BLOCK_FRAMES = SAMPLE_RATE_HZ // 100
_FRAME_S = 1 / SAMPLE_RATE_HZ
_DEAD_AFTER_S = 2.0
_TIMES_KEPT = 32
_LATEST_TIMES = 3
_JUMP_S = 0.003
_OPEN_WITHIN_S = 4.0
"""A sound server that dies at the wrong moment never answers."""
_CLOSE_WITHIN_S = 1.0


class SoundCard:
    """Raises `SpeakerFailed` when PortAudio is not on this machine."""

    def __init__(self, settings: SpeakerSettings) -> None:
        self._library = _portaudio()
        self._device = int(settings.device) if settings.device.isdecimal() else settings.device or None
        self._latency_s = settings.buffer_ms / 1000
        self._current: CardSounding | None = None
        self._opening: asyncio.Future[None] | None = None
        self._door = asyncio.Lock()

    async def begin(self, start_at_s: float, label: str) -> "CardSounding":
        """Whoever was cancelled while the card opened for them is let out first."""
        try:
            async with asyncio.timeout(_OPEN_WITHIN_S):
                await self._door.acquire()
        except TimeoutError as error:
            raise SpeakerFailed(problem="the sound card is still opening for somebody else") from error
        try:
            return await self._begin(start_at_s, label)
        finally:
            self._door.release()

    async def _begin(self, start_at_s: float, label: str) -> "CardSounding":
        if self._current is not None and not self._current.over:
            raise SpeakerMisuse(problem="begin while another sounding is not over", label=label)
        if self._opening is not None and not self._opening.done():
            raise SpeakerFailed(problem="the sound card has not answered since it was last opened")
        await self._be_free()
        sounding = CardSounding(start_at_s)
        self._opening = opening = asyncio.get_running_loop().run_in_executor(None, self._open, sounding)
        try:
            await asyncio.wait([opening], timeout=_OPEN_WITHIN_S)
        except asyncio.CancelledError:
            await self._let_go(sounding, opening)
            raise
        if not opening.done() and sounding.is_given_up():
            opening.add_done_callback(_told_too_late)
            raise SpeakerFailed(problem=f"the sound card does not open within {_OPEN_WITHIN_S:.0f} s")
        await opening
        self._current = sounding
        return sounding

    async def _be_free(self) -> None:
        """Many a card serves one stream at a time: the last one is closed first."""
        if self._current is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._current.closed.wait()
        except TimeoutError:
            log.warning("the last sound's stream does not close")

    async def _let_go(self, sounding: "CardSounding", opening: "asyncio.Future[None]") -> None:
        """Cancelled while it opens."""
        await asyncio.wait([opening], timeout=_OPEN_WITHIN_S)
        if sounding.is_given_up():
            opening.add_done_callback(_told_too_late)
        else:
            await sounding.stop()

    async def close(self) -> None:
        if self._current is not None:
            await self._current.stop()

    def _open(self, sounding: "CardSounding") -> None:
        try:
            stream = self._library.OutputStream(
                samplerate=SAMPLE_RATE_HZ,
                blocksize=_BLOCK_FRAMES,
                device=self._device,
                channels=1,
                dtype="int16",
                latency=self._latency_s,
                callback=sounding.fill,
            )
        except (self._library.PortAudioError, ValueError) as error:
            raise SpeakerFailed(problem=str(error)) from error
        sounding.attach(stream)
        try:
            stream.start()
        except self._library.PortAudioError as error:
            stream.close(ignore_errors=True)
            raise SpeakerFailed(problem=str(error)) from error
        if not sounding.is_open():
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)


def _told_too_late(opening: "asyncio.Future[None]") -> None:
    log.warning("the sound card answers when nobody waits any more: problem=%s", opening.exception())


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise SpeakerFailed(problem=str(error)) from error
    module: ModuleType = sounddevice
    return module


class CardSounding:
    """Two sides: the event loop writes, PortAudio's thread takes. `_lock` guards all that both touch."""

    def __init__(self, start_at_s: float) -> None:
        self._start_at_s = start_at_s
        self._stream: Any = None
        self._lock = threading.Lock()
        self._waiting: deque[Frames] = deque()
        self._waiting_frames = 0
        self._flying: deque[tuple[float, int]] = deque()
        self._landed = 0
        self._clocked = 0
        self._zero_times: deque[float] = deque(maxlen=_TIMES_KEPT)
        self._first_frame_at_s: float | None = None
        self._called_at_s = time.monotonic()
        self._is_open = False
        self.closed = asyncio.Event()
        self.over = False

    @property
    def first_frame_at_s(self) -> float | None:
        return self._first_frame_at_s

    @property
    def played_frames(self) -> int:
        with self._lock:
            return self._landed_by(time.monotonic())

    def attach(self, stream: Any) -> None:
        self._stream = stream

    def is_open(self) -> bool:
        """Asked by whoever has opened the stream: False when nobody waits for it any more."""
        with self._lock:
            self._is_open = not self.over
            return self._is_open

    def is_given_up(self) -> bool:
        """Asked by whoever will wait no longer: False when it has just opened all the same."""
        with self._lock:
            self.over = self.over or not self._is_open
            return not self._is_open

    async def write(self, frames: Frames) -> None:
        self._assert_open("write")
        if frames.dtype != np.int16 or frames.ndim != 1:
            raise SpeakerMisuse(problem=f"frames of {frames.dtype} in {frames.ndim} dimensions")
        with self._lock:
            self._waiting.append(frames)
            self._waiting_frames += len(frames)
        await self._wait_until_held(HELD_S)

    async def finish(self) -> None:
        self._assert_open("finish")
        await self._wait_until_held(0.0)
        await asyncio.sleep(self._flight_left_s())
        await self._close()

    async def stop(self) -> None:
        if not self.over:
            with self._lock:
                self._waiting.clear()
                self._waiting_frames = 0
            await self._close()

    def fill(self, out: Any, count: int, times: Any, _status: Any) -> None:
        """PortAudio's thread asks for the next block."""
        self._called_at_s = time.monotonic()
        out.fill(0)
        block: Frames = out[:, 0]
        with self._lock:
            at_s = self._block_time(times)
            begin = self._place(at_s, count)
            taken = self._take(block[begin:])
            if taken:
                self._flying.append((at_s + begin / SAMPLE_RATE_HZ, taken))
            self._landed_by(self._called_at_s)
            self._clocked += count

    def _block_time(self, times: Any) -> float:
        """When this block's first frame reaches the converter, on the monotonic clock."""
        ahead_s = times.outputBufferDacTime - self._stream.time
        self._zero_times.append(time.monotonic() + ahead_s - self._clocked / SAMPLE_RATE_HZ)
        latest = list(self._zero_times)[-_LATEST_TIMES:]
        if abs(statistics.median(latest) - statistics.median(self._zero_times)) > _JUMP_S:
            log.warning("output ran dry and was set going again")
            self._zero_times = deque(latest, maxlen=_TIMES_KEPT)
        return statistics.median(self._zero_times) + self._clocked / SAMPLE_RATE_HZ

    def _place(self, at_s: float, count: int) -> int:
        """The frame of this block at which sound may begin; `count` when it is still too early."""
        if self._first_frame_at_s is not None:
            return 0
        if not self._waiting:
            return count
        begin = max(round((self._start_at_s - at_s) * SAMPLE_RATE_HZ), 0)
        if begin >= count:
            return count
        self._first_frame_at_s = at_s + begin / SAMPLE_RATE_HZ
        return begin

    def _take(self, room: Frames) -> int:
        filled = 0
        while self._waiting and filled < len(room):
            frames = self._waiting.popleft()
            used = min(len(frames), len(room) - filled)
            room[filled : filled + used] = frames[:used]
            if used < len(frames):
                self._waiting.appendleft(frames[used:])
            filled += used
        self._waiting_frames -= filled
        return filled

    def _landed_by(self, now_s: float) -> int:
        """Frames that have reached the converter. Blocks in flight are settled on the way."""
        while self._flying and self._flying[0][0] + self._flying[0][1] / SAMPLE_RATE_HZ <= now_s:
            self._landed += self._flying.popleft()[1]
        if not self._flying:
            return self._landed
        at_s, count = self._flying[0]
        return self._landed + min(max(int((now_s - at_s) * SAMPLE_RATE_HZ), 0), count)

    def _flight_left_s(self) -> float:
        with self._lock:
            if not self._flying:
                return 0.0
            at_s, count = self._flying[-1]
            return max(at_s + count / SAMPLE_RATE_HZ - time.monotonic(), 0.0) + _FRAME_S

    async def _wait_until_held(self, held_s: float) -> None:
        while (ahead_s := self._waiting_frames / SAMPLE_RATE_HZ - held_s) > 0:
            self._assert_alive()
            await asyncio.sleep(min(max(ahead_s, 0.005), 0.5))

    def _assert_open(self, call: str) -> None:
        if self.over:
            raise SpeakerMisuse(problem=f"{call} after the end")

    def _assert_alive(self) -> None:
        silent_s = time.monotonic() - self._called_at_s
        if silent_s > _DEAD_AFTER_S or not self._stream.active:
            raise SpeakerFailed(problem=f"no block asked for in {silent_s:.1f} s")

    async def _close(self) -> None:
        """What is still in flight is never heard: it is dropped with the stream."""
        with self._lock:
            self._landed = self._landed_by(time.monotonic())
            self._flying.clear()
        self.over = True
        try:
            await asyncio.to_thread(self._stream.abort, ignore_errors=True)
            await asyncio.to_thread(self._stream.close, ignore_errors=True)
        finally:
            self.closed.set()
