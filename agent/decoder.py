"""Ogg Opus to mono 16-bit samples at 48 kHz, a block at a time: memory does not grow with the length."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from agent.errors import SoundUnreadable
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

_BLOCK_FRAMES: Final = SAMPLE_RATE_HZ // 10


def decode(path: Path, skip_s: float = 0.0) -> Iterator[Frames]:
    """Samples from `skip_s` on. Raises `SoundUnreadable`."""
    try:
        with soundfile.SoundFile(path) as sound:
            if (sound.format, sound.subtype, sound.samplerate) != ("OGG", "OPUS", SAMPLE_RATE_HZ):
                raise SoundUnreadable(file=path.name, problem=f"{sound.subtype} at {sound.samplerate} Hz")
            yield from _samples(sound, round(skip_s * SAMPLE_RATE_HZ))
    except (soundfile.SoundFileError, OSError) as error:
        raise SoundUnreadable(file=path.name, problem=str(error)) from error


def _samples(sound: soundfile.SoundFile, first: int) -> Iterator[Frames]:
    if first >= sound.frames:
        return
    sound.seek(first)
    while len(block := sound.read(_BLOCK_FRAMES, dtype="int16", always_2d=True)):
        yield _mono(block)


def _mono(block: Frames) -> Frames:
    if block.shape[1] == 1:
        return block[:, 0]
    mixed: Frames = np.rint(block.mean(axis=1)).astype(np.int16)
    return mixed
