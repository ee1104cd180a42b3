"""The test tone: three rising notes that nobody takes for a broadcast. Pure."""

from typing import Final

import numpy as np

from agent.player import gain_of
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

NOTES_HZ: Final = (440.0, 660.0, 880.0)
NOTE_S: Final = 0.8
TONE_S: Final = NOTE_S * len(NOTES_HZ)
_FADE_S: Final = 0.03
_FULL_SCALE: Final = 0.25 * 32767
"""12 dB below full scale before the station's volume: speech peaks higher."""


def tone(volume: int) -> Frames:
    """`TONE_S` seconds at a volume of 0 to 100; each note fades in and out, so that nothing clicks."""
    count = round(NOTE_S * SAMPLE_RATE_HZ)
    fade = round(_FADE_S * SAMPLE_RATE_HZ)
    shape = np.ones(count)
    shape[:fade] = np.linspace(0.0, 1.0, fade)
    shape[-fade:] = np.linspace(1.0, 0.0, fade)
    time_s = np.arange(count) / SAMPLE_RATE_HZ
    notes = [np.sin(2 * np.pi * hertz * time_s) * shape for hertz in NOTES_HZ]
    samples: Frames = (np.concatenate(notes) * _FULL_SCALE * gain_of(volume)).astype(np.int16)
    return samples
