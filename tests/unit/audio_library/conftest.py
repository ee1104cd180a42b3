"""Recordings that the tests make themselves, and measures that do not come from the library."""

from __future__ import annotations

import os
import subprocess
import wave
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import pytest

from audio_library import Limits, Store

Samples = npt.NDArray[np.float64]
RATE_HZ = 48_000


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run the wheel's ffmpeg; give its standard output, fail with its log."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-nostdin", "-v", "error", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


@lru_cache(maxsize=32)
def voice(seconds: float, rate_hz: int = 44_100, level: float = 0.4, seed: int = 1) -> Samples:
    """Something like speech: a gliding voice with formants, syllables, pauses and breath."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    pitch_hz = 130 + 30 * np.sin(2 * np.pi * 0.4 * time_s) + 10 * np.sin(2 * np.pi * 1.7 * time_s)
    turn = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    tone = np.zeros_like(time_s)
    for harmonic in range(1, 30):
        middle_hz = harmonic * 130
        formants = ((600, 300, 1.0), (1500, 400, 0.5), (2600, 500, 0.25))
        weight = sum(top * np.exp(-(((middle_hz - at) / wide) ** 2)) for at, wide, top in formants)
        if middle_hz < rate_hz / 2.5:
            tone += weight * np.sin(harmonic * turn + random.uniform(0, 2 * np.pi))
    tone += 0.1 * random.standard_normal(time_s.size)
    syllables = np.clip(np.sin(2 * np.pi * 3.3 * time_s + 0.5) + 0.4, 0, None) ** 0.7
    phrases = np.sin(2 * np.pi * 0.13 * time_s + 0.3) > -0.75
    spoken: Samples = tone * syllables * phrases
    scale: float = level / float(np.abs(spoken).max())
    spoken *= scale
    spoken.setflags(write=False)
    return spoken


def silence(seconds: float, rate_hz: int = 44_100) -> Samples:
    return np.zeros(round(seconds * rate_hz))


def save(path: Path, *channels: Samples, rate_hz: int = 44_100) -> Path:
    """16-bit WAV."""
    interleaved = np.stack(channels, axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(interleaved * 32_767).astype("<i2").tobytes())
    return path


def decoded(path: Path) -> Samples:
    """The samples of a file at 48 kHz, mono."""
    raw = ffmpeg("-i", path, "-map", "0:a:0", "-ac", "1", "-ar", str(RATE_HZ), "-f", "f32le", "-")
    return np.frombuffer(raw, "<f4").astype(np.float64)


def lufs(samples: Samples) -> float:
    """Integrated loudness of mono sound at 48 kHz, written from ITU-R BS.1770-4, annex 1."""
    shelf = (
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1.0, -1.69065929318241, 0.73248077421585),
    )
    high_pass = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
    size = samples.size + RATE_HZ
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response = np.ones_like(z)
    for top, bottom in (shelf, high_pass):
        response *= np.polyval(top[::-1], z) / np.polyval(bottom[::-1], z)
    weighted = np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: samples.size]
    steps = np.square(weighted[: samples.size // 4_800 * 4_800]).reshape(-1, 4_800).mean(axis=1)
    blocks = np.convolve(steps, np.full(4, 0.25), "valid")
    loud = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    gated = loud[loud > loud.mean() * 10**-1.0]
    return float(-0.691 + 10 * np.log10(gated.mean()))


def true_peak_dbtp(samples: Samples) -> float:
    """Highest peak between samples, by band-limited oversampling four times."""
    spectrum = np.fft.rfft(samples)
    finer = np.fft.irfft(np.pad(spectrum, (0, samples.size * 2 - spectrum.size + 1)), samples.size * 4) * 4
    return float(20 * np.log10(np.abs(finer).max()))


class Workshop:
    """What a test needs to make recordings."""

    ffmpeg = staticmethod(ffmpeg)
    voice = staticmethod(voice)
    silence = staticmethod(silence)
    save = staticmethod(save)
    decoded = staticmethod(decoded)
    lufs = staticmethod(lufs)
    true_peak_dbtp = staticmethod(true_peak_dbtp)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def speech(self, name: str = "speech.wav", seconds: float = 8, level: float = 0.4, seed: int = 1) -> Path:
        """A plain WAV recording of something like speech."""
        return self.save(self.folder / name, self.voice(seconds, level=level, seed=seed))

    def converted(self, name: str, *options: str | Path) -> Path:
        """The plain recording in another format."""
        path = self.folder / name
        self.ffmpeg("-i", self.speech(), *options, path)
        return path

    def text(self, name: str, lines: Sequence[str]) -> Path:
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return Workshop(folder)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "library")


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def files() -> Callable[[Store], list[str]]:
    """Every file under a store, half-made ones too."""

    def listed(store: Store) -> list[str]:
        return sorted(
            os.path.relpath(Path(folder) / name, store.root)
            for folder, _, names in os.walk(store.root)
            for name in names
        )

    return listed
