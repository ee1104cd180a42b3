"""The signals of emergency alerts, made by rule: the same samples every time.

Three that nobody can take for each other, even through a horn a kilometre away: the alert glides up and down
without rest, the drill strikes a bell three times and waits, the all-clear stands still. Every tone lies
between 500 Hz and 4 kHz, where horns are loud.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

from audio_library.chimes import bell, pcm_of
from audio_library.sound import RATE_HZ

Samples = npt.NDArray[np.float64]

ATTENTION_S = 8.0
ATTENTION_LOW_HZ, ATTENTION_HIGH_HZ = 520.0, 1_240.0
ATTENTION_SWEEP_S = 1.0
"""Up and down again."""
ATTENTION_SECOND_TONE = 1.26
"""A major third above the first, at every moment."""
ATTENTION_PARTIALS = ((1, 1.0), (2, 0.35), (3, 0.25))

DRILL_S = 6.0
DRILL_HZ = 880.0
DRILL_DECAY_S = 0.3
DRILL_STRIKES_S = (0.0, 0.7, 1.4, 3.2, 3.9, 4.6)

ALL_CLEAR_S = 5.0
ALL_CLEAR_CHORD_HZ = (523.25, 659.26, 783.99)
ALL_CLEAR_PARTIALS = ((1, 1.0), (2, 0.2))


class Signal(Enum):
    ATTENTION = "attention"
    DRILL = "drill"
    ALL_CLEAR = "all_clear"


def signal_pcm(which: Signal) -> bytes:
    """16-bit mono samples at 48 kHz, five to eight seconds."""
    if which is Signal.ATTENTION:
        return pcm_of(_attention())
    return pcm_of(_drill() if which is Signal.DRILL else _all_clear())


def _attention() -> Samples:
    time_s = _time(ATTENTION_S)
    height = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / ATTENTION_SWEEP_S)
    pitch_hz = ATTENTION_LOW_HZ * (ATTENTION_HIGH_HZ / ATTENTION_LOW_HZ) ** height
    turn = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    tone = sum(
        (
            level * np.sin(partial * ratio * turn)
            for partial, level in ATTENTION_PARTIALS
            for ratio in (1.0, ATTENTION_SECOND_TONE)
        ),
        start=np.zeros_like(time_s),
    )
    return _faded(tone, rise_s=0.02, fall_s=0.25)


def _drill() -> Samples:
    total = np.zeros(round(DRILL_S * RATE_HZ))
    for strike_s in DRILL_STRIKES_S:
        start = round(strike_s * RATE_HZ)
        total[start:] += bell(DRILL_HZ, total.size - start, DRILL_DECAY_S)
    return _faded(total, rise_s=0.0, fall_s=0.4)


def _all_clear() -> Samples:
    time_s = _time(ALL_CLEAR_S)
    chord = sum(
        (
            level * np.sin(2 * np.pi * partial * pitch_hz * time_s)
            for partial, level in ALL_CLEAR_PARTIALS
            for pitch_hz in ALL_CLEAR_CHORD_HZ
        ),
        start=np.zeros_like(time_s),
    )
    return _faded(chord, rise_s=0.4, fall_s=1.2)


def _time(seconds: float) -> Samples:
    time_s: Samples = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return time_s


def _faded(samples: Samples, rise_s: float, fall_s: float) -> Samples:
    """Begins and ends without a click."""
    rise, fall = round(rise_s * RATE_HZ), round(fall_s * RATE_HZ)
    shaped = samples.copy()
    shaped[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    shaped[shaped.size - fall :] *= np.cos(np.linspace(0, np.pi / 2, fall)) ** 2
    return shaped
