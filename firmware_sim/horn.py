"""A station's horns, their lines and the microphone that listens to them, as arithmetic. No two are alike.

A re-entrant horn is a band-pass: steep below its cutoff, falling above the diaphragm's mass break, rippled
by what its mouth and its folds send back. All its lengths sound higher by the speed of sound when it is warm.
Copper, diaphragm and microphone drift with temperature too; the sun heats one horn and not the other, the
wind sways the pole, mains voltage and what stands around differ every day. Faults are drawn anew from wide
ranges.
"""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from agent.speakers.contract import SAMPLE_RATE_HZ, Frames
from firmware_sim.village_noise import Air, Wave, frequencies, pascals, swell, village_noise

Spectrum = NDArray[np.complex128]
FULL_SCALE = 32767.0
MIDDLE_DB = -18.0
"""Drive at which whoever installs a station sets the microphone's gain."""
_ZERO_C_MS = 331.3
_COPPER_PER_K = 0.0039


class HornFault(StrEnum):
    OPEN_LINE = "open_line"
    SHORTED_LINE = "shorted_line"
    DRIVER_DEAD = "driver_dead"
    BLOCKED = "blocked"
    """A nest, leaves, a cloth: dull and faint."""
    WATER = "water"
    """Stands in the lower fold: faint, hollow, gurgling."""
    TORN = "torn"
    """The diaphragm moves one way only: rattles."""
    MICROPHONE_DEAD = "microphone_dead"


def speed_of_sound_ms(temperature_c: float) -> float:
    """In dry air."""
    return float(_ZERO_C_MS * np.sqrt(1 + temperature_c / 273.15))


