"""The board's own microphone through PortAudio: open only while a self-test listens."""

import asyncio
import statistics
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any, Final, Protocol

import numpy as np

from agent.errors import MicrophoneFailed
from agent.settings import MicrophoneSettings
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

_BLOCK_FRAMES: Final = SAMPLE_RATE_HZ // 50
_DEAD_AFTER_S: Final = 2.0
_PATIENCE_S: Final = 4.0
_LONGEST_S: Final = 60.0


class Recording(Protocol):
    """What the microphone takes, from its opening on."""

    async def between(self, from_s: float, count: int) -> Frames:
        """`count` frames from this monotonic instant on; waits for them. What came before is silence.

        Raises `MicrophoneFailed` when the microphone gives nothing any more.
        """


class Microphone(Protocol):
    def listen(self) -> AbstractAsyncContextManager[Recording]:
        """Open inside. Raises `MicrophoneFailed`."""


class CardMicrophone:
    """Mono, 16 bit, 48 kHz from the sound card."""

    def __init__(self, settings: MicrophoneSettings) -> None:
        self._device = int(settings.device) if settings.device.isdecimal() else settings.device or None

    def listen(self) -> AbstractAsyncContextManager[Recording]:
        return self._listen()

    @asynccontextmanager
    async def _listen(self) -> AsyncIterator[Recording]:
        recording = CardRecording()
        opening = asyncio.get_running_loop().run_in_executor(None, self._open, recording)
        try:
            await _in_time(opening)
            yield recording
        finally:
            await asyncio.wait([opening], timeout=_PATIENCE_S)
            await _in_time(asyncio.get_running_loop().run_in_executor(None, recording.close))

    def _open(self, recording: "CardRecording") -> None:
        library = _portaudio()
        try:
            stream = library.InputStream(
                samplerate=SAMPLE_RATE_HZ,
                blocksize=_BLOCK_FRAMES,
                device=self._device,
                channels=1,
                dtype="int16",
                callback=recording.take,
            )
            recording.attach(stream)
            stream.start()
        except (library.PortAudioError, ValueError) as error:
            raise MicrophoneFailed(problem=str(error)) from error


async def _in_time(work: asyncio.Future[None]) -> None:
    """A driver may hang where its sound server has died."""
    done, _ = await asyncio.wait([work], timeout=_PATIENCE_S)
    if not done:
        raise MicrophoneFailed(problem=f"no answer from the sound card in {_PATIENCE_S:.0f} s")
    work.result()


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise MicrophoneFailed(problem=str(error)) from error
    module: ModuleType = sounddevice
    return module


class CardRecording:
    """PortAudio's thread gives, the event loop takes. `_lock` guards all that both touch."""

    def __init__(self) -> None:
        self._stream: Any = None
        self._lock = threading.Lock()
        self._blocks: list[Frames] = []
        self._zero_times: list[float] = []
        self._frames = 0
        self._called_at_s = time.monotonic()

    def attach(self, stream: Any) -> None:
        self._stream = stream
        self._called_at_s = time.monotonic()

    def take(self, block: Any, count: int, times: Any, _status: Any) -> None:
        """PortAudio's thread brings the next block."""
        now_s = time.monotonic()
        with self._lock:
            self._called_at_s = now_s
            taken_at_s = now_s - max(self._stream.time - times.inputBufferAdcTime, 0.0)
            self._zero_times.append(taken_at_s - self._frames / SAMPLE_RATE_HZ)
            if self._frames < _LONGEST_S * SAMPLE_RATE_HZ:
                self._blocks.append(block[:, 0].copy())
            self._frames += count

    async def between(self, from_s: float, count: int) -> Frames:
        while (missing := self._missing(from_s, count)) > 0:
            self._assert_alive()
            await asyncio.sleep(min(max(missing / SAMPLE_RATE_HZ, 0.01), 0.2))
        with self._lock:
            whole = np.concatenate(self._blocks)
            begin = self._index(from_s)
        cut = np.zeros(count, dtype=np.int16)
        known = whole[max(begin, 0) : begin + count]
        skip = max(-begin, 0)
        cut[skip : skip + len(known)] = known
        return cut

    def close(self) -> None:
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

    def _missing(self, from_s: float, count: int) -> int:
        with self._lock:
            return 1 if not self._zero_times else self._index(from_s) + count - self._frames

    def _index(self, from_s: float) -> int:
        return round((from_s - statistics.median(self._zero_times)) * SAMPLE_RATE_HZ)

    def _assert_alive(self) -> None:
        silent_s = time.monotonic() - self._called_at_s
        if silent_s > _DEAD_AFTER_S or not self._stream.active:
            raise MicrophoneFailed(problem=f"no sound given in {silent_s:.1f} s")
