"""Twenty-four hours without controller and broker: everything that is planned is heard, when it is due."""

import asyncio
import random
import shutil
import sys
import wave
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from agent.decoder import decode
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from tests.support.sounds import RATE_HZ, Samples
from tests.support.virtual_station import VirtualStation
from wire.ids import ClockTrust, Outcome, Priority
from wire.messages import Item, PlannedOccurrence

T = TypeVar("T")
FIVE = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
"""In the morning, in Lào Cai."""
DAY = timedelta(days=1)
ON_TIME_S = 1.0


def programme(station: VirtualStation) -> list[PlannedOccurrence]:
    """An announcement each quarter of an hour, hourly news of higher priority, three long bulletins."""
    spot, news, chime = station.sound(15.0, 1), station.sound(40.0, 2), station.sound(4.0, 3)
    long = station.sound(180.0, 4)
    spots = [station.planned("thong-bao", FIVE + timedelta(minutes=15 * n), spot) for n in range(96)]
    hourly = [
        station.planned("tin", FIVE + timedelta(hours=n, minutes=5), news, priority=Priority.PRIORITY)
        for n in range(24)
    ]
    bulletins = [
        station.planned(
            "ban-tin",
            FIVE + timedelta(hours=hour, minutes=31),
            long,
            spot,
            repeats=2,
            gap_s=2.0,
            opening=(chime,),
            closing=(chime,),
        )
        for hour in (0, 6, 12)
    ]
    return [*spots, *hourly, *bulletins]


def recorded(file: Path) -> Samples:
    with wave.open(str(file)) as recording:
        return np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)


def check_sound(station: VirtualStation, item: Item, schedule: str) -> int:
    """Every recording of this one-item schedule is the file, sample for sample; how many there are."""
    path = station.state / "sound" / f"{item.sha256}.opus"
    whole = np.concatenate(list(decode(path)))[: round(item.seconds * RATE_HZ)]
    heard = [one for one in station.heard() if one.occurrence.startswith(schedule)]
    for one in heard:
        file = station.folder / "heard" / f"{one.at:%Y%m%dT%H%M%S.%f}Z.wav"
        assert np.array_equal(recorded(file), whole)
    return len(heard)


def check_day(station: VirtualStation, planned: list[PlannedOccurrence]) -> float:
    """All of it was heard once, whole and on time, and is reported so; the worst start error in seconds."""
    heard, reports = station.heard(), station.reports()
    assert sorted(one.occurrence for one in heard) == sorted(one.id for one in planned)
    due = {one.id: one for one in planned}
    errors = [(one.at - due[one.occurrence].start).total_seconds() for one in heard]
    assert all(abs(error_s) <= ON_TIME_S for error_s in errors)
    assert all(abs(one.seconds - due[one.occurrence].seconds) < 0.05 and not one.silent_s for one in heard)
    assert {id_: report.outcome for id_, report in reports.items()} == dict.fromkeys(due, Outcome.PLAYED)
    return max(errors, key=abs)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {line}\n")

    return say


def in_virtual_time(story: Coroutine[Any, Any, T]) -> T:
    return run_at(AT_ONCE, story)


def test_a_day_alone_with_a_clock_that_a_time_service_kept_until_then(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """chrony has learned the crystal: what is left of its drift is a few millionths."""

    async def day() -> str:
        machine = SimulatedClock(asyncio.get_running_loop().time, FIVE - timedelta(minutes=5), drift_ppm=8)
        station = VirtualStation(tmp_path, machine)
        planned = programme(station)
        station.hold(planned)
        async with station.running():
            await asyncio.sleep(60)
            machine.lose_synchronisation()
            await station.until(FIVE + DAY)
        worst_s = check_day(station, planned)
        assert check_sound(station, planned[0].items[0], "thong-bao") == 96
        return (
            f"24 h offline, clock kept before: {len(planned)} of {len(planned)} items, worst {worst_s:+.3f} s"
        )

    tell(in_virtual_time(day()))
    shutil.rmtree(tmp_path / "heard")


def test_a_day_alone_with_no_clock_but_what_the_controller_said_the_day_before(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """A board booted in 1970 whose crystal is 100 ppm wrong; the notices come over a mobile network."""
    chance = random.Random(4)

    async def two_days() -> str:
        machine = SimulatedClock(asyncio.get_running_loop().time, FIVE - DAY, drift_ppm=100)
        machine.boot()
        station = VirtualStation(tmp_path, machine)
        spot = station.sound(8.0)
        planned = [station.planned("thong-bao", FIVE + timedelta(minutes=30 * n), spot) for n in range(48)]
        station.hold(planned)
        async with station.running() as running:
            assert running.clock.trust() is ClockTrust.UNKNOWN
            await station.hear_notices(24 * 60 - 5, lambda: 0.05 + min(chance.expovariate(5), 1.5))
            assert running.clock.trust() is ClockTrust.STALE
            await station.until(FIVE + DAY)
        worst_s = check_day(station, planned)
        raw_s = 86_400 * 100e-6
        return (
            f"24 h offline, 100 ppm, controller's time only: {len(planned)} of {len(planned)} items, "
            f"worst {worst_s:+.3f} s (the crystal alone: {raw_s:.1f} s)"
        )

    tell(in_virtual_time(two_days()))
    shutil.rmtree(tmp_path / "heard")
