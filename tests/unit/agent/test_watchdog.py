"""The service manager hears of a station that sounds, and hears nothing of one that hangs."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.clock import AssumedClock
from agent.watchdog import STUCK_S, Notifier, Watchdog, limit_s_of, notifier_of


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def heard(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self._line.recv(100).decode())
            except BlockingIOError:
                return told


class Ticking(AssumedClock):
    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic_s(self) -> float:
        return self.now_s


@dataclass
class OnStage:
    id: str
    sounded_s: float


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return "notify.sock"


@pytest.fixture
def manager(address: str) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.setblocking(False)
        yield Manager(line)


def test_ready_once_and_then_fed_four_times_in_each_limit(manager: Manager, address: str) -> None:
    clock = Ticking()
    dog = Watchdog(Notifier(address), 60.0, clock, lambda: None)
    dog.look()
    assert manager.heard() == ["READY=1", "WATCHDOG=1"]
    for _ in range(60):
        clock.now_s += 1
        dog.look()
    assert manager.heard() == ["WATCHDOG=1"] * 4
    dog.stopping()
    assert manager.heard() == ["STOPPING=1"]


def test_sound_that_is_stuck_starves_it(manager: Manager, address: str) -> None:
    clock, on_stage = Ticking(), OnStage("ban-tin@20261123T053000Z", 0.0)
    dog = Watchdog(Notifier(address), 4.0, clock, lambda: on_stage)
    for _ in range(100):
        clock.now_s += 1
        on_stage.sounded_s += 1
        dog.look()
        assert "WATCHDOG=1" in manager.heard()
    clock.now_s += STUCK_S
    dog.look()
    manager.heard()
    clock.now_s += 1
    dog.look()
    assert manager.heard() == []
    on_stage.sounded_s += 1
    dog.look()
    assert manager.heard() == ["WATCHDOG=1"]


def test_the_next_sound_begins_to_count_anew(manager: Manager, address: str) -> None:
    clock = Ticking()
    stage: list[OnStage | None] = [OnStage("a@20261123T053000Z", 5.0)]
    dog = Watchdog(Notifier(address), 4.0, clock, lambda: stage[0])
    for other in (None, OnStage("b@20261123T053000Z", 0.0), None):
        dog.look()
        clock.now_s += STUCK_S
        stage[0] = other
        dog.look()
    assert manager.heard().count("WATCHDOG=1") == 4


def test_what_was_not_heard_is_said_again(address: str) -> None:
    dog = Watchdog(Notifier(address), 60.0, Ticking(), lambda: None)
    dog.look()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(address)
        line.setblocking(False)
        dog.look()
        assert Manager(line).heard() == ["READY=1", "WATCHDOG=1"]


def test_without_a_limit_it_only_says_that_it_is_ready(manager: Manager, address: str) -> None:
    dog = Watchdog(Notifier(address), None, Ticking(), lambda: None)
    dog.look()
    dog.look()
    assert manager.heard() == ["READY=1"]


def test_without_a_manager_nothing_happens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier_of({}).tell("READY=1")
    assert not caplog.records
    notifier_of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")
    assert "service manager not told" in caplog.text


def test_a_manager_without_a_file(manager: Manager) -> None:
    name = f"loaban-{id(manager)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0{name}")
        Notifier(f"@{name}").tell("READY=1")
        assert line.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "limit_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_limit_is_for_this_process(environment: dict[str, str], limit_s: float | None) -> None:
    assert limit_s_of(environment, 7) == limit_s
