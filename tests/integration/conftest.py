"""A real broker, a real web server for sound, a centre that signs, and stations as processes of their own."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import paho.mqtt.client as mqtt
import pytest
from av.audio.frame import AudioFrame
from numpy.typing import NDArray
from paho.mqtt.enums import CallbackAPIVersion

from agent.decoder import decode
from tests.support.broker import Broker
from tests.support.waiting import eventually, free_port
from wire import topics
from wire.base import Message
from wire.ids import LatenessRule, Outcome, StationKind
from wire.messages import (
    Ack,
    Heartbeat,
    Item,
    Lateness,
    PlanLayer,
    PlannedOccurrence,
    PlaybackReport,
    Presence,
    ReportBatch,
    StationCard,
)
from wire.signing import SigningKey

Samples = NDArray[np.int16]
T = TypeVar("T")
RATE_HZ = 48_000
SPAWN_CODE = "from firmware_sim.cli import app; app()"


@pytest.fixture
def broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Broker]:
    """Mosquitto; `parametrize("broker", ["mosquitto", "amqtt"], indirect=True)` tries both."""
    kind = getattr(request, "param", "mosquitto")
    made = Broker(kind, "127.0.0.1", free_port(), tmp_path / "mosquitto.conf")
    made.start()
    yield made
    made.stop()


@dataclass
class MediaServer:
    """Serves `folder` with Range; `cut_after` bytes the connection is dropped, once per entry."""

    folder: Path
    url: str = ""
    cut_after: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)


class _MediaHandler(BaseHTTPRequestHandler):
    media: MediaServer

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        name = self.path.rsplit("/", 1)[-1]
        self.media.requests.append((name, wanted))
        file = self.media.folder / name
        if not file.exists():
            self.send_error(404)
            return
        content = file.read_bytes()
        begin = int(m.group(1)) if wanted and (m := re.fullmatch(r"bytes=(\d+)-", wanted)) else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if self.media.cut_after:
            self.wfile.write(content[begin : begin + self.media.cut_after.pop(0)])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(content[begin:])

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def media(tmp_path: Path) -> Iterator[MediaServer]:
    made = MediaServer(tmp_path / "media")
    made.folder.mkdir()
    handler = type("Handler", (_MediaHandler,), {"media": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/media"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Sound:
    """An encoded file of the library and what it decodes to."""

    item: Item
    samples: Samples


def speech_like(seconds: float, seed: int) -> Samples:
    """Noise with syllables: no two moments of it are alike, so that a shift shows."""
    chance = np.random.default_rng(seed)
    count = int(seconds * RATE_HZ)
    noise = np.convolve(chance.standard_normal(count), np.hanning(24), mode="same")
    syllables = np.repeat(chance.uniform(0.1, 1.0, count // 4800 + 1), 4800)[:count]
    shaped = noise * syllables
    samples: Samples = (shaped / np.abs(shaped).max() * 20_000).astype(np.int16)
    return samples


def encode_opus(path: Path, samples: Samples) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="mono", bit_rate=48_000)
        for begin in range(0, len(samples), 960):
            frame = AudioFrame.from_ndarray(samples[None, begin : begin + 960], format="s16", layout="mono")
            frame.sample_rate = RATE_HZ
            frame.pts = begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


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


class Centre:
    """A controller's side of the wire: signs and publishes, listens, acknowledges when told to."""

    def __init__(self, broker: Broker, media_url: str) -> None:
        self.key = SigningKey.generate()
        self.media_url = media_url
        self.acknowledging = True
        self.heartbeats: list[Heartbeat] = []
        self.presences: list[Presence] = []
        self.batches: list[ReportBatch] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="centre")
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def send(self, topic: str, document: Message, key: SigningKey | None = None) -> None:
        self.publish(topic, (key or self.key).sign(document))

    def send_card(self, station: str = "cum-loa-1", version: int = 1, **changes: Any) -> StationCard:
        values: dict[str, Any] = {
            "station": station,
            "version": version,
            "issued_at": datetime.now(UTC),
            "name": "Cụm loa bản 1",
            "kind": StationKind.VILLAGE_CLUSTER,
            "areas": ("lao-cai", "ta-van"),
            "zone": "Asia/Ho_Chi_Minh",
            "media_url": self.media_url,
        }
        card = StationCard(**(values | changes))
        self.send(topics.card(station), card)
        return card

    def send_plan(
        self, *occurrences: PlannedOccurrence, area: str = "ta-van", version: int = 1, lasts_s: float = 86_400
    ) -> PlanLayer:
        now = datetime.now(UTC)
        layer = PlanLayer(
            area=area,
            version=version,
            issued_at=now,
            expires_at=now + timedelta(seconds=lasts_s),
            occurrences=occurrences,
        )
        self.send(topics.plan(area), layer)
        return layer

    def reports(self) -> list[PlaybackReport]:
        return list({report.id: report for batch in list(self.batches) for report in batch.reports}.values())

    def report_of(self, occurrence: str, within_s: float = 15.0) -> PlaybackReport:
        def look() -> PlaybackReport | None:
            return next((one for one in self.reports() if one.occurrence == occurrence), None)

        return eventually(look, f"report of {occurrence}", within_s)

    def heartbeat_with(
        self, holds: Callable[[Heartbeat], bool], what: str, within_s: float = 10.0
    ) -> Heartbeat:
        def look() -> Heartbeat | None:
            return next((beat for beat in reversed(list(self.heartbeats)) if holds(beat)), None)

        return eventually(look, what, within_s)

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        for topic in (topics.ALL_HEARTBEATS, topics.ALL_PRESENCES, topics.ALL_REPORTS):
            client.subscribe(topic, qos=1)

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        leaf = message.topic.rsplit("/", 1)[-1]
        if leaf == "heartbeat":
            self.heartbeats.append(Heartbeat.decode(bytes(message.payload)))
        elif leaf == "presence":
            self.presences.append(Presence.decode(bytes(message.payload)))
        elif leaf == "report":
            batch = ReportBatch.decode(bytes(message.payload))
            self.batches.append(batch)
            if self.acknowledging:
                ack = Ack(station=batch.station, reports=tuple(report.id for report in batch.reports))
                client.publish(topics.ack(batch.station), ack.encode(), qos=1)


