"""Between the link's thread and the database: the newest of each station, every report, and a bound."""

from datetime import UTC, datetime

from controller.mqtt.intake import Inbox
from controller.mqtt.link import Inbound

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def message(topic: str, payload: bytes = b"") -> Inbound:
    return Inbound(topic, payload, retained=False, received_at=NOW, connection=1)


def test_only_the_newest_of_a_station_is_kept_but_every_report() -> None:
    inbox = Inbox()
    for payload in (b"1", b"2"):
        inbox.heartbeat(message("a", payload))
        inbox.presence(message("a", payload))
        inbox.report(message("a", payload))
    batch = inbox.take()
    assert [one.payload for one in batch.heartbeats.values()] == [b"2"]
    assert [one.payload for one in batch.presences.values()] == [b"2"]
    assert [one.payload for one in batch.reports] == [b"1", b"2"]
    assert not inbox.take()


def test_a_flood_does_not_fill_the_memory() -> None:
    inbox = Inbox()
    for number in range(60_000):
        inbox.heartbeat(message(f"station-{number}"))
        inbox.report(message("a"))
    batch = inbox.take()
    assert len(batch.heartbeats) == 50_000
    assert len(batch.reports) == 5_000
