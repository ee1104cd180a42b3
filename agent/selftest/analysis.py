"""From a recording of the sweep to figures: how loud, in which bands, of what shape, over how much noise.

The recording is divided by the sweep (A. Farina, AES 108th Convention, 2000): the loudspeaker's own response
stands at the sound's arrival, each harmonic of its distortion at a known time before it, and noise everywhere
alike, so that what noise adds can be measured beside the response and taken away again. Pure.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agent.selftest.contract import LEAD_S, TAIL_S
from agent.selftest.signal import HIGH_HZ, LOW_HZ, harmonic_lead_s
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

Wave = NDArray[np.float64]

BANDS_HZ: Final = tuple(350.0 * 2 ** (step / 2) for step in range(9))
"""Edges of half-octave bands, 350 Hz to 5.6 kHz."""
SHAPE_S: Final = 0.03
_BEFORE_S = 0.004
_SEARCH_S = (-0.05, 0.2)
_DIRECT_S = 0.003
_HARMONIC_S = 0.02
_NOISE_FROM_S = 0.3
_NOISE_TO_S = -0.95
"""Beyond the response's own tail, up to where the fifth harmonic begins; circular."""
_HISS_HZ = (13_000.0, 19_000.0)
_HISS_BLOCK = 1024
_HISS_QUANTILE = 0.1
_SURROUND_HZ = (100.0, 2000.0)
_HANN_ENERGY = 2 * 8 / 3
"""One-sided spectrum, and a window that leaves 3/8 of the energy."""
_FULL_SCALE = 32767.0
_CLIPPED = 0.999
_FLOOR = 1e-15


@dataclass(frozen=True, slots=True)
class Heard:
    """One sweep as heard. Levels in dB per unit of drive, `noise_db` and `hiss_db` over full scale.

    `*_noise_db` is what noise alone would have measured; it is taken away from the levels already.
    """

    shape: Wave
    level_db: float
    level_noise_db: float
    bands_db: tuple[float, ...]
    bands_noise_db: tuple[float, ...]
    distortion_db: float
    distortion_noise_db: float
    noise_db: float
    hiss_db: float
    clipped: float

    @property
    def tilt_db(self) -> float:
        """How much denser the pause is below 2 kHz than far above, in dB: 0 for bare electronics."""
        widths = (_SURROUND_HZ[1] - _SURROUND_HZ[0]) / (_HISS_HZ[1] - _HISS_HZ[0])
        return self.noise_db - self.hiss_db - 10 * math.log10(widths)


def analyse(recording: Frames, sound: Frames, level_db: float) -> Heard:
    """`recording` as an ear gives it (see the contract) of `sound` played at `level_db` over full scale."""
    wave: Wave = recording.astype(np.float64) / _FULL_SCALE
    response = _divided(wave, sound, level_db)
    arrival = _arrival(response)
    linear = _cut(response, arrival, _BEFORE_S, SHAPE_S)
    noise = _noise_density(response, arrival)
    bands, bands_noise = _bands(response, linear, arrival)
    level, level_noise = _without_noise(float(np.sum(linear**2)), noise * len(linear))
    bent = [
        _cut(response, arrival - _frames(harmonic_lead_s(order)), _BEFORE_S, _HARMONIC_S) for order in (2, 3)
    ]
    harmonics, harmonics_noise = _without_noise(
        sum(float(np.sum(part**2)) for part in bent), noise * sum(map(len, bent))
    )
    return Heard(
        shape=linear,
        level_db=_db(level),
        level_noise_db=_db(level_noise),
        bands_db=bands,
        bands_noise_db=bands_noise,
        distortion_db=_db(harmonics / level),
        distortion_noise_db=_db(harmonics_noise / level),
        noise_db=_surround_db(wave),
        hiss_db=_hiss_db(wave),
        clipped=float(np.mean(np.abs(wave) >= _CLIPPED)),
    )


def likeness(shape: Wave, reference: Wave) -> tuple[float, float]:
    """The highest correlation of two responses, and the stretch of time at which it is reached.

    Warm air carries sound faster, so that all delays shrink alike: stretches of ±5 % are tried (±28 K).
    """
    size = 1 << (2 * max(len(shape), len(reference)) - 1).bit_length()
    spectrum = np.fft.rfft(shape, size)
    t = np.arange(len(reference))
    best, best_stretch = 0.0, 1.0
    for stretch in np.linspace(0.95, 1.05, 51):
        stretched = np.interp(t * stretch, t, reference)
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(stretched, size)), size)
        norm = max(float(np.linalg.norm(shape) * np.linalg.norm(stretched)), _FLOOR)
        value = float(np.max(product)) / norm
        if value > best:
            best, best_stretch = value, float(stretch)
    return best, best_stretch


def _divided(wave: Wave, sound: Frames, level_db: float) -> Wave:
    """Circular, as long as the recording; time 0 is the first sample of the sound."""
    played: Wave = np.zeros(len(wave), dtype=np.float64)
    lead = _frames(LEAD_S)
    played[lead : lead + len(sound)] = sound / _FULL_SCALE * 10 ** (level_db / 20)
    asked = np.fft.rfft(played)
    f: Wave = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ).astype(np.float64)
    least = 1e-3 * float(np.max(np.abs(asked) ** 2))
    answer = np.fft.rfft(wave) * np.conj(asked) / (np.abs(asked) ** 2 + least)
    return np.fft.irfft(answer * _passband(f), len(wave))