@dataclass
class Driver:
    """One horn on its line, `distance_m` from the microphone. `hinders` holds what ails it, in figures."""

    chance: np.random.Generator
    nearest_m: float
    hinders: dict[HornFault, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        draw = self.chance.uniform
        self.cutoff_hz, self.mass_break_hz, self.top_hz = draw(270, 420), draw(2200, 3800), draw(5200, 7800)
        self.path_m = draw(0.55, 1.0)
        self.mouth, self.fold = draw(-0.45, -0.15), draw(-0.2, 0.2)
        self.fold_m = draw(0.05, 0.18)
        self.distance_m = self.nearest_m * draw(1.0, 1.35)
        self.behind, self.turned_hz = draw(0.3, 1.0), draw(900, 2500)
        self.square, self.cube = draw(0.1, 0.5), draw(-0.3, 0.3)
        self.strength = 10 ** (self.chance.normal(0.0, 1.0) / 20)
        self.softens = draw(0.0005, 0.0015)

    def driven(self, wave: Wave) -> Wave:
        """What the diaphragm does: it bends a little, and a torn one rattles."""
        moved = wave + self.square * wave**2 + self.cube * wave**3
        if HornFault.TORN in self.hinders:
            (lost,) = self.hinders[HornFault.TORN]
            moved = np.where(moved > 0, moved, (1 - lost) * moved)
        return moved

    def response(self, f: Wave, air: Air, sun_k: float = 0.0, sways_m: float = 0.0) -> Spectrum:
        """From the diaphragm to the microphone, 1 m being 1."""
        inside_c, distance_m = air.temperature_c + sun_k, self.distance_m + sways_m
        speed = speed_of_sound_ms(inside_c)
        warm = f * speed_of_sound_ms(20.0) / speed
        soft = 1 - self.softens * (inside_c - 20.0)
        low = 1j * warm / self.cutoff_hz
        high = 1j * f / (self.top_hz * soft)
        band = (low**2 / (low**2 + low / 0.8 + 1)) ** 2 / (1 + high / 0.75 + high**2)
        band = band / (1 + 1j * f / (self.mass_break_hz * soft))
        sent_back = self.mouth / (1 + 1j * warm / 900.0)
        band = band / (1 - sent_back * _delay(f, 2 * self.path_m, speed))
        band = band * (1 + self.fold * _delay(f, 2 * self.fold_m, speed))
        turned = 1j * f / self.turned_hz
        band = band * (1 + self.behind * turned) / (1 + turned)
        copper_db = -0.03 * (inside_c - 20.0)
        loud = self.strength * 10 ** (copper_db / 20) / distance_m
        path = _delay(f, distance_m, speed_of_sound_ms(air.temperature_c))
        return band * loud * self._hindered(f) * path  # type: ignore[no-any-return]

    def _hindered(self, f: Wave) -> Spectrum:
        gain = np.ones(len(f), dtype=np.complex128)
        if HornFault.DRIVER_DEAD in self.hinders:
            gain *= 10 ** (-50 / 20)
        if HornFault.BLOCKED in self.hinders:
            loss_db, slope_db = self.hinders[HornFault.BLOCKED]
            octaves = np.maximum(np.log2(f / 400.0), 0.0)
            gain *= 10 ** (-(loss_db + slope_db * octaves) / 20)
        if HornFault.WATER in self.hinders:
            loss_db, dull_hz, hollow_hz = self.hinders[HornFault.WATER]
            s, dull = 1j * f / hollow_hz, 1j * f / dull_hz
            gain *= 10 ** (-loss_db / 20) * (1 + 0.8 * s / (s**2 + s / 4 + 1)) / (1 + dull / 0.8 + dull**2)
        return gain


@dataclass
class Line:
    """Its drivers in parallel; `ohms` is what one of them is at the transformer."""

    drivers: tuple[Driver, ...]
    ohms: float
    gain: float = 1.0
    ma_times: float = 1.0

    def live(self) -> int:
        return sum(HornFault.DRIVER_DEAD not in driver.hinders for driver in self.drivers)


class Horn:
    """All horns of one station, drawn from `seed`, and its microphone. `break_down` and `repair` at will."""

    def __init__(self, seed: int, lines: int = 1, drivers_per_line: int = 2) -> None:
        self.design = seed, lines, drivers_per_line
        self.chance = np.random.default_rng(seed)
        draw = self.chance.uniform
        nearest_m = draw(0.8, 2.2)
        self.lines = tuple(
            Line(
                tuple(Driver(self.chance, nearest_m) for _ in range(drivers_per_line)),
                self.chance.choice((170.0, 333.0, 500.0)) * draw(0.95, 1.05),
            )
            for _ in range(lines)
        )
        self._echoes = [(draw(3.0, 14.0), draw(0.03, 0.25)) for _ in range(self.chance.integers(2, 5))]
        self._microphone_k = self.chance.normal(0.0, 0.02)
        self._loudest_db = draw(102.0, 116.0)
        self._full_scale_db = self._loudest_db + MIDDLE_DB + draw(10.0, 20.0)
        self._hiss_db = draw(29.0, 36.0)
        self._input_db = self._hiss_db - draw(9.0, 22.0)
        self._hum_db = self._hiss_db + draw(-10.0, 25.0)
        self._microphone = 1.0
        self._norm = self._healthy_norm()
        self.faults: set[HornFault] = set()

    def break_down(self, fault: HornFault, line: int = 0) -> None:
        """How badly is drawn; where a horn is hindered, it is one of the line's or all of them."""
        self.faults.add(fault)
        draw, hit = self.chance.uniform, self.lines[line]
        some = hit.drivers if self.chance.random() < 0.5 else (self.chance.choice(hit.drivers),)  # type: ignore[arg-type]
        match fault:
            case HornFault.OPEN_LINE:
                hit.gain, hit.ma_times = 10 ** (draw(-75, -55) / 20), draw(0.0, 0.04)
            case HornFault.SHORTED_LINE:
                self._short(hit)
            case HornFault.DRIVER_DEAD:
                self.chance.choice(hit.drivers).hinders[fault] = ()  # type: ignore[arg-type]
            case HornFault.BLOCKED:
                _hinder(some, fault, draw(8.0, 20.0), draw(1.0, 6.0))
            case HornFault.WATER:
                _hinder(some, fault, draw(6.0, 18.0), draw(600.0, 1800.0), draw(350.0, 900.0))
            case HornFault.TORN:
                _hinder(some, fault, draw(0.5, 0.95))
            case HornFault.MICROPHONE_DEAD:
                self._microphone = 0.0

    def repair(self) -> None:
        self.faults.clear()
        self._microphone = 1.0
        for line in self.lines:
            line.gain = line.ma_times = 1.0
            for driver in line.drivers:
                driver.hinders.clear()

    def heard(self, played: Wave, air: Air) -> Frames:
        """What the sound card takes from the microphone while `played` (full scale is 1) is at the output."""
        f = frequencies(len(played))
        pressure = self._at_microphone(played, f, air) + village_noise(len(played), air, self.chance)
        taken = self._through_microphone(pressure, f, air)
        return np.clip(np.round(taken * FULL_SCALE), -FULL_SCALE - 1, FULL_SCALE).astype(np.int16)

    def line_ma(self, played: Wave, air: Air) -> tuple[float, ...]:
        """What each line draws meanwhile: 100 V for full scale, a sensor of 2 % and 0.3 mA."""
        volts = 100.0 * float(np.sqrt(np.mean(played**2)))
        warm = 1 + 0.6 * _COPPER_PER_K * (air.temperature_c - 20.0)
        mains = self.chance.normal(1.0, 0.02)
        return tuple(self._draws_ma(line, volts * mains / warm) for line in self.lines)

    def _draws_ma(self, line: Line, volts: float) -> float:
        true_ma = 1000 * volts / line.ohms * line.live() * line.ma_times
        return float(max(true_ma * self.chance.normal(1.0, 0.02) + self.chance.normal(0.0, 0.3), 0.0))

    def _short(self, hit: Line) -> None:
        """The amplifier limits: that line is dead; a weak one takes the others down with it."""
        hit.gain, hit.ma_times = 10 ** (self.chance.uniform(-60, -35) / 20), self.chance.uniform(2.5, 8.0)
        if self.chance.random() < 0.5:
            for other in self.lines:
                other.gain = min(other.gain, 10 ** (self.chance.uniform(-30, -12) / 20))

    def _at_microphone(self, played: Wave, f: Wave, air: Air) -> Wave:
        mains_db = self.chance.normal(0.0, 0.4)
        total = np.zeros(len(f), dtype=np.complex128)
        for line in self.lines:
            for driver in line.drivers:
                driven = np.fft.rfft(self._gurgle(driver, driver.driven(played)))
                sun_k, sways_m = self.chance.uniform(0.0, 10.0), self.chance.normal(0.0, 0.002)
                sways_m *= 1 + air.wind_ms / 3.0
                jolt = 10 ** (self.chance.normal(0.0, 0.25) / 20)
                total += line.gain * jolt * driven * driver.response(f, air, sun_k, sways_m)
        total *= self._surroundings(f, air) * self._norm
        return np.fft.irfft(total, len(played)) * pascals(self._loudest_db + mains_db) * np.sqrt(2)  # type: ignore[no-any-return]

    def _gurgle(self, driver: Driver, wave: Wave) -> Wave:
        if HornFault.WATER not in driver.hinders:
            return wave
        return wave * swell(len(wave), 5.0, 1.5, self.chance)

    def _surroundings(self, f: Wave, air: Air) -> Spectrum:
        """Ground, walls, and whatever is parked there today."""
        speed = speed_of_sound_ms(air.temperature_c)
        total = np.ones(len(f), dtype=np.complex128)
        for away_m, gain in self._echoes:
            today_m, today = away_m * self.chance.normal(1.0, 0.004), gain * self.chance.normal(1.0, 0.15)
            total += today * _delay(f, today_m, speed) / (1 + 1j * f / 3000.0)
        return total

    def _through_microphone(self, pressure: Wave, f: Wave, air: Air) -> Wave:
        drift_db = self._microphone_k * (air.temperature_c - 20.0) + self.chance.normal(0.0, 0.2)
        tilt_db = self.chance.normal(0.0, 0.25) * np.log2(f / 1200.0)
        tilt = 10 ** (np.clip(drift_db + tilt_db, -6.0, 6.0) / 20)
        alive = np.fft.irfft(np.fft.rfft(pressure) * tilt, len(pressure)) * self._microphone
        hiss = self._microphone * pascals(self._hiss_db) * self.chance.standard_normal(len(pressure))
        electronics = pascals(self._input_db) * self.chance.standard_normal(len(pressure))
        full_scale = pascals(self._full_scale_db) * np.sqrt(2)
        return (alive + hiss + electronics + self._hum(len(pressure))) / full_scale  # type: ignore[no-any-return]

    def _hum(self, frames: int) -> Wave:
        """Of the mains, where the microphone's cable is broken: strong in some, none in others."""
        if self._microphone:
            return np.zeros(frames)
        t = np.arange(frames) / SAMPLE_RATE_HZ
        wave = sum((np.sin(2 * np.pi * 50 * n * t) / n for n in (1, 2, 3, 5)), start=np.zeros(frames))
        return wave * pascals(self._hum_db)

    def _healthy_norm(self) -> float:
        """Makes full scale `_loudest_db` loud, on the mean between 400 Hz and 4 kHz."""
        f = np.linspace(400.0, 4000.0, 400)
        driver_sum = [driver.response(f, Air(20.0)) for line in self.lines for driver in line.drivers]
        return float(1 / np.sqrt(np.mean(np.abs(np.sum(driver_sum, axis=0)) ** 2)))


def _hinder(drivers: tuple[Driver, ...], fault: HornFault, *figures: float) -> None:
    for driver in drivers:
        driver.hinders[fault] = figures


def _delay(f: Wave, metres: float, speed_ms: float) -> Spectrum:
    turned: Spectrum = np.exp(-2j * np.pi * f * metres / speed_ms)
    return turned
