"""The real controller and the fleet, as processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.alert.province import Province
from controller.settings import Settings
from firmware_sim.fleet.commands import Command

_ANSWERS_WITHIN_S = 60.0
_STOPS_WITHIN_S = 40.0
_FLEET_CODE = "from firmware_sim.cli import app; app()"
_CONTROLLER_CODE = "from controller.cli import app; app()"


@contextmanager
def controller(settings: Settings, folder: Path) -> Iterator[None]:
    """`loaban serve`, from its first answer on."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOABAN_")}
    named = ("data_dir", "http_port", "public_url", "broker", "broker_port", "database_url")
    environment |= {f"LOABAN_{name.upper()}": str(getattr(settings, name)) for name in named}
    with _process(_CONTROLLER_CODE, ("serve",), folder / "controller.log", environment) as process:
        _wait_for(f"http://127.0.0.1:{settings.http_port}/health", process)
        yield


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + _ANSWERS_WITHIN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(url).is_success:
                return
        time.sleep(0.1)
    raise SystemExit("the controller does not answer")


@dataclass(frozen=True)
class Fleet:
    """Running stations, what they wrote down, and their network."""

    events: Path
    process: "subprocess.Popen[bytes]"

    def plug(self, station_ids: tuple[str, ...], *, plugged: bool) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(Command(stations=station_ids, plugged=plugged).line())
        self.process.stdin.flush()


@contextmanager
def fleet(
    province: Province, broker_port: int, processes: int, folder: Path, memory: Path
) -> Iterator[Fleet]:
    """State folders in `memory`: one disk cannot stand for the cards of thousands of boards."""
    events = memory / "events.jsonl"
    events.touch()
    config = folder / "fleet.toml"
    config.write_text(_config(province, broker_port, processes, memory), encoding="utf-8")
    with _process(_FLEET_CODE, ("fleet", "--config", str(config)), folder / "fleet.log", None) as process:
        yield Fleet(events, process)


def _config(province: Province, broker_port: int, processes: int, memory: Path) -> str:
    key = "\n".join(f'{name} = "{value}"' for name, value in province.controller_key.items())
    names = ", ".join(f'"{station_id}"' for station_id in province.station_ids)
    return f"""
stations = [{names}]
processes = {processes}
folder = "{memory / "state"}"
events = "{memory / "events.jsonl"}"

[broker]
port = {broker_port}

[[controller_keys]]
{key}
"""


@contextmanager
def _process(
    code: str, words: tuple[str, ...], log: Path, environment: dict[str, str] | None
) -> "Iterator[subprocess.Popen[bytes]]":
    """Ended with SIGTERM at the end of the block. Raises SystemExit where it has died before."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            env=environment,
        )
    try:
        yield process
        if process.poll() is not None:
            raise SystemExit(f"it died: see {log}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
