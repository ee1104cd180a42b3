"""The simulated horn behaves like one: what is heard of it in figures, and what its lines draw."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.selftest.contract import LEAD_S, TAIL_S
from agent.selftest.signal import at_level, sweep
from agent.speakers.contract import SAMPLE_RATE_HZ
from firmware_sim.horn import Driver, Horn, HornFault, speed_of_sound_ms
from firmware_sim.village_noise import Air, pascals, village_noise

QUIET = Air(temperature_c=20.0, wind_ms=0.1, traffic_db=20.0, liveliness=0.0)


def played() -> NDArray[np.float64]:
    lead, tail = (round(pause_s * SAMPLE_RATE_HZ) for pause_s in (LEAD_S, TAIL_S))
    return np.pad(at_level(sweep(), -18.0) / 32767.0, (lead, tail))


def loudness_db(horn: Horn, air: Air = QUIET) -> float:
    wave = horn.heard(played(), air) / 32767.0
    return float(10 * np.log10(np.mean(wave**2)))


def test_sound_travels_faster_when_it_is_warm() -> None:
    assert speed_of_sound_ms(0.0) == pytest.approx(331.3)
    assert speed_of_sound_ms(20.0) == pytest.approx(343.2, abs=0.1)


@pytest.mark.parametrize("seed", range(6))
def test_a_horn_is_a_band_pass(seed: int) -> None:
    f = np.array([100.0, 1000.0, 15_000.0])
    driver = Driver(np.random.default_rng(seed), 1.0)
    low, middle, high = 20 * np.log10(np.abs(driver.response(f, Air(20.0))))
    assert middle - low > 25
    assert middle - high > 15


def test_no_two_stations_are_alike_and_each_is_the_same_again() -> None:
    first, again, other = (Horn(seed).heard(played(), QUIET).astype(float) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    alike = np.corrcoef(first, other)[0, 1]
    assert abs(alike) < 0.7


def test_each_day_is_a_little_different() -> None:
    horn = Horn(4)
    levels = [loudness_db(horn, Air(temperature_c=float(c), wind_ms=0.1, traffic_db=20.0)) for c in (5, 35)]
    assert levels[0] != levels[1]
    assert abs(levels[0] - levels[1]) < 3


@pytest.mark.parametrize(
    ("fault", "least_db", "most_db"),
    [
        (HornFault.OPEN_LINE, 25, 90),
        (HornFault.SHORTED_LINE, 20, 90),
        (HornFault.DRIVER_DEAD, -2, 12),
        (HornFault.MICROPHONE_DEAD, 30, 120),
    ],
)
def test_faults_take_sound_away(fault: HornFault, least_db: float, most_db: float) -> None:
    for seed in range(4):
        horn = Horn(seed)
        healthy_db = loudness_db(horn)
        horn.break_down(fault)
        assert least_db <= healthy_db - loudness_db(horn) <= most_db
        horn.repair()
        assert loudness_db(horn) == pytest.approx(healthy_db, abs=2)


def test_what_stands_in_a_horn_makes_it_dull() -> None:
    for fault in (HornFault.BLOCKED, HornFault.WATER):
        horn = Horn(3, drivers_per_line=1)
        healthy = horn.heard(played(), QUIET).astype(float)
        horn.break_down(fault)
        sick = horn.heard(played(), QUIET).astype(float)
        assert share_above(sick, 2000.0) < 0.5 * share_above(healthy, 2000.0)
        assert np.mean(sick**2) < 0.5 * np.mean(healthy**2)


def share_above(wave: NDArray[np.float64], hz: float) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    f = np.fft.rfftfreq(len(wave), 1 / SAMPLE_RATE_HZ)
    return float(power[f > hz].sum() / power[f > 200].sum())


def test_lines_draw_by_ohms_law() -> None:
    horn = Horn(2, lines=2, drivers_per_line=2)
    tone = 0.1 * np.sin(2 * np.pi * 0.3 * np.arange(48_000))
    true_ma = [1000 * 10 / np.sqrt(2) / line.ohms * 2 for line in horn.lines]
    assert horn.line_ma(tone, Air(20.0)) == pytest.approx(true_ma, rel=0.12)
    horn.break_down(HornFault.DRIVER_DEAD, line=1)
    assert horn.line_ma(tone, Air(20.0)) == pytest.approx([true_ma[0], true_ma[1] / 2], rel=0.12)
    horn.break_down(HornFault.OPEN_LINE, line=0)
    assert horn.line_ma(tone, Air(20.0))[0] < 0.1 * true_ma[0]
    horn.repair()
    horn.break_down(HornFault.SHORTED_LINE, line=0)
    assert horn.line_ma(tone, Air(20.0))[0] > 2 * true_ma[0]


def test_noise_is_as_loud_as_it_is_said_to_be() -> None:
    chance = np.random.default_rng(1)
    still = Air(wind_ms=0.1, traffic_db=60.0, liveliness=0.0)
    level = float(np.sqrt(np.mean(village_noise(96_000, still, chance) ** 2)))
    assert 20 * np.log10(level / pascals(60.0)) == pytest.approx(0, abs=4)
    windy = village_noise(96_000, Air(wind_ms=8.0, traffic_db=30.0, liveliness=0.0), chance)
    assert share_above(windy, 1000.0) < 0.2
    lively = village_noise(96_000, Air(traffic_db=60.0, liveliness=1.0), chance)
    assert np.isfinite(lively).all()


def test_days_are_drawn_from_the_mountains() -> None:
    chance = np.random.default_rng(1)
    days = [Air.drawn(chance) for _ in range(200)]
    assert min(day.temperature_c for day in days) < 10
    assert max(day.temperature_c for day in days) > 33
    assert max(day.wind_ms for day in days) <= 8
