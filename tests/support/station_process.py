"""`loaban-sim station` as a process of its own, and what its loudspeaker gave out."""

import json
import signal
import subprocess
import sys
import wave
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from tests.support.sounds import Samples

SPAWN_CODE = "from firmware_sim.cli import app; app()"


@dataclass(frozen=True)
class Heard:
    """One recording of a simulated loudspeaker."""

    occurrence: str
    first_frame_at: datetime
    frames: int
    silent_frames: int
    over: bool
    samples: Samples


@dataclass
class StationProcess:
    """`loaban-sim station` as a process of its own."""

    folder: Path
    settings: str
    process: subprocess.Popen[bytes] | None = None
    inside: tuple[str, ...] = ()
    """What runs a command where this station is, such as in another network namespace."""

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def start(self) -> None:
        (self.folder / "agent.toml").write_text(self.settings)
        command = [sys.executable, "-c", SPAWN_CODE, "station", "--config", str(self.folder / "agent.toml")]
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen([*self.inside, *command], stdout=log, stderr=log)

    def kill(self) -> None:
        """As a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)

    def terminate(self, within_s: float = 3.0) -> int:
        """As a service manager would; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def heard(self, occurrence: str | None = None) -> list[Heard]:
        """In the order of their first frames."""
        files = sorted((self.state / "heard").glob("*.json"))
        all_heard = [_read_heard(file) for file in files]
        return [one for one in all_heard if occurrence in (None, one.occurrence)]


def _read_heard(file: Path) -> Heard:
    record = json.loads(file.read_text())
    with wave.open(str(file.with_suffix(".wav"))) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)
    record["first_frame_at"] = datetime.fromisoformat(record["first_frame_at"])
    return Heard(samples=samples, **record)
