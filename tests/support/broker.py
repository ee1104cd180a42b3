"""A broker as a process of its own: Mosquitto, or the one that the controller embeds."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import answers, eventually

AMQTT_CODE = """
import asyncio, json, sys
from amqtt.broker import Broker

async def serve():
    await Broker(json.loads(sys.argv[1]), loop=asyncio.get_running_loop()).start()
    await asyncio.Event().wait()

asyncio.run(serve())
"""


@dataclass
class Broker:
    """A broker on a port of its own; `stop` and `start` keep the port."""

    kind: str
    host: str
    port: int
    config: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self._mosquitto() if self.kind == "mosquitto" else self._amqtt()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: answers(self.port), "broker listens")

    def _mosquitto(self) -> list[str]:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            without = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
            without("mosquitto is not installed; `make test` installs it through apt where it may")
        lines = (
            f"listener {self.port} {self.host}",
            "allow_anonymous true",
            "persistence false",
            "log_dest stderr",
            "log_type notice",
            "",
        )
        self.config.write_text("\n".join(lines))
        return [program, "-c", str(self.config)]

    def _amqtt(self) -> list[str]:
        listeners = {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}}
        anybody = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        return [sys.executable, "-c", AMQTT_CODE, json.dumps({"listeners": listeners, "plugins": anybody})]

    @property
    def log(self) -> Path:
        """What Mosquitto says, each line with the second."""
        return self.config.with_suffix(".log")

    def connects(self, since: float = 0.0) -> Counter[int]:
        """How many clients Mosquitto has accepted in each second, by Unix time."""
        found = Counter(
            int(second) for second in re.findall(r"(?m)^(\d+): New client connected", self._said())
        )
        return Counter({second: count for second, count in found.items() if second >= int(since)})

    def _said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)
            self.process = None
