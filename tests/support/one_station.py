"""Fixtures of one station at a real broker: to be imported by the conftest of who needs them."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.decoder import decode
from tests.support.broker import Broker
from tests.support.centre import Centre
from tests.support.media_server import MediaServer, serving
from tests.support.sounds import RATE_HZ, Samples, Sound, best_match, encode_opus, speech_like
from tests.support.station_process import StationProcess
from tests.support.waiting import eventually, free_port
from wire.ids import LatenessRule, Outcome
from wire.messages import Item, Lateness, PlannedOccurrence


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Mosquitto; `parametrize("broker", ["mosquitto", "amqtt"], indirect=True)` tries both."""
    kind = getattr(request, "param", "mosquitto")
    made = Broker(kind, "127.0.0.1", free_port(), tmp_path / "mosquitto.conf")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def media(tmp_path: Path) -> Iterator[MediaServer]:
    with serving(tmp_path / "media") as made:
        yield made


@pytest.fixture
def make_sound(media: MediaServer) -> Callable[..., Sound]:
    """Encode `seconds` of something like speech into the media server's folder."""

    def make(seconds: float, seed: int = 1) -> Sound:
        draft = media.folder / f"draft-{seed}-{seconds}"
        encode_opus(draft, speech_like(seconds, seed))
        content = draft.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        target = draft.rename(media.folder / f"{sha256}.opus")
        samples = np.concatenate(list(decode(target)))
        item = Item(sha256=sha256, seconds=len(samples) / RATE_HZ, size_bytes=len(content))
        return Sound(item, samples)

    return make


@pytest.fixture
def centre(broker: Broker, media: MediaServer) -> Iterator[Centre]:
    made = Centre(broker, media.url)
    yield made
    made.close()


@pytest.fixture
def make_station(tmp_path: Path, broker: Broker, centre: Centre) -> Iterator[Callable[..., StationProcess]]:
    made: list[StationProcess] = []

    def make(
        station: str = "cum-loa-1",
        host: str = broker.host,
        port: int = broker.port,
        inside: tuple[str, ...] = (),
        **extra: str,
    ) -> StationProcess:
        """It believes the broker at `host` and `port`; `extra` are lines for a section of its settings."""
        folder = tmp_path / station
        folder.mkdir()
        jwk = centre.key.public_jwk()
        settings = f"""
station = "{station}"
state_dir = "state"
heartbeat_s = 1
clock = "assume_trusted"

[[controller_keys]]
kty = "{jwk["kty"]}"
crv = "{jwk["crv"]}"
x = "{jwk["x"]}"

[broker]
host = "{host}"
port = {port}
retry_min_s = 0.1
retry_max_s = 0.5
{extra.get("broker", "")}

[media]
retry_min_s = 0.1
retry_max_s = 0.5
reserve_mb = 1
{extra.get("media", "")}

[reports]
retry_min_s = 0.3
retry_max_s = 1
"""
        one = StationProcess(folder, settings, inside=inside)
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait(5)


@pytest.fixture
def soon() -> Callable[..., PlannedOccurrence]:
    """An occurrence that starts in a moment, on a whole second as a timetable has it."""

    def plan(*items: Item, in_s: float = 3.0, schedule: str = "ban-tin", **changes: Any) -> PlannedOccurrence:
        start = (datetime.now(UTC) + timedelta(seconds=in_s)).replace(microsecond=0)
        values: dict[str, Any] = {
            "id": f"{schedule}@{start:%Y%m%dT%H%M%SZ}",
            "schedule": schedule,
            "start": start,
            "items": items,
            "volume": 100,
            "lateness": Lateness(rule=LatenessRule.RESUME),
        }
        return PlannedOccurrence(**(values | changes))

    return plan


@pytest.fixture
def match() -> Callable[[Samples, Samples], tuple[float, int]]:
    return best_match


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def outcomes() -> type[Outcome]:
    return Outcome
