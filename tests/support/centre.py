"""A controller's side of the wire: signs, publishes, listens."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.support.broker import Broker
from tests.support.waiting import eventually
from wire import topics
from wire.base import Message
from wire.ids import StationKind
from wire.messages import (
    Ack,
    Heartbeat,
    PlanLayer,
    PlannedOccurrence,
    PlaybackReport,
    Presence,
    ReportBatch,
    StationCard,
)
from wire.signing import SigningKey


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

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    def offline(self) -> set[str]:
        """Those whose last word, or will, is that they are not there."""
        latest = {one.station: one.online for one in list(self.presences)}
        return {station for station, online in latest.items() if not online}

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
