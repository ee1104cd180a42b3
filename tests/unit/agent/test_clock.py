from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.clock import HOLD_S, SystemClock, kernel_synchronised
from wire.ids import ClockTrust

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


class World:
    def __init__(self, file: Path) -> None:
        self.file = file
        self.now = NOW
        self.since_boot_s = 100.0
        self.synchronised = True

    def clock(self, boot: str = "boot-1") -> SystemClock:
        return SystemClock(
            self.file,
            synchronised=lambda: self.synchronised,
            now=lambda: self.now,
            since_boot_s=lambda: self.since_boot_s,
            boot=boot,
        )


def test_a_clock_that_was_never_set_is_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.synchronised = False
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_a_synchronised_clock_behind_the_floor_is_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.clock().keep()
    world.now = datetime(1970, 1, 1, tzinfo=UTC)
    assert world.clock().trust() is ClockTrust.UNKNOWN


def test_trust_outlives_the_link_and_a_restart_but_grows_stale(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.clock().keep()
    world.synchronised = False
    world.since_boot_s += HOLD_S - 1
    assert world.clock().trust() is ClockTrust.TRUSTED
    world.since_boot_s += 2
    assert world.clock().trust() is ClockTrust.STALE


def test_trust_does_not_outlive_a_power_cut(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.clock().keep()
    world.synchronised = False
    assert world.clock(boot="boot-2").trust() is ClockTrust.UNKNOWN


def test_the_floor_is_written_once_an_hour_and_only_from_a_trusted_clock(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.synchronised = False
    clock = world.clock()
    clock.keep()
    assert not world.file.exists()
    world.synchronised = True
    clock.keep()
    first = world.file.read_bytes()
    world.now += timedelta(minutes=59)
    clock.keep()
    assert world.file.read_bytes() == first
    world.now += timedelta(minutes=2)
    clock.keep()
    assert world.file.read_bytes() != first


def test_a_damaged_floor_is_no_reason_to_stay_silent(tmp_path: Path) -> None:
    world = World(tmp_path / "clock.json")
    world.file.write_text("{")
    assert world.clock().trust() is ClockTrust.TRUSTED


def test_the_kernel_answers() -> None:
    assert kernel_synchronised() in {True, False}
