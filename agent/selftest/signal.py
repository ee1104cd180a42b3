"""The sounds that a station tests itself with."""

from typing import Final

import numpy as np

from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

SWEEP_S: Final = 1.5
LOW_HZ: Final = 300.0
HIGH_HZ: Final = 6000.0
PILOT_S: Final = 2.0
PILOT_HZ: Final = 20_000.0
"""Above hearing, and a horn does not radiate it: the pilot tone of supervised 100 V lines (EN 54-16)."""
_FADE_S = 0.03
_PEAK = 32767


def sweep() -> Frames:
    """An exponential sine sweep at full scale (A. Farina, AES 108th Convention, 2000)."""
    t = np.arange(round(SWEEP_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    rate = SWEEP_S / np.log(HIGH_HZ / LOW_HZ)
    return _faded(np.sin(2 * np.pi * LOW_HZ * rate * (np.exp(t / rate) - 1)))


def pilot() -> Frames:
    """The silent tone at full scale."""
    t = np.arange(round(PILOT_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return _faded(np.sin(2 * np.pi * PILOT_HZ * t))


def at_level(sound: Frames, level_db: float) -> Frames:
    """`level_db` is over full scale. Raises ValueError where it is above 0."""
    if level_db > 0:
        raise ValueError(f"level above full scale: {level_db} dB")
    return np.round(sound * 10 ** (level_db / 20)).astype(np.int16)


def harmonic_lead_s(order: int) -> float:
    """How far before the sweep's own response that of the harmonic `order` comes out of the analysis."""
    return float(SWEEP_S * np.log(order) / np.log(HIGH_HZ / LOW_HZ))


def _faded(wave: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Frames:
    """No click at either end."""
    frames = round(_FADE_S * SAMPLE_RATE_HZ)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)
    wave[:frames] *= ramp
    wave[-frames:] *= ramp[::-1]
    return np.round(wave * _PEAK).astype(np.int16)
