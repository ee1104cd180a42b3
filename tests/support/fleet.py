"""Fleets of any size as processes, at a broker of the test's own."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_sim.fleet.commands import Command
from firmware_sim.fleet.events import Event, Happened, read
from tests.support.waiting import eventually

_CODE = "from firmware_sim.cli import app; app()"
_STOPS_WITHIN_S = 60


@dataclass
class FleetProcess:
    """`count` stations named `<prefix>-0` and so on; with the settings of the field unless told otherwise."""

    folder: Path
    prefix: str
    count: int
    broker_port: int
    key: dict[str, str]
    processes: int = 1
    arrive_within_s: float = 0.0
    events: list[Event] = field(default_factory=list)
    _process: "subprocess.Popen[bytes] | None" = None
    _read_to: int = 0

    @property
    def stations(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}-{number}" for number in range(self.count))

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "fleet.toml"
        config.write_text(self._config())
        command = [sys.executable, "-c", _CODE, "fleet", "--config", str(config)]
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)

    def cut_power(self) -> None:
        """Every board at once, without a word."""
        assert self._process is not None
        assert self.processes == 1, "the others would live on"
        self._process.kill()
        self._process.wait(10)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_STOPS_WITHIN_S)

    def plug(self, *stations: str, plugged: bool) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(Command(stations=stations, plugged=plugged).line())
        self._process.stdin.flush()

    def look(self) -> list[Event]:
        if (self.folder / "events.jsonl").exists():
            fresh, self._read_to = read(self.folder / "events.jsonl", self._read_to)
            self.events += fresh
        return self.events

    def of(self, happened: Happened, sounding: str = "", since_s: float = 0.0) -> Counter[str]:
        """How often that happened to each station since then, by the machine's monotonic clock."""
        return Counter(
            one.station
            for one in self.look()
            if one.at_s >= since_s and (one.happened, one.sounding) == (happened, sounding)
        )

    def online_after(self, began_s: float, stations: tuple[str, ...], within_s: float) -> list[float]:
        """When each of these was online again for the first time, in seconds after `began_s`, in order."""

        def all_back() -> bool:
            return self.of(Happened.ONLINE, since_s=began_s).keys() >= set(stations)

        eventually(all_back, f"{len(stations)} stations online", within_s)
        first: dict[str, float] = {}
        for one in self.events:
            if one.happened is Happened.ONLINE and one.at_s >= began_s and one.station in stations:
                first.setdefault(one.station, one.at_s - began_s)
        return sorted(first.values())

    def _config(self) -> str:
        return f"""
prefix = "{self.prefix}"
count = {self.count}
processes = {self.processes}
folder = "state"
events = "events.jsonl"
arrive_within_s = {self.arrive_within_s}
broker = {{ port = {self.broker_port} }}
controller_keys = [{{ kty = "{self.key["kty"]}", crv = "{self.key["crv"]}", x = "{self.key["x"]}" }}]
"""


@contextmanager
def running(*fleets: FleetProcess) -> Iterator[None]:
    try:
        for one in fleets:
            one.start()
        yield
    finally:
        for one in fleets:
            one.stop()
