"""Whether a station tells a sick horn from a well one: `python -m bench.selftest [stations]`.

Every simulated station is another one: its horns, lines, microphone and surroundings are drawn. It learns its
reference on one morning, healthy, in whatever noise there is, as a station does; then come mornings that it
has never heard, some healthy and one with each fault, drawn anew in kind and degree. A trial is a whole
self-test with all its tries. A dead microphone is found when it is named and the loudspeaker is not blamed.
Of four horns one that fails leaves so much of the sound that the ear alone need not notice: those stations
stand in lines of their own, and the silent test is there for them. Ends with 1 where fewer than 99 % of the
faults of one or two horns are found, or more than 1 % of all healthy ones blamed.
"""

import asyncio
import itertools
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

STATIONS = 240
SEEDS_FROM = 20_000
HEALTHY_DAYS = 3
CALIBRATIONS = 5
"""Whoever installs a station comes again where its first morning was too loud."""
FOUND, ALARMS = 0.99, 0.01
LAYOUTS = ((1, 2), (2, 1), (1, 1), (2, 2))
"""Lines, and drivers on each."""
FEW, MANY = "1-2 horns", "4 horns"
BY_LINES = (HornFault.OPEN_LINE, HornFault.SHORTED_LINE, HornFault.DRIVER_DEAD)


@dataclass(frozen=True, slots=True)
class Trial:
    test: str
    """acoustic or electrical, and on how many horns."""
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
        self.kind = FEW if self.drivers <= 2 else MANY
        self.chance = np.random.default_rng((number, 1))
        self.horn = Horn(SEEDS_FROM + number, lines, drivers)
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
            done.append(Trial(f"acoustic, {self.kind}", fault, heard.opinion, heard.attempts))
            if fault in (None, *BY_LINES):
                drawn = await self.exam.electrical(electrical)
                done.append(Trial(f"electrical, {self.kind}", fault, drawn.opinion, drawn.attempts))
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
    for line in (*_table(trials), *map(_total, _tests(trials), itertools.repeat(trials))):
        print(line)
    print(f"{len(trials)} trials on {stations} stations in {time.monotonic() - began_s:.0f} s")
    return int(not all(_is_good(test, trials) for test in _tests(trials)))


def _one(number: int) -> list[Trial]:
    return asyncio.run(Station(number).trials())


def _table(trials: list[Trial]) -> Iterator[str]:
    head = ("found", "missed", "unsure", "found %")
    yield f"{'test':<22}{'fault':<17}{'trials':>7}" + "".join(f"{name:>8}" for name in head) + "  as"
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[trial.test, trial.fault or "healthy"].append(trial)
    for test, fault in sorted(groups):
        yield _row(test, fault, groups[test, fault])


def _row(test: str, fault: str, group: list[Trial]) -> str:
    found = sum(trial.found for trial in group)
    passed = sum(trial.opinion.verdict is Verdict.PASSED for trial in group)
    counts = f"{len(group):>7}{found:>8}{passed:>8}{len(group) - found - passed:>8}{found / len(group):>8.1%}"
    seen = Counter(finding for trial in group for finding in trial.opinion.findings).most_common(3)
    return f"{test:<22}{fault:<17}{counts}  " + ", ".join(f"{finding} {count}" for finding, count in seen)


def _tests(trials: list[Trial]) -> list[str]:
    return sorted({trial.test for trial in trials})


def _total(test: str, trials: list[Trial]) -> str:
    found, alarms = _rates(test, trials)
    aim = f" (at least {FOUND:.0%})" if _counts(test) else ""
    return f"{test}: faults found {found:.2%}{aim}, false alarms {alarms:.2%} (at most {ALARMS:.0%})"


def _counts(test: str) -> bool:
    """The ear alone need not notice one of four horns."""
    return test != f"acoustic, {MANY}"


def _rates(test: str, trials: list[Trial]) -> tuple[float, float]:
    mine = [trial for trial in trials if trial.test == test]
    sick = [trial.found for trial in mine if trial.fault is not None]
    well = [trial.found for trial in mine if trial.fault is None]
    return sum(sick) / len(sick), sum(well) / len(well)


def _is_good(test: str, trials: list[Trial]) -> bool:
    found, alarms = _rates(test, trials)
    return alarms <= ALARMS and (found >= FOUND or not _counts(test))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else STATIONS))
