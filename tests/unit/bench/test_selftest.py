"""The self-test's benchmark counts rightly."""

import asyncio

from agent.selftest.judge import Opinion
from bench.selftest import FEW, Station, Trial, _is_good, _rates, _table, _tests
from firmware_sim.horn import HornFault
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestVerdict as Verdict

ACOUSTIC = f"acoustic, {FEW}"
PASSED, FAILED = Opinion(Verdict.PASSED), Opinion(Verdict.FAILED, (Finding.WEAK,))


def trial(fault: HornFault | None, opinion: Opinion) -> Trial:
    return Trial(ACOUSTIC, fault, opinion, 1)


def test_what_counts_as_found() -> None:
    named = Opinion(Verdict.INCONCLUSIVE, (Finding.MICROPHONE_DEAD,))
    assert trial(HornFault.WATER, FAILED).found
    assert not trial(HornFault.WATER, named).found
    assert trial(HornFault.MICROPHONE_DEAD, named).found
    assert not trial(HornFault.MICROPHONE_DEAD, FAILED).found


def test_misses_and_false_alarms_fail_it() -> None:
    well = [trial(None, PASSED)] * 99 + [trial(None, FAILED)]
    found = [trial(HornFault.TORN, FAILED)] * 99
    assert _rates(ACOUSTIC, [*well, *found]) == (1.0, 0.01)
    assert _is_good(ACOUSTIC, [*well, *found])
    assert not _is_good(
        ACOUSTIC, [*well, *found, trial(HornFault.TORN, PASSED), trial(HornFault.TORN, PASSED)]
    )
    assert not _is_good(ACOUSTIC, [*well, *found, trial(None, FAILED)])


def test_a_station_goes_through_every_fault() -> None:
    trials = asyncio.run(Station(0).trials())
    assert {trial.fault for trial in trials} == {None, *HornFault}
    assert _tests(trials) == [ACOUSTIC, f"electrical, {FEW}"]
    table = list(_table(trials))
    assert len(table) == 1 + len(HornFault) + 1 + 4
    assert all(len(line) > 60 for line in table)
