"""The sounds are what they say they are."""

import numpy as np
import pytest

from agent.selftest.signal import HIGH_HZ, LOW_HZ, PILOT_HZ, SWEEP_S, at_level, harmonic_lead_s, pilot, sweep


def test_the_sweep_covers_its_band_and_little_else() -> None:
    power = np.abs(np.fft.rfft(sweep() / 32767.0)) ** 2
    f = np.fft.rfftfreq(len(sweep()), 1 / 48_000)
    inside = (f > LOW_HZ * 0.9) & (f < HIGH_HZ * 1.1)
    assert power[inside].sum() / power.sum() > 0.999


def test_sounds_begin_and_end_without_a_click() -> None:
    for sound in (sweep(), pilot()):
        assert abs(int(sound[0])) < 10
        assert abs(int(sound[-1])) < 10
        assert np.abs(sound).max() >= 32_000


def test_the_silent_tone_is_above_hearing() -> None:
    power = np.abs(np.fft.rfft(pilot() / 32767.0)) ** 2
    f = np.fft.rfftfreq(len(pilot()), 1 / 48_000)
    assert f[int(np.argmax(power))] == pytest.approx(PILOT_HZ, abs=1)
    assert power[f < 18_000].sum() / power.sum() < 1e-6


def test_a_level_is_over_full_scale_and_never_above_it() -> None:
    assert np.abs(at_level(sweep(), -20.0)).max() == pytest.approx(3276.7, abs=2)
    with pytest.raises(ValueError, match="full scale"):
        at_level(sweep(), 0.1)


def test_harmonics_come_out_of_the_analysis_before_the_response() -> None:
    assert harmonic_lead_s(2) == pytest.approx(SWEEP_S * np.log(2) / np.log(20))
    assert harmonic_lead_s(3) > harmonic_lead_s(2)
