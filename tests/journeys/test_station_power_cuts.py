"""The power fails at any instant: the station comes back, plays nothing twice, and forgets no report.

Real station programs, a real broker, real files. At each cut the state folder loses all that was not synced;
every other time parts of it survive, as when the kernel had just begun to write. The programme runs on.
"""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.power.supply import PowerSupply
from schedules.cue import ON_TIME_S
from tests.support.cut_programme import CutProgramme
from tests.support.power import CutStation, Stretch, cut_station, settings_of
from tests.support.sounds import RATE_HZ, best_match
from tests.support.waiting import eventually
from wire.ids import LatenessRule, Outcome
from wire.messages import PlaybackReport

SHORTEST_LIFE_S, LONGEST_LIFE_S = 0.05, 3.2
PLACE_TOLERANCE_S = 0.06
AGAIN_AT_MOST_S = 2.6
"""Of an alert, after a cut: what is noted each second, by a look each second, and later while it begins."""
WHOLE_TOLERANCE_S = 0.5
LEAST_TO_MATCH_S = 0.3
OVER = re.compile(r"over: occurrence=(\S+) outcome=(\S+)")


@pytest.fixture
def programme(centre: Any, make_sound: Any) -> CutProgramme:
    return CutProgramme(centre, make_sound)


@pytest.fixture
def stations(tmp_path: Path, centre: Any, broker: Any) -> Iterator[list[CutStation]]:
    with ExitStack() as stack:
        made = []
        for number in range(1, 4):
            name = f"cum-loa-{number}"
            settings = settings_of(name, centre.key, broker)
            made.append(stack.enter_context(cut_station(name, tmp_path / name, settings)))
        yield made


def test_cut_at_random_instants(programme: CutProgramme, stations: list[CutStation]) -> None:
    cut_again_and_again(programme, stations, cuts_each=10, seed=1)


def test_cut_at_every_single_sync(tmp_path: Path) -> None:
    cut_at_every_sync(tmp_path, times=0)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cut_at_every_single_sync_with_torn_pages(tmp_path: Path) -> None:
    cut_at_every_sync(tmp_path, times=4)


def cut_at_every_sync(folder: Path, times: int) -> None:
    """Of a station's files alone: what had returned before the cut holds after it."""
    supply = PowerSupply(folder / "state", folder / "workshop")
    command = [sys.executable, "-m", "tests.support.power_points", str(folder), str(times)]
    environment = os.environ | supply.environment
    ran = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    print(ran.stdout)  # noqa: T201
    assert ran.returncode == 0, ran.stdout + ran.stderr
    [cuts] = re.findall(r"^cuts=(\d+) broken=0$", ran.stdout, re.MULTILINE)
    assert int(cuts) >= 100 * (1 + times)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_cut_at_hundreds_of_random_instants(programme: CutProgramme, stations: list[CutStation]) -> None:
    cut_again_and_again(programme, stations, cuts_each=80, seed=2)


def cut_again_and_again(
    programme: CutProgramme, stations: list[CutStation], cuts_each: int, seed: int
) -> None:
    for station in stations:
        programme.centre.send_card(station.name)
        station.boot()
    first = wait_for_first_reports(programme, stations)
    with ThreadPoolExecutor(len(stations)) as threads:
        cutting = [
            threads.submit(cut_often, station, cuts_each, random.Random(f"{seed} {station.name}"))
            for station in stations
        ]

        def all_cut() -> bool:
            programme.go_on()
            return all(one.done() for one in cutting)

        eventually(all_cut, "all cut", 600)
        codes = [code for one in cutting for code in one.result()]
    assert set(codes) == {-9}, "a program died by itself"
    let_it_end(programme, stations, first)
    for station in stations:
        assert station.switch_off() == 0
        look_back(programme, station, first)
    cuts = sum(len(station.cuts_at) for station in stations)
    heard = sum(len(station.heard()) for station in stations)
    print(f"power cuts: {cuts}, stretches heard: {heard}, reports: {len(programme.centre.reports())}")  # noqa: T201


def wait_for_first_reports(programme: CutProgramme, stations: list[CutStation]) -> str:
    """The first broadcast, which all stations have had in peace; what follows is theirs to report."""

    def told() -> bool:
        programme.go_on()
        names = {batch.station for batch in list(programme.centre.batches)}
        return names >= {station.name for station in stations}

    eventually(told, "a first report from each", 40)
    return next(iter(programme.planned))


