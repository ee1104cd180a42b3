"""A whole Loa Bản for one journey: the controller with its broker, and stations as processes of their own."""

import io
import json
import os
import signal
import subprocess
import sys
import tomllib
import wave
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import numpy.typing as npt

from tests.support.waiting import eventually, free_ports

BIN = Path(sys.executable).parent
AHEAD = ("nice", "-n", "-10")
"""A station's board has its processor to itself; here it shares two with the rest of the suite."""
Samples = npt.NDArray[np.float64]


@dataclass
class Sounding:
    """What one station's loudspeaker gave out in one go."""

    first_frame_at: datetime
    samples: Samples
    """Mono, −1…1, 48 kHz."""

    @property
    def seconds(self) -> float:
        return len(self.samples) / 48_000


@dataclass
class SimStation:
    """One real agent on simulated edges, as a process."""

    config: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def id(self) -> str:
        return self.config.parent.name

    @property
    def sound_dir(self) -> Path:
        return self.config.parent / "sound"

    def start(self) -> None:
        with (self.config.parent / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *AHEAD,
                    BIN / "loaban-sim",
                    "station",
                    "--config",
                    self.config,
                    "--sound-dir",
                    self.sound_dir,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def kill(self) -> None:
        """A power cut: no time to say goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(10)

    def soundings(self) -> list[Sounding]:
        """Everything given out so far and finished, oldest first."""
        found = []
        for sidecar in sorted(self.sound_dir.glob("*.json")):
            about = json.loads(sidecar.read_text())
            with wave.open(str(sidecar.with_suffix(".wav"))) as file:
                assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 48_000)
                raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
            started = datetime.fromisoformat(about["first_frame_at"])
            found.append(Sounding(started, raw.astype(np.float64) / 32_768))
        return found


@dataclass
class Province:
    """The demo province on free ports, in a directory of its own."""

    data: Path
    environment: dict[str, str]
    controller: subprocess.Popen[bytes] | None = None
    stations: dict[str, SimStation] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['LOABAN_HTTP_PORT']}"

    def loaban(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "loaban", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
        )

    def fill(self) -> None:
        self.loaban("migrate")
        self.loaban("demo")
        for config in sorted((self.data / "demo" / "stations").glob("*/agent.toml")):
            self.stations[config.parent.name] = SimStation(config)

    def start_controller(self) -> None:
        with (self.data / "controller.txt").open("ab") as log:
            self.controller = subprocess.Popen(
                [BIN / "loaban", "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        eventually(self._answers, "the controller answers", within_s=60)

    def _answers(self) -> bool:
        assert self.controller is not None
        assert self.controller.poll() is None, (self.data / "controller.txt").read_text()[-3000:]
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/health").status_code == 200
        return False

    def password(self, username: str) -> str:
        people = tomllib.loads((self.data / "demo" / "people.toml").read_text(encoding="utf-8"))
        return str(people[username]["password"])

    def signed_in(self, username: str) -> httpx.Client:
        """A client that acts as this person through the API."""
        client = httpx.Client(base_url=self.url, timeout=30)
        answer = client.post("/api/sign-in", json={"username": username, "password": self.password(username)})
        assert answer.is_success, answer.text
        return client

    def stop(self) -> None:
        for station in self.stations.values():
            if station.process is not None and station.process.poll() is None:
                station.kill()
        if self.controller is not None and self.controller.poll() is None:
            self.controller.send_signal(signal.SIGTERM)
            try:
                self.controller.wait(15)
            except subprocess.TimeoutExpired:
                self.controller.kill()
                self.controller.wait()
                raise


def environment_for(data: Path) -> dict[str, str]:
    """Settings of a province in `data`, on ports that are free, and nothing else of this machine's."""
    http_port, broker_port = free_ports(2)
    return {name: value for name, value in os.environ.items() if not name.startswith("LOABAN_")} | {
        "LOABAN_DATA_DIR": str(data),
        "LOABAN_HTTP_PORT": str(http_port),
        "LOABAN_BROKER_PORT": str(broker_port),
        "PYTHONUNBUFFERED": "1",
    }


def likeness(heard: Samples, source: Samples) -> tuple[float, float]:
    """How alike two sounds are (1: the same at any level), and where in `source` `heard` begins, in seconds.

    The peak of the normalised cross-correlation, and its lag.
    """
    size = 1 << (len(heard) + len(source) - 1).bit_length()
    cross = np.fft.irfft(np.conj(np.fft.rfft(heard, size)) * np.fft.rfft(source, size), size)
    lag = int(np.argmax(np.abs(cross)))
    lag_s = (lag if lag < size // 2 else lag - size) / 48_000
    overlapping = source[max(lag, 0) : lag + len(heard)] if lag < size // 2 else source
    energy = np.sqrt(np.sum(heard**2) * np.sum(overlapping**2))
    return float(np.abs(cross[lag]) / energy), lag_s


def decoded(opus: bytes) -> Samples:
    """The library's encoded copy as it sounds: mono, −1…1, 48 kHz."""
    with av.open(io.BytesIO(opus), "r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        blocks = [
            block.to_ndarray().ravel()
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
    return np.concatenate(blocks).astype(np.float64) / 32_768


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The RFC 9457 document of a refused request."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return dict(answer.json())
