"""Sounds like speech, encoded as the library encodes them, and how alike two of them are."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from wire.messages import Item

Samples = NDArray[np.int16]
RATE_HZ = 48_000


@dataclass(frozen=True)
class Sound:
    """An encoded file of the library and what it decodes to."""

    item: Item
    samples: Samples


def speech_like(seconds: float, seed: int) -> Samples:
    """Noise with syllables: no two moments of it are alike, so that a shift shows."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    noise = np.convolve(chance.standard_normal(count), np.hanning(24), mode="same")
    syllables = np.repeat(chance.uniform(0.1, 1.0, count // 4800 + 1), 4800)[:count]
    shaped = noise * syllables
    samples: Samples = (shaped / np.abs(shaped).max() * 20_000).astype(np.int16)
    return samples


def encode_opus(path: Path, samples: Samples) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=48_000)
        for begin in range(0, len(samples), 960):
            frame = AudioFrame.from_ndarray(samples[None, begin : begin + 960], format="s16", layout="mono")
            frame.sample_rate = RATE_HZ
            frame.pts = begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def encoded(folder: Path, seconds: float, seed: int = 1) -> Item:
    """Something like speech, as the file of a library or of a station's cache."""
    draft = folder / f"draft-{seed}-{seconds}"
    encode_opus(draft, speech_like(seconds, seed))
    content = draft.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    draft.rename(folder / f"{sha256}.opus")
    return Item(sha256=sha256, seconds=seconds, size_bytes=len(content))


def best_match(recording: Samples, source: Samples) -> tuple[float, int]:
    """Highest normalised cross-correlation of the recording within the source, and where it lies."""
    a, b = recording.astype(np.float64), source.astype(np.float64)
    size = 1 << (len(a) + len(b) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    last = max(len(b) - len(a), 0)
    shift = int(np.argmax(product[: last + 1]))
    part = b[shift : shift + len(a)]
    power = np.linalg.norm(part) * np.linalg.norm(a[: len(part)])
    return float(np.dot(part, a[: len(part)]) / power), shift
