"""What a microphone on a village pole hears besides the loudspeaker: wind, the road, people, insects.

Levels are dB SPL at the microphone. Spectra: the power of wind falls by frequency to the 5/3 (Kolmogorov),
road noise is flat up to some 600 Hz and falls by 6 dB an octave above, motorcycles are rows of harmonics.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.speakers.contract import SAMPLE_RATE_HZ

Wave = NDArray[np.float64]
REFERENCE_PA = 2e-5


@dataclass(frozen=True, slots=True)
class Air:
    """The day: temperature in °C, wind in m/s, the road in dB SPL, and how often somebody passes (0 to 1)."""

    temperature_c: float = 22.0
    wind_ms: float = 1.0
    traffic_db: float = 48.0
    liveliness: float = 0.3

    @classmethod
    def drawn(cls, chance: np.random.Generator) -> "Air":
        """A morning in the mountains: 4 to 38 °C, mostly light wind, a lane or a market street."""
        return cls(
            temperature_c=float(np.clip(chance.normal(22.0, 7.0), 4.0, 38.0)),
            wind_ms=float(min(2.3 * chance.weibull(2.0), 8.0)),
            traffic_db=float(chance.uniform(38.0, 66.0)),
            liveliness=float(chance.uniform(0.0, 0.6)),
        )


def pascals(level_db: float) -> float:
    """The RMS pressure of a level in dB SPL."""
    return float(REFERENCE_PA * 10 ** (level_db / 20))


def village_noise(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    """`frames` samples of pressure in Pa."""
    passers = {_motorcycle: 0.8, _hoot: 0.3, _voices: 0.6, _insects: 1.0}
    there = [passer for passer, share in passers.items() if chance.random() < air.liveliness * share]
    total: Wave = np.sum([part(frames, air, chance) for part in (_wind, _road, *there)], axis=0)
    return total


def shaped(frames: int, shape: Wave, chance: np.random.Generator) -> Wave:
    """Gaussian noise of RMS 1 with the amplitude spectrum `shape` over the rfft's frequencies."""
    spectrum = shape * (chance.standard_normal(len(shape)) + 1j * chance.standard_normal(len(shape)))
    spectrum[0] = 0.0
    wave: Wave = np.fft.irfft(spectrum, frames).astype(np.float64)
    return wave / float(np.sqrt(np.mean(wave**2)))


def frequencies(frames: int) -> Wave:
    """Of the rfft; the first is 1 Hz instead of 0, so that it may be divided by."""
    values: Wave = np.fft.rfftfreq(frames, 1 / SAMPLE_RATE_HZ).astype(np.float64)
    values[0] = 1.0
    return values


def swell(frames: int, rate_hz: float, depth_db: float, chance: np.random.Generator) -> Wave:
    """A random gain around 1 that comes and goes about `rate_hz` times a second, `depth_db` up and down."""
    knots = max(round(frames / SAMPLE_RATE_HZ * rate_hz * 2), 1) + 2
    levels_db = chance.normal(0.0, depth_db, knots)
    smooth_db: Wave = np.interp(np.linspace(0, knots - 1, frames), np.arange(knots), levels_db)
    return 10 ** (smooth_db / 20)


def _wind(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    """On a foam windscreen: some 55 dB at 1 m/s and 35 dB more for every tenfold wind."""
    f = frequencies(frames)
    level_db = 55.0 + 35.0 * np.log10(max(air.wind_ms, 0.1))
    falls = np.maximum(f, 15.0) ** (-5 / 6) / (1 + (f / 400.0) ** 2) ** 0.5
    return shaped(frames, falls, chance) * pascals(level_db) * swell(frames, 1.0, 3.0, chance)


def _road(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    f = frequencies(frames)
    shape = 1 / np.sqrt(1 + (60.0 / f) ** 4) / np.sqrt(1 + (f / 600.0) ** 2)
    return shaped(frames, shape, chance) * pascals(air.traffic_db) * swell(frames, 0.7, 2.0, chance)


def _motorcycle(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    """Passes by: harmonics of its engine under a bell of loudness."""
    t = np.arange(frames) / SAMPLE_RATE_HZ
    first_hz, drift = chance.uniform(50.0, 140.0), chance.uniform(-0.1, 0.1)
    phase = 2 * np.pi * first_hz * (t + drift * t**2 / 2)
    orders = np.arange(1, 25)
    shares = chance.uniform(0.3, 1.0, len(orders)) / orders**0.7
    turns = chance.uniform(0, 2 * np.pi, len(orders))
    wave = np.sum(shares[:, None] * np.sin(orders[:, None] * phase + turns[:, None]), axis=0)
    bell = np.exp(-(((t - chance.uniform(0.0, t[-1])) / chance.uniform(0.5, 2.0)) ** 2))
    level_db = air.traffic_db + chance.uniform(0.0, 12.0)
    return wave / np.sqrt(np.mean(wave**2)) * bell * pascals(level_db)  # type: ignore[no-any-return]


def _hoot(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    """A vehicle's horn: two tones with all their harmonics, for a moment."""
    t = np.arange(frames) / SAMPLE_RATE_HZ
    begins_s, lasts_s = chance.uniform(0.0, t[-1]), chance.uniform(0.15, 0.7)
    on = (t >= begins_s) & (t < begins_s + lasts_s)
    wave = np.zeros(frames)
    for tone_hz in chance.uniform(350.0, 520.0, 2):
        for order in range(1, 9):
            wave += np.sin(2 * np.pi * tone_hz * order * t + chance.uniform(0, 2 * np.pi)) / order**0.5
    level_db = air.traffic_db + chance.uniform(8.0, 24.0)
    return wave / np.sqrt(np.mean(wave**2)) * on * pascals(level_db)  # type: ignore[no-any-return]


def _voices(frames: int, air: Air, chance: np.random.Generator) -> Wave:
    """People talking under the pole: syllables come about four times a second."""
    f = frequencies(frames)
    shape = 1 / (1 + (200.0 / f) ** 2) / (1 + (f / 1200.0) ** 2)
    level_db = chance.uniform(48.0, 68.0)
    return shaped(frames, shape, chance) * swell(frames, 4.0, 7.0, chance) * pascals(level_db)


def _insects(frames: int, _air: Air, chance: np.random.Generator) -> Wave:
    """Cicadas: a narrow band that flutters."""
    f, t = frequencies(frames), np.arange(frames) / SAMPLE_RATE_HZ
    middle_hz, width_hz = chance.uniform(3000.0, 7500.0), chance.uniform(150.0, 800.0)
    flutter = 1 + 0.8 * np.sin(2 * np.pi * chance.uniform(15.0, 60.0) * t)
    band = np.exp(-(((f - middle_hz) / width_hz) ** 2))
    return shaped(frames, band, chance) * flutter * pascals(chance.uniform(32.0, 60.0))
