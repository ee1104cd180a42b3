"""Known systems in, their known figures out."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.selftest.analysis import BANDS_HZ, analyse, likeness
from agent.selftest.contract import LEAD_S, TAIL_S
from agent.selftest.signal import at_level, sweep
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

Wave = NDArray[np.float64]
DRIVE_DB = -18.0


def recorded(kernel: Wave, noise: float = 1e-4, bent: float = 0.0, drive_db: float = DRIVE_DB) -> Frames:
    """The sweep through `kernel`, after a diaphragm that is `bent` by its square."""
    wave = at_level(sweep(), drive_db) / 32767.0
    moved = np.convolve(wave + bent * wave**2, kernel)
    whole = np.zeros(len(sweep()) + round((LEAD_S + TAIL_S) * SAMPLE_RATE_HZ))
    begin = round(LEAD_S * SAMPLE_RATE_HZ)
    whole[begin : begin + len(moved)] = moved
    whole += noise * np.random.default_rng(7).standard_normal(len(whole))
    return np.clip(np.round(whole * 32767), -32768, 32767).astype(np.int16)


def impulse(gain: float, delay_s: float = 0.005) -> Wave:
    kernel = np.zeros(round(delay_s * SAMPLE_RATE_HZ) + 1)
    kernel[-1] = gain
    return kernel


def test_a_gain_is_measured_whatever_the_drive() -> None:
    loud = analyse(recorded(impulse(0.5)), sweep(), DRIVE_DB)
    half = analyse(recorded(impulse(0.25)), sweep(), DRIVE_DB)
    again = analyse(recorded(impulse(0.25), drive_db=-12.0), sweep(), -12.0)
    assert loud.level_db - half.level_db == pytest.approx(6.02, abs=0.05)
    assert half.level_db == pytest.approx(again.level_db, abs=0.05)


def test_noise_is_taken_away_from_the_level() -> None:
    clean = analyse(recorded(impulse(0.2)), sweep(), DRIVE_DB)
    noisy = analyse(recorded(impulse(0.2), noise=0.05), sweep(), DRIVE_DB)
    assert noisy.level_db == pytest.approx(clean.level_db, abs=0.5)
    assert noisy.level_noise_db - clean.level_noise_db == pytest.approx(20 * np.log10(0.05 / 1e-4), abs=2)


def test_nothing_but_noise_is_no_level() -> None:
    heard = analyse(recorded(impulse(0.0), noise=0.01), sweep(), DRIVE_DB)
    assert heard.level_db - heard.level_noise_db < 10


def test_a_lost_band_is_seen_where_it_is_lost() -> None:
    whole = analyse(recorded(impulse(0.3)), sweep(), DRIVE_DB)
    smooth = np.hanning(24) / np.hanning(24).sum() * 0.3
    dull = analyse(recorded(smooth), sweep(), DRIVE_DB)
    lost = np.array(dull.bands_db) - np.array(whole.bands_db)
    assert len(lost) == len(BANDS_HZ) - 1
    assert abs(lost[0]) < 0.5
    assert lost[-1] < -10
    assert np.all(np.diff(lost) < 0.1)


def test_distortion_is_told_from_sound() -> None:
    straight = analyse(recorded(impulse(0.3)), sweep(), DRIVE_DB)
    bent = analyse(recorded(impulse(0.3), bent=0.8), sweep(), DRIVE_DB)
    second = 0.8 * 10 ** (DRIVE_DB / 20) / 2
    assert bent.distortion_db == pytest.approx(20 * np.log10(second), abs=3)
    assert straight.distortion_db < bent.distortion_db - 15


def test_shapes_are_alike_at_any_delay_and_loudness_and_in_warm_air() -> None:
    chance = np.random.default_rng(3)
    echoes = np.zeros(900)
    echoes[[100, 180, 420, 800]] = [1.0, -0.6, 0.4, 0.2]
    first = analyse(recorded(echoes * 0.2), sweep(), DRIVE_DB).shape
    warm = np.interp(np.arange(900) * 1.03, np.arange(900), echoes)
    later = analyse(recorded(np.roll(warm, 60) * 0.05), sweep(), DRIVE_DB).shape
    other = analyse(recorded(chance.standard_normal(900) * 0.02), sweep(), DRIVE_DB).shape
    alike, stretch = likeness(later, first)
    assert alike > 0.9
    assert stretch == pytest.approx(1.03, abs=0.012)
    assert likeness(other, first)[0] < 0.5


def test_clipping_is_counted() -> None:
    assert analyse(recorded(impulse(12.0)), sweep(), DRIVE_DB).clipped > 0.1
    assert analyse(recorded(impulse(0.5)), sweep(), DRIVE_DB).clipped == 0


def test_bare_electronics_are_flat_and_a_village_is_not() -> None:
    chance = np.random.default_rng(1)
    count = len(sweep()) + round((LEAD_S + TAIL_S) * SAMPLE_RATE_HZ)
    flat = chance.standard_normal(count) * 40
    hum = 300 * np.sin(2 * np.pi * 50 * np.arange(count) / SAMPLE_RATE_HZ)
    road = np.convolve(chance.standard_normal(count) * 40, np.ones(60), mode="same") + flat
    bare = analyse(np.round(flat + hum).astype(np.int16), sweep(), DRIVE_DB)
    village = analyse(np.round(road).astype(np.int16), sweep(), DRIVE_DB)
    silence = analyse(np.zeros(count, dtype=np.int16), sweep(), DRIVE_DB)
    assert abs(bare.tilt_db) < 4
    assert abs(silence.tilt_db) < 6
    assert village.tilt_db > 15
