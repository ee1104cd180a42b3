"""Whether a station tells a sick horn from a well one: `python -m bench.selftest [stations]`.

Every simulated station is another one: its horns, lines, microphone and surroundings are drawn. It learns its
reference on one day, healthy, in whatever noise there is, exactly as a station does; then come days that it has
never heard, two healthy ones and one with each fault, each fault drawn anew in its kind and degree. A trial is a
whole self-test with its tries and its second round. A dead microphone is found when it is named and the
loudspeaker is not blamed. Ends with 1 where fewer than 99 % of the faults are found or more than 1 % of the
healthy ones blamed.
"""

import asyncio
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from agent.selftest.exam import Exam
from agent.selftest.judge import Opinion
from agent.selftest.reference import AcousticReference, ElectricalReference
from firmware_sim.horn import Horn, HornFault
from firmware_sim.horn_ear import HornEar
from firmware_sim.village_noise import Air
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestVerdict as Verdict

STATIONS = 250
HEALTHY_DAYS = 3
CALIBRATIONS = 5
"""Whoever installs a station comes again where its first morning was too loud."""
FOUND, ALARMS = 0.99, 0.01
LAYOUTS = ((1, 2), (2, 1), (1, 1), (2, 2))
"""Lines, and drivers on each."""
BY_LINES = (HornFault.OPEN_LINE, HornFault.SHORTED_LINE, HornFault.DRIVER_DEAD)


@dataclass(frozen=True, slots=True)
class Trial:
    test: str
    fault: HornFault | None
    opinion: Opinion
    attempts: int

    @property
    def found(self) -> bool:
        if self.fault is HornFault.MICROPHONE_DEAD:
            return Finding.MICROPHONE_DEAD in self.opinion.findings
        return self.opinion.verdict is Verdict.FAILED


class Station:
    """One of the drawn ones, from its installation to its last fault."""

    def __init__(self, number: int) -> None:
        lines, drivers = LAYOUTS[number % len(LAYOUTS)]
        self.drivers = lines * drivers
        self.chance = np.random.default_rng((number, 1))
        self.horn = Horn(number, lines, drivers)
        self.air = Air()
        self.exam = Exam(HornEar(self.horn, lambda: self.air), pause=self._pause)

    async def trials(self) -> list[Trial]:
        acoustic, electrical = await self._learn()
        done = []
        for fault in (*[None] * HEALTHY_DAYS, *HornFault):
            if fault is HornFault.DRIVER_DEAD and self.drivers == 1:
                continue
            self._another_day(fault)
            heard = await self.exam.acoustic(acoustic)
            done.append(Trial("acoustic", fault, heard.opinion, heard.attempts))
            if fault in (None, *BY_LINES):
                drawn = await self.exam.electrical(electrical)
                done.append(Trial("electrical", fault, drawn.opinion, drawn.attempts))
        return done

    async def _learn(self) -> tuple[AcousticReference, ElectricalReference]:
        for _ in range(CALIBRATIONS):
            self._another_day(None)
            acoustic = await self.exam.hear_reference(datetime.now(UTC))
            electrical = await self.exam.draw_reference(datetime.now(UTC))
            if isinstance(acoustic, AcousticReference) and isinstance(electrical, ElectricalReference):
                return acoustic, electrical
        raise RuntimeError(f"cannot be calibrated: {acoustic} {electrical}")

    def _another_day(self, fault: HornFault | None) -> None:
        self.horn.repair()
        self.air = Air.drawn(self.chance)
        if fault is not None:
            self.horn.break_down(fault, int(self.chance.integers(len(self.horn.lines))))

    async def _pause(self, _seconds: float) -> None:
        """Nobody waits for simulated minutes."""


def main(stations: int) -> int:
    began_s = time.monotonic()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        trials = [trial for done in pool.map(_one, range(stations), chunksize=4) for trial in done]
    for line in _table(trials):
        print(line)
    print(f"{len(trials)} trials on {stations} stations in {time.monotonic() - began_s:.0f} s")
    return int(not _is_good(trials))


def _one(number: int) -> list[Trial]:
    return asyncio.run(Station(number).trials())


def _table(trials: list[Trial]) -> Iterator[str]:
    yield f"{'test':<12}{'fault':<18}{'trials':>7}{'found':>8}{'missed':>8}{'unsure':>8}{'found %':>9}  as"
    groups: dict[tuple[str, HornFault | None], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[trial.test, trial.fault].append(trial)
    for (test, fault), group in sorted(groups.items(), key=lambda item: (item[0][0], item[0][1] or "")):
        yield _row(test, fault, group)
    yield from _totals(trials)


def _row(test: str, fault: HornFault | None, group: list[Trial]) -> str:
    found = sum(trial.found for trial in group)
    passed = sum(trial.opinion.verdict is Verdict.PASSED for trial in group)
    unsure = len(group) - found - passed
    seen = Counter(finding for trial in group for finding in trial.opinion.findings).most_common(3)
    names = ", ".join(f"{finding} {count}" for finding, count in seen)
    name = "healthy" if fault is None else str(fault)
    return f"{test:<12}{name:<18}{len(group):>7}{found:>8}{passed:>8}{unsure:>8}{found / len(group):>9.2%}  {names}"


def _totals(trials: list[Trial]) -> Iterator[str]:
    for test in ("acoustic", "electrical"):
        found, alarms = _rates(trials, test)
        yield f"{test}: faults found {found:.2%} (at least {FOUND:.0%}), false alarms {alarms:.2%} (at most {ALARMS:.0%})"


def _rates(trials: list[Trial], test: str) -> tuple[float, float]:
    mine = [trial for trial in trials if trial.test == test]
    sick = [trial.found for trial in mine if trial.fault is not None]
    well = [trial.found for trial in mine if trial.fault is None]
    return sum(sick) / len(sick), sum(well) / len(well)


def _is_good(trials: list[Trial]) -> bool:
    rates = [_rates(trials, test) for test in ("acoustic", "electrical")]
    return all(found >= FOUND and alarms <= ALARMS for found, alarms in rates)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else STATIONS))
