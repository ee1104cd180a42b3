"""A station whose power is cut, again and again: its lives, its memory card, and what was heard of it."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from firmware_sim.power.supply import PowerSupply
from tests.support.broker import Broker
from tests.support.sounds import RATE_HZ, Samples
from wire.signing import SigningKey

_WAV_HEADER_BYTES = 44


@dataclass(frozen=True)
class Stretch:
    """Sound of one occurrence without a break, as far as it left the loudspeaker."""

    occurrence: str
    begins_at: datetime
    samples: Samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ

    @property
    def ends_at(self) -> datetime:
        return self.begins_at + timedelta(seconds=self.seconds)


@dataclass
class CutStation:
    """`folder` outlives every cut but for `folder/state`, of which only what was synced does."""

    name: str
    folder: Path
    supply: PowerSupply
    _lives: "subprocess.Popen[str]"
    cuts_at: list[datetime] = field(default_factory=list)

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def boot(self, **environment: str) -> int:
        """Its process number."""
        order = {
            "start": str(self.folder / "agent.toml"),
            "sound_dir": str(self.folder / "heard"),
            "log": str(self.folder / "log.txt"),
            "environment": environment,
        }
        return int(self._ask(order)["process"])

    def cut(self, luck: random.Random | None = None) -> int:
        """The exit code, which is -9 unless the program had died before."""
        code = int(self._ask({"end": "kill"})["code"])
        self.cuts_at.append(datetime.now(UTC))
        self.supply.cut(luck)
        return code

    def switch_off(self) -> int:
        """As a service manager does it."""
        return int(self._ask({"end": "terminate"})["code"])

    def heard(self) -> list[Stretch]:
        """In order; what was cut off counts as far as the loudspeaker had come."""
        sidecars = sorted((self.folder / "heard").glob("*.json"))
        return [one for one in map(self._stretch, sidecars) if len(one.samples)]

    def close(self) -> None:
        assert self._lives.stdin is not None
        self._lives.stdin.close()
        self._lives.wait(10)
        assert self._lives.stdout is not None
        self._lives.stdout.close()
        self.supply.close()

    def _stretch(self, sidecar: Path) -> Stretch:
        record = json.loads(sidecar.read_text())
        begins_at = datetime.fromisoformat(record["first_frame_at"])
        recording = sidecar.with_suffix(".wav")
        content = recording.read_bytes()[_WAV_HEADER_BYTES:]
        samples = np.frombuffer(content[: len(content) // 2 * 2], dtype="<i2").astype(np.int16)
        if not record["over"]:
            written_at = datetime.fromtimestamp(recording.stat().st_mtime, UTC)
            cuts = (at for at in self.cuts_at if at >= written_at)
            cut_at = min(cuts, default=datetime.now(UTC))
            samples = samples[: max(round((cut_at - begins_at).total_seconds() * RATE_HZ), 0)]
        return Stretch(record["occurrence"], begins_at, samples)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self._lives.stdin is not None and self._lives.stdout is not None
        self._lives.stdin.write(json.dumps(order) + "\n")
        self._lives.stdin.flush()
        answer: dict[str, Any] = json.loads(self._lives.stdout.readline())
        return answer


@contextmanager
def cut_station(name: str, folder: Path, settings: str) -> Iterator[CutStation]:
    """Not booted yet."""
    folder.mkdir(parents=True)
    (folder / "agent.toml").write_text(settings)
    supply = PowerSupply(folder / "state", folder / "workshop")
    supply.switch_on()
    lives = subprocess.Popen(
        [sys.executable, "-m", "firmware_sim.power.lives"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | supply.environment,
    )
    station = CutStation(name, folder, supply, lives)
    try:
        yield station
    finally:
        station.close()


def settings_of(name: str, key: SigningKey, broker: Broker) -> str:
    """Of a station in a hurry."""
    jwk = key.public_jwk()
    return f"""
station = "{name}"
state_dir = "state"
heartbeat_s = 1
clock = "assume_trusted"
controller_keys = [{{ kty = "{jwk["kty"]}", crv = "{jwk["crv"]}", x = "{jwk["x"]}" }}]
broker = {{ host = "{broker.host}", port = {broker.port}, retry_min_s = 0.05, retry_max_s = 0.2 }}
media = {{ retry_min_s = 0.1, retry_max_s = 0.5, reserve_mb = 1 }}
reports = {{ retry_min_s = 0.2, retry_max_s = 0.5 }}
"""
