"""Ogg Opus to mono 16-bit samples at 48 kHz, a block at a time: memory does not grow with the length."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from agent.errors import SoundUnreadable
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

_SEEK_MARGIN_S: Final = 0.5
_MICROSECONDS: Final = 1_000_000


def decode(path: Path, skip_s: float = 0.0) -> Iterator[Frames]:
    """Samples from `skip_s` on. Raises `SoundUnreadable`."""
    try:
        with av.open(str(path), format="ogg") as container:
            yield from _samples(container, path, skip_s)
    except (av.FFmpegError, OSError) as error:
        raise SoundUnreadable(file=path.name, problem=str(error)) from error


def _samples(container: InputContainer, path: Path, skip_s: float) -> Iterator[Frames]:
    if not container.streams.audio:
        raise SoundUnreadable(file=path.name, problem="no audio stream")
    stream = container.streams.audio[0]
    if skip_s > _SEEK_MARGIN_S:
        container.seek(int((skip_s - _SEEK_MARGIN_S) * _MICROSECONDS))
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
    first = round(skip_s * SAMPLE_RATE_HZ)
    for frame in container.decode(stream):
        position = _position(frame)
        for mono in resampler.resample(frame):
            samples: Frames = mono.to_ndarray().reshape(-1).astype(np.int16, copy=False)
            yield from _from(samples, position, first)
            position += len(samples)


def _position(frame: AudioFrame) -> int:
    """The frame's first sample, counted from the beginning of the sound."""
    return 0 if frame.time is None else max(round(frame.time * SAMPLE_RATE_HZ), 0)


def _from(samples: Frames, position: int, first: int) -> Iterator[Frames]:
    cut = max(first - position, 0)
    if cut < len(samples):
        yield samples[cut:]
