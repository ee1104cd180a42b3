"""One station program beside a real broker, a web server for sound and a centre that signs."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from bench.agent.relay import Traffic, relay_to
from bench.alert import broker
from tests.support.broker import Broker
from tests.support.centre import Centre
from tests.support.media_server import serving
from tests.support.sounds import encoded
from wire import topics
from wire.ids import LatenessRule
from wire.messages import Item, Lateness, PlannedOccurrence, TimeNotice

NAME, AREA = "cum-loa-1", "ta-van"
NOTICE_EVERY_S = 60.0


@dataclass
class Bench:
    centre: Centre
    traffic: Traffic
    process: psutil.Process
    sounds: tuple[Item, ...]
    _notice_at_s: float = 0.0

    def wait(self, holds: Callable[[], object], what: str, within_s: float) -> None:
        """The centre says once a minute what time it is meanwhile."""
        deadline_s = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > deadline_s:
                raise SystemExit(f"not within {within_s:.0f} s: {what}")
            self._notice()
            time.sleep(0.1)

    def _notice(self) -> None:
        if time.monotonic() >= self._notice_at_s:
            self._notice_at_s = time.monotonic() + NOTICE_EVERY_S
            notice = TimeNotice(at=datetime.now(UTC))
            self.centre.publish(topics.TIME, self.centre.key.sign(notice), retain=False)

    def plan(self, starts: list[datetime], version: int) -> list[PlannedOccurrence]:
        planned = [
            PlannedOccurrence(
                id=f"ban-tin@{start:%Y%m%dT%H%M%SZ}",
                schedule="ban-tin",
                title="Bản tin của xã",
                start=start,
                items=(self.sounds[number % len(self.sounds)],),
                lateness=Lateness(rule=LatenessRule.RESUME),
            )
            for number, start in enumerate(starts)
        ]
        self.centre.send_plan(*planned, area=AREA, version=version)
        return planned

    def wait_until_held(self) -> None:
        def held() -> bool:
            beats = list(self.centre.heartbeats)
            return bool(beats) and beats[-1].cache.held == beats[-1].cache.wanted == len(self.sounds)

        self.wait(held, "sound held", 60)


@contextmanager
def running(folder: Path, *, sound_card: Mapping[str, str] | None = None) -> Iterator[Bench]:
    """`sound_card` is the environment in which PortAudio finds one; else a WAV file is the loudspeaker."""
    folder.mkdir()
    with ExitStack() as stack:
        port = broker.free_port()
        stack.enter_context(broker.running(folder, port))
        media = stack.enter_context(serving(folder / "media"))
        sounds = tuple(encoded(media.folder, 1.0, seed) for seed in range(3))
        centre = Centre(Broker("mosquitto", "127.0.0.1", port, folder), media.url)
        stack.callback(centre.close)
        relayed, traffic = stack.enter_context(relay_to(port))
        (folder / "agent.toml").write_text(_settings(centre, relayed))
        centre.send_card(NAME, areas=("lao-cai", AREA))
        process = stack.enter_context(_process(folder, sound_card))
        bench = Bench(centre, traffic, psutil.Process(process.pid), sounds)
        bench.wait(lambda: centre.heartbeats, "station up", 60)
        yield bench


def two_weeks_from(now: datetime) -> list[datetime]:
    """Six broadcasts a day, the first in some hours."""
    first = now.replace(microsecond=0) + timedelta(hours=4)
    return [first + timedelta(hours=4) * number for number in range(84)]


@contextmanager
def _process(folder: Path, sound_card: Mapping[str, str] | None) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-m", "bench.agent.program", str(folder / "agent.toml")]
    speaker = [str(folder / "heard")] if sound_card is None else []
    with (folder / "log.txt").open("wb") as log:
        environment = os.environ | dict(sound_card or {})
        process = subprocess.Popen([*command, *speaker], stdout=log, stderr=log, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _settings(centre: Centre, port: int) -> str:
    """As on a board, but for a clock that is believed."""
    jwk = centre.key.public_jwk()
    return f"""
station = "{NAME}"
state_dir = "state"
clock = "assume_trusted"
controller_keys = [{{ kty = "{jwk["kty"]}", crv = "{jwk["crv"]}", x = "{jwk["x"]}" }}]
broker = {{ host = "127.0.0.1", port = {port} }}
media = {{ reserve_mb = 1 }}
"""