def _passband(f: Wave) -> Wave:
    """1 inside the sweep, down to 0 at its ends without a corner."""
    rises = np.clip((f - LOW_HZ) / (BANDS_HZ[0] - LOW_HZ), 0, 1)
    falls = np.clip((HIGH_HZ - f) / (HIGH_HZ - BANDS_HZ[-1]), 0, 1)
    return np.sin(rises * np.pi / 2) ** 2 * np.sin(falls * np.pi / 2) ** 2  # type: ignore[no-any-return]


def _arrival(response: Wave) -> int:
    """Where the first 3 ms with most energy begin."""
    lags = np.arange(_frames(_SEARCH_S[0]), _frames(_SEARCH_S[1]))
    energy = np.cumsum(response[lags] ** 2)
    width = _frames(_DIRECT_S)
    return int(lags[int(np.argmax(energy[width:] - energy[:-width]))])


def _cut(response: Wave, at: int, before_s: float, length_s: float) -> Wave:
    begin = at - _frames(before_s)
    return response[np.arange(begin, begin + _frames(before_s + length_s)) % len(response)]


def _quiet(response: Wave, arrival: int) -> Wave:
    begin, end = arrival + _frames(_NOISE_FROM_S), arrival + _frames(_NOISE_TO_S) + len(response)
    return response[np.arange(begin, end) % len(response)]


def _noise_density(response: Wave, arrival: int) -> float:
    return float(np.mean(_quiet(response, arrival) ** 2))


def _bands(response: Wave, linear: Wave, arrival: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Energies of the response in half-octaves, and what noise alone has in a window of that length."""
    quiet = _quiet(response, arrival)
    pieces = quiet[: len(quiet) // len(linear) * len(linear)].reshape(-1, len(linear))
    taper = np.hanning(2 * _frames(_BEFORE_S))
    window = np.ones(len(linear))
    window[: _frames(_BEFORE_S)] = taper[: _frames(_BEFORE_S)]
    window[-_frames(_BEFORE_S) :] = taper[_frames(_BEFORE_S) :]
    powers = np.abs(np.fft.rfft(linear * window)) ** 2
    noise = np.mean(np.abs(np.fft.rfft(pieces * window, axis=1)) ** 2, axis=0)
    f = np.fft.rfftfreq(len(linear), 1 / SAMPLE_RATE_HZ)
    levels, floors = [], []
    for low_hz, high_hz in itertools.pairwise(BANDS_HZ):
        inside = (f >= low_hz) & (f < high_hz)
        level, floor = _without_noise(float(np.mean(powers[inside])), float(np.mean(noise[inside])))
        levels.append(_db(level))
        floors.append(_db(floor))
    return tuple(levels), tuple(floors)


def _without_noise(energy: float, noise: float) -> tuple[float, float]:
    """Never less than a tenth of the noise: nobody can tell any more."""
    return max(energy - noise, 0.1 * noise, _FLOOR), max(noise, _FLOOR)


def _surround_db(wave: Wave) -> float:
    """Of the village before the sound, between 100 Hz and 2 kHz without the mains' harmonics."""
    pause = wave[: _frames(LEAD_S)]
    f = np.fft.rfftfreq(len(pause), 1 / SAMPLE_RATE_HZ)
    power = np.abs(np.fft.rfft(pause * np.hanning(len(pause)))) ** 2
    mains = np.abs((f + 25.0) % 50.0 - 25.0) < 5.0
    inside = (f >= _SURROUND_HZ[0]) & (f <= _SURROUND_HZ[1]) & ~mains
    bins = (_SURROUND_HZ[1] - _SURROUND_HZ[0]) * len(pause) / SAMPLE_RATE_HZ
    return _db(float(np.mean(power[inside])) * bins * _HANN_ENERGY / len(pause) ** 2)


def _hiss_db(wave: Wave) -> float:
    """The quietest of what lies above village and sweep: the microphone's own noise, over full scale."""
    pauses = np.concatenate([wave[: _frames(LEAD_S)], wave[-_frames(TAIL_S / 2) :]])
    blocks = pauses[: len(pauses) // _HISS_BLOCK * _HISS_BLOCK].reshape(-1, _HISS_BLOCK)
    power = np.abs(np.fft.rfft(blocks * np.hanning(_HISS_BLOCK), axis=1)) ** 2
    f = np.fft.rfftfreq(_HISS_BLOCK, 1 / SAMPLE_RATE_HZ)
    inside = power[:, (f >= _HISS_HZ[0]) & (f <= _HISS_HZ[1])]
    bins = (_HISS_HZ[1] - _HISS_HZ[0]) * _HISS_BLOCK / SAMPLE_RATE_HZ
    quietest = float(np.quantile(np.mean(inside, axis=1), _HISS_QUANTILE))
    return _db(quietest * bins * _HANN_ENERGY / _HISS_BLOCK**2)


def _frames(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def _db(power: float) -> float:
    return 10 * math.log10(max(power, _FLOOR))
