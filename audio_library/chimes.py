"""The library's own opening and closing chimes: bell notes, the same samples every time.

Opening rises, closing falls, so that a villager knows without a word whether the bulletin begins or ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

from audio_library.sound import RATE_HZ

Samples = npt.NDArray[np.float64]

C5_HZ, E5_HZ, G5_HZ, C6_HZ = 523.25, 659.26, 783.99, 1046.50
PARTIALS = ((1.0, 1.0), (2.0, 0.45), (3.01, 0.18), (4.2, 0.08))
ATTACK_S = 0.015
FADE_S = 0.4
DECAY_S = 0.9
PEAK = 10 ** (-4.5 / 20)


class Chime(Enum):
    OPENING = "opening"
    CLOSING = "closing"


def chime_pcm(which: Chime) -> bytes:
    """16-bit mono samples at 48 kHz, two to three seconds."""
    if which is Chime.OPENING:
        return pcm_of(_melody((C5_HZ, E5_HZ, G5_HZ, C6_HZ), step_s=0.42, seconds=2.8))
    return pcm_of(_melody((G5_HZ, E5_HZ, C5_HZ), step_s=0.5, seconds=2.4))


def _melody(notes_hz: Sequence[float], step_s: float, seconds: float) -> Samples:
    total = np.zeros(round(seconds * RATE_HZ))
    for number, pitch_hz in enumerate(notes_hz):
        start = round(number * step_s * RATE_HZ)
        total[start:] += bell(pitch_hz, total.size - start)
    fade = round(FADE_S * RATE_HZ)
    total[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return total


def bell(pitch_hz: float, samples: int, decay_s: float = DECAY_S) -> Samples:
    """Higher partials are softer and die sooner, as in a bell; the attack rises without a click."""
    time_s: Samples = np.arange(samples) / RATE_HZ
    tone: Samples = np.zeros(samples)
    for ratio, level in PARTIALS:
        tone += level * np.exp(-time_s * ratio / decay_s) * np.sin(2 * np.pi * pitch_hz * ratio * time_s)
    attack = np.minimum(time_s / ATTACK_S, 1.0)
    shaped: Samples = tone * np.sin(attack * np.pi / 2) ** 2
    return shaped


def pcm_of(samples: Samples) -> bytes:
    loudest = float(np.abs(samples).max())
    whole: npt.NDArray[np.int16] = np.round(samples * (PEAK / loudest * 32_767)).astype("<i2")
    return whole.tobytes()
