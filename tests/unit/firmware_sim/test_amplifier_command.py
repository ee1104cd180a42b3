"""`loaban-sim amplifier`, as a technician would try it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.amplifier.board import BoardAmplifier
from agent.amplifier.modbus import ModbusBus
from agent.clock import AssumedClock
from agent.settings import AmplifierSettings

COMMAND = [sys.executable, "-c", "from firmware_sim.cli import app; app()", "amplifier"]
DEADLINE_S = 30.0


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Path]:
    """A board with three lines, the second one broken, under this name."""
    name = tmp_path / "board"
    options = ["--link", str(name), "--lines", "3", "--fault", "open_line:1", "--fault", "tamper"]
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True)
    deadline_s = time.monotonic() + DEADLINE_S
    while not name.is_symlink():
        assert process.poll() is None and time.monotonic() < deadline_s
        time.sleep(0.02)
    yield name
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert str(name) in said
    assert not name.is_symlink()


async def test_it_serves_the_board_with_its_faults_under_a_lasting_name(link: Path) -> None:
    bus = ModbusBus(AmplifierSettings(port=str(link), parity="N", answer_s=1.0))
    amplifier = BoardAmplifier(bus, AssumedClock(), 0.15)
    await amplifier.switch_on()
    await amplifier.unmute()
    deadline_s = time.monotonic() + DEADLINE_S
    while (state := await amplifier.read()).lines[0].current_ma < 50:
        assert time.monotonic() < deadline_s
    assert len(state.lines) == 3 and state.tamper_open
    assert state.lines[1].current_ma < 5
    await bus.close()


@pytest.mark.parametrize("fault", ["no_such", "open_line", "open_line:2", "tamper:0", "open_line:x"])
def test_a_fault_that_cannot_be_is_refused(fault: str) -> None:
    done = subprocess.run([*COMMAND, "--fault", fault], capture_output=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    "options", [["--link", "no-such-folder/board"], ["--link", "."], ["--language", "fr"]], ids=str
)
def test_options_that_cannot_be_are_told_without_a_traceback(options: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=DEADLINE_S, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert options[0] in done.stderr and "Traceback" not in done.stderr
