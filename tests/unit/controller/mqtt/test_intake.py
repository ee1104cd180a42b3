"""The intake without a broker: what it does when the database does not take a batch at once."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session

from controller.context import Context
from controller.mqtt.intake import Intake
from controller.mqtt.link import Inbound, Link
from controller.playback import queries, service
from controller.stations import service as stations
from controller.stations.service import HeardPresence
from controller.stations.tables import StationPicture
from tests.support.waiting import eventually
from wire import topics
from wire.ids import Outcome, StationKind
from wire.messages import PlaybackReport, Presence, ReportBatch

OCCURRENCE = "sang@20261123T100000Z"


@pytest.fixture
def intake(context: Context, area_tree: tuple[str, ...], now: datetime) -> Intake:
    with context.database.write() as session:
        stations.add(session, now, "loa-1", area_tree[1], "Cụm loa", kind=StationKind.VILLAGE_CLUSTER)
    return Intake(context, Link("127.0.0.1", 1, "controller"))


def hear(intake: Intake, now: datetime) -> None:
    report = PlaybackReport(id="r1", occurrence=OCCURRENCE, outcome=Outcome.PLAYED)
    payload = ReportBatch(station="loa-1", reports=(report,)).encode()
    intake._inbox.report(Inbound(topics.report("loa-1"), payload, False, now, 1))


def failing(times: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """Fails that often as a deadlock does, then does the real thing."""
    left = [times]

    def call(*arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", {}, Exception("deadlock detected"))
        return real(*arguments)

    return call


def test_a_deadlock_is_tried_once_more(
    intake: Intake, context: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "apply_reports", failing(1, service.apply_reports))
    hear(intake, now)
    intake.take_in()
    with context.database.read() as session:
        assert set(queries.of_occurrence(session, OCCURRENCE)) == {"loa-1"}


def test_a_database_that_stays_shut_is_an_error(
    intake: Intake, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "apply_reports", failing(2, service.apply_reports))
    hear(intake, now)
    with pytest.raises(OperationalError):
        intake.take_in()


def test_whatever_breaks_in_reading_one_message_the_others_are_taken(
    intake: Intake, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_payload: bytes) -> Presence:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Presence, "decode", broken)
    intake._inbox.presence(Inbound(topics.presence("loa-1"), b"{}", False, now, 1))
    hear(intake, now)
    with caplog.at_level(logging.ERROR):
        intake.take_in()
    assert intake.refused == {"malformed": 1}
    assert "a mistake of ours" in caplog.text


async def test_a_report_does_not_wait_for_the_next_round(
    intake: Intake, context: Context, now: datetime
) -> None:
    slow = Intake(context, Link("127.0.0.1", 1, "controller"), every_s=60)
    running = asyncio.ensure_future(slow.run())
    hear(slow, now)

    def counted() -> bool:
        with context.database.read() as session:
            return set(queries.of_occurrence(session, OCCURRENCE)) == {"loa-1"}

    await asyncio.to_thread(eventually, counted, "the report is counted", 5.0)
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.parametrize("error", [OverflowError("too large"), DataError("INSERT", {}, Exception("NUL"))])
def test_what_cannot_be_written_of_one_station_does_not_hold_up_the_others(
    intake: Intake,
    context: Context,
    now: datetime,
    area_tree: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    with context.database.write() as session:
        stations.add(session, now, "loa-2", area_tree[1], "Cụm loa", kind=StationKind.VILLAGE_CLUSTER)
    real = stations.keep

    def choosy(session: Session, presences: Sequence[HeardPresence], heartbeats: Sequence[Any]) -> None:
        if any(one.presence.station == "loa-1" for one in presences):
            raise error
        real(session, presences, heartbeats)

    monkeypatch.setattr(stations, "keep", choosy)
    for name in ("loa-1", "loa-2"):
        payload = Presence(station=name, online=True, boot_id="b1", program_version="1", at=now).encode()
        intake._inbox.presence(Inbound(topics.presence(name), payload, False, now, 1))
    hear(intake, now)
    intake.take_in()
    assert intake.refused == {"unwritable": 1}
    with context.database.read() as session:
        assert session.get_one(StationPicture, "loa-2").online
        assert set(queries.of_occurrence(session, OCCURRENCE)) == {"loa-1"}