def cut_often(station: CutStation, cuts: int, chance: random.Random) -> list[int]:
    codes = []
    for number in range(cuts):
        live_for(chance.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
        codes.append(station.cut(chance if number % 2 else None))
        station.boot()
    return codes


def live_for(seconds: float) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    eventually(lambda: datetime.now(UTC) >= until, "a life", seconds + 5)


def let_it_end(programme: CutProgramme, stations: list[CutStation], first: str) -> None:
    """Until every station has reported all that was planned."""
    wanted = {*programme.planned, *programme.alerts} - {first}

    def all_told() -> bool:
        return all(wanted <= set(reports_of(programme, station)) for station in stations)

    left_s = (programme.ends_at - datetime.now(UTC)).total_seconds()
    eventually(all_told, f"reports of all {len(wanted)}", left_s + 60)


def reports_of(programme: CutProgramme, station: CutStation) -> dict[str, list[PlaybackReport]]:
    """By occurrence; the same report may have come more than once."""
    found: dict[str, dict[str, PlaybackReport]] = {}
    for batch in list(programme.centre.batches):
        if batch.station == station.name:
            for report in batch.reports:
                found.setdefault(report.occurrence, {})[report.id] = report
    return {occurrence: list(reports.values()) for occurrence, reports in found.items()}


def look_back(programme: CutProgramme, station: CutStation, first: str) -> None:
    log = station.log
    assert "journal damaged" not in log
    assert "stored document does not hold" not in log
    assert log.count("station starts") >= len(station.cuts_at) * 0.5
    stretches: dict[str, list[Stretch]] = {}
    for one in station.heard():
        stretches.setdefault(one.occurrence, []).append(one)
    reports = reports_of(programme, station)
    twice = {occurrence: len(same) for occurrence, same in reports.items() if len(same) > 1}
    assert not twice, "reported anew: the first report, or the end itself, was lost"
    assert stretches.keys() <= reports.keys(), "heard and never reported"
    check_promises(log, reports)
    for occurrence, [report] in reports.items():
        heard = stretches.get(occurrence, [])
        check_report(programme, report, heard)
        if occurrence in programme.alerts:
            check_alert(programme, occurrence, heard)
        elif programme.planned[occurrence].lateness.rule is LatenessRule.SKIP:
            assert len(heard) <= 1, f"{occurrence} began twice"
        else:
            check_resumed(programme, occurrence, heard)


def check_promises(log: str, reports: dict[str, list[PlaybackReport]]) -> None:
    """What the station had written down as over, it told in just that way."""
    promised = OVER.findall(log)
    again = {name: times for name, times in Counter(name for name, _ in promised).items() if times > 1}
    assert not again, "over more than once: a written end was lost"
    for occurrence, outcome in promised:
        assert [report.outcome for report in reports[occurrence]] == [outcome]


def check_report(programme: CutProgramme, report: PlaybackReport, heard: list[Stretch]) -> None:
    seconds = sum(one.seconds for one in heard)
    assert report.seconds_played <= seconds + 0.05, report
    if report.outcome is Outcome.PLAYED:
        whole_s = len(programme.source_of(report.occurrence)) / RATE_HZ
        assert seconds >= whole_s - WHOLE_TOLERANCE_S, report
    if heard and report.ended_at is not None:
        assert max(one.begins_at for one in heard) <= report.ended_at, f"{report} and heard afterwards"


def places(programme: CutProgramme, heard: list[Stretch]) -> Iterator[tuple[Stretch, float]]:
    """Where in the sound each stretch begins, in seconds; those too short to tell are left out."""
    for one in heard:
        if one.seconds >= LEAST_TO_MATCH_S:
            likeness, shift = best_match(one.samples, programme.source_of(one.occurrence))
            assert likeness > 0.9, one.occurrence
            yield one, shift / RATE_HZ


def check_resumed(programme: CutProgramme, occurrence: str, heard: list[Stretch]) -> None:
    """As if it had been sounding all along; who is hardly late begins with the first sample."""
    start = programme.planned[occurrence].start
    for one, place_s in places(programme, heard):
        late_s = (one.begins_at - start).total_seconds() - place_s
        at_most_s = (ON_TIME_S if place_s == 0 else 0) + PLACE_TOLERANCE_S
        assert -PLACE_TOLERANCE_S <= late_s <= at_most_s, occurrence


def check_alert(programme: CutProgramme, occurrence: str, heard: list[Stretch]) -> None:
    """It goes on where it stopped, but for the little that a cut takes of the count.

    Where a cut has taken the signal's file, it begins with the voice.
    """
    reached_s = 0.0
    for one, place_s in places(programme, heard):
        if reached_s == 0.0 and abs(place_s - programme.signal_s) < PLACE_TOLERANCE_S:
            reached_s = programme.signal_s
        assert reached_s - AGAIN_AT_MOST_S <= place_s <= reached_s + LEAST_TO_MATCH_S + 0.1, occurrence
        reached_s = max(reached_s, place_s + one.seconds)
