"""Two whole controllers on one database and one broker: nothing is published or counted twice."""

import json
import threading
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.broker import Broker
from tests.support.province import Province, environment_for
from tests.support.waiting import eventually, free_port
from wire import topics
from wire.messages import Ack, PlanLayer, PlaybackReport, ReportBatch, StationCard
from wire.signing import Keyring, SigningKey

COMMUNE, AREA = "dai-bat-xat", "bat-xat-02683"


class Listener:
    """Hears everything that is published while it is connected, not what the broker kept from before."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "listener")
        self._client.on_message = self._note
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(f"{topics.ROOT}/#", qos=1)
        assert self._subscribed.wait(10)

    def _note(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        if not message.retain:
            self.heard.append((message.topic, bytes(message.payload)))

    def on(self, topic: str) -> list[bytes]:
        return [payload for where, payload in list(self.heard) if where == topic]

    def say(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def two(province_copy: Path, tmp_path: Path) -> Iterator[tuple[Province, Province, Listener]]:
    broker = Broker("mosquitto", "127.0.0.1", free_port(), tmp_path / "mosquitto.conf")
    own = [environment_for(province_copy) for _ in range(2)]
    shared = {
        "LOABAN_BROKER": "external",
        "LOABAN_BROKER_PORT": str(broker.port),
        "LOABAN_PUBLIC_URL": f"http://127.0.0.1:{own[0]['LOABAN_HTTP_PORT']}",
    }
    pair = [Province(province_copy, environment | shared) for environment in own]
    broker.start()
    listener = Listener(broker.port)
    try:
        pair[0].fill()
        for one in pair:
            one.start_controller()
        yield pair[0], pair[1], listener
    finally:
        for one in pair:
            one.stop()
        listener.close()
        broker.stop()


def test_each_version_is_published_once_and_each_report_counted_once(
    two: tuple[Province, Province, Listener],
) -> None:
    first, second, listener = two
    clients = [place.signed_in("canbo") for place in (first, second)]
    plan = topics.plan(AREA)
    eventually(lambda: listener.on(plan), "the demo's plan is published")

    # Edits come through both controllers in turn; every one makes a new version.
    made = [schedule(clients[turn % 2], turn) for turn in range(6)]
    eventually(lambda: all(mentions(listener.on(plan), one) for one in made), "every edit reaches the plan")
    key = SigningKey.from_json((first.data / "keys" / "sound-signing.json").read_text())
    versions = Counter(version_of(key, topic, token) for topic, token in documents(listener))
    assert versions
    assert set(versions.values()) == {1}
    cards = {version for topic, version in versions if topic.endswith("/card")}
    assert cards == {1}, "nothing was changed that a card tells"

    # The same report said five times is one row, and both pages tell the same.
    (occurrence,) = clients[0].get("/api/occurrences", params={"area": AREA}).json()[:1]
    report = played(occurrence["id"])
    for _ in range(5):
        listener.say(topics.report(COMMUNE), ReportBatch(station=COMMUNE, reports=(report,)).encode())
    eventually(lambda: acknowledged(listener, report.id), "the report is acknowledged")
    for client in clients:
        (row,) = (row for row in board(client, occurrence["id"]) if row["station_id"] == COMMUNE)
        assert (row["state"], row["seconds_played"]) == ("played", 12.5)


def test_one_goes_on_when_the_other_is_killed(two: tuple[Province, Province, Listener]) -> None:
    first, second, listener = two
    client = second.signed_in("canbo")
    assert first.controller is not None
    first.controller.kill()
    first.controller.wait(10)
    made = schedule(client, 1)
    eventually(lambda: mentions(listener.on(topics.plan(AREA)), made), "the survivor publishes", within_s=180)


def schedule(client: httpx.Client, turn: int) -> str:
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    rule = {"frequency": "once", "times": [f"09:{10 + turn}"], "start_date": tomorrow}
    draft = {"area_id": AREA, "title": f"Lịch {turn}", "programme_ids": ["ban-tin-sang"], "rule": rule}
    saved = client.post("/api/schedules", json=draft)
    assert saved.status_code == 201, saved.text
    return str(saved.json()["id"])


def mentions(tokens: list[bytes], schedule_id: str) -> bool:
    return any(schedule_id in payload_of(token) for token in tokens)


def payload_of(token: bytes) -> str:
    body = token.split(b".")[1]
    return urlsafe_b64decode(body + b"=" * (-len(body) % 4)).decode()


def documents(listener: Listener) -> list[tuple[str, bytes]]:
    return [(topic, payload) for topic, payload in listener.heard if topic.endswith(("/plan", "/card"))]


def version_of(key: SigningKey, topic: str, token: bytes) -> tuple[str, int]:
    """Also shows that both controllers sign with the one key."""
    ring = Keyring.of(key.public_jwk())
    document = ring.open(token, PlanLayer) if topic.endswith("/plan") else ring.open(token, StationCard)
    return topic, document.version


def played(occurrence: str) -> PlaybackReport:
    report = {"id": "r-1", "occurrence": occurrence, "outcome": "played", "seconds_played": 12.5}
    return PlaybackReport.decode(json.dumps(report).encode())


def acknowledged(listener: Listener, report_id: str) -> bool:
    return any(report_id in Ack.decode(payload).reports for payload in listener.on(topics.ack(COMMUNE)))


def board(client: httpx.Client, occurrence: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = client.get(f"/api/occurrences/{occurrence}/board").json()["rows"]
    return rows