@pytest.fixture
def centre(broker: Broker, media: MediaServer) -> Iterator[Centre]:
    made = Centre(broker, media.url)
    yield made
    made.close()


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
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

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


@pytest.fixture
def make_station(tmp_path: Path, broker: Broker, centre: Centre) -> Iterator[Callable[..., StationProcess]]:
    made: list[StationProcess] = []

    def make(station: str = "cum-loa-1") -> StationProcess:
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
host = "{broker.host}"
port = {broker.port}
retry_min_s = 0.1
retry_max_s = 0.5

[media]
retry_min_s = 0.1
retry_max_s = 0.5
reserve_mb = 1

[reports]
retry_min_s = 0.3
retry_max_s = 1
"""
        one = StationProcess(folder, settings)
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


def best_match(recording: Samples, source: Samples) -> tuple[float, int]:
    """Highest normalised cross-correlation of the recording within the source, and where it lies."""
    a, b = recording.astype(np.float64), source.astype(np.float64)
    size = 1 << (len(a) + len(b) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    last = max(len(b) - len(a), 0)
    shift = int(np.argmax(product[: last + 1]))
    part = b[shift : shift + len(a)]
    power = np.linalg.norm(part) * np.linalg.norm(a[: len(part)])
    return float(np.dot(part, a[: len(part)]) / power), shift


@pytest.fixture
def match() -> Callable[[Samples, Samples], tuple[float, int]]:
    return best_match


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def outcomes() -> type[Outcome]:
    return Outcome
