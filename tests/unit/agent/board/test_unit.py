"""The unit, the log settings and the installer, as far as they can be tried without a board."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent import cli

BOARD = Path(cli.__file__).parent / "board"
UNIT = BOARD / "loaban-agent.service"
EXPOSURE_AT_MOST = 25
"""Of 100, by `systemd-analyze security`; most of what is left is the network, the sound card and the port."""
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not on this machine")


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(ANALYZE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def runnable(tmp_path: Path) -> Path:
    """The unit with a program that this machine has."""
    file = tmp_path / UNIT.name
    file.write_text(re.sub(r"(?m)^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    return file


@needs_systemd
def test_systemd_understands_every_line(runnable: Path) -> None:
    done = analyze("verify", runnable)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
def test_a_line_that_it_does_not_understand_would_be_noticed(runnable: Path) -> None:
    runnable.write_text(runnable.read_text().replace("WatchdogSec=60", "WatchdogSec=soon"))
    assert "soon" in analyze("verify", runnable).stderr


@needs_systemd
def test_it_is_hardened(runnable: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_AT_MOST}", runnable)
    assert done.returncode == 0, done.stdout[-300:]


def settings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_it_is_watched_and_always_comes_back() -> None:
    unit = settings()
    assert unit["Type"] == ["notify"]
    assert int(unit["WatchdogSec"][0]) >= 30
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]


def test_it_may_still_ask_for_the_clock_and_open_the_sound_card() -> None:
    """What a stricter line would break, without any error: the clock would never be trusted again."""
    unit = settings()
    assert "adjtimex clock_adjtime" in unit["SystemCallFilter"]
    for breaks in ("ProtectClock", "ProcSubset", "PrivateDevices", "MemoryDenyWriteExecute"):
        assert breaks not in unit
    assert "char-alsa rw" in unit["DeviceAllow"]
    assert {"AF_UNIX", "AF_INET", "AF_INET6"} == set(unit["RestrictAddressFamilies"][0].split())


def test_unit_installer_and_command_speak_of_the_same_places() -> None:
    unit, installer = settings(), (BOARD / "install.sh").read_text()
    assert unit["ExecStart"] == [f"/opt/loaban-agent/bin/loaban-agent run --config {cli.CONFIG}"]
    assert unit["ConditionPathExists"] == [str(cli.CONFIG)]
    assert f"/var/lib/{unit['StateDirectory'][0]}" == str(cli.STATE)
    for place in ("home=/opt/loaban-agent", f"settings={cli.CONFIG.parent}", f"state={cli.STATE}"):
        assert place in installer.splitlines()


def test_the_installer_is_a_shell_script_without_faults() -> None:
    done = subprocess.run(["bash", "-n", BOARD / "install.sh"], capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, b"")


def test_logs_are_bounded() -> None:
    journal = configparser.ConfigParser()
    journal.optionxform = str  # type: ignore[assignment, method-assign]
    journal.read(BOARD / "journald.conf")
    for name in ("SystemMaxUse", "RuntimeMaxUse"):
        assert int(journal["Journal"][name].removesuffix("M")) <= 50
