"""How far an alert has come on each station, from the broker into the database."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.boards import service
from controller.boards.receipts import Receipts
from controller.boards.service import HeardReceipt
from controller.context import Context
from controller.db.session import Database
from controller.emergency.acts import Act
from controller.emergency.recording import record
from controller.emergency.tables import AlertReceiptRow
from controller.mqtt.link import Inbound, Link
from controller.stations.tables import Station
from wire import topics
from wire.alerts import AlertReceipt
from wire.ids import AlertProgress, ClockTrust, StationKind

ALERT = "kc-20261123-0000000a"
SOUNDING = f"{ALERT}-r1@20261123T100000Z"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


Pressed = Callable[[], tuple[Act, ...]]


@pytest.fixture
def pressed(make_act: Callable[..., Act]) -> Pressed:
    """The alert that the receipts are about, on its way into the database."""
    return lambda: (make_act(ALERT, at=NOW),)


def receipt(station: str, progress: AlertProgress = AlertProgress.RECEIVED, **changes: Any) -> AlertReceipt:
    values: dict[str, Any] = {
        "station": station,
        "alert": ALERT,
        "revision": 1,
        "sounding": SOUNDING,
        "progress": progress,
        "at": NOW,
        "clock": ClockTrust.TRUSTED,
    }
    return AlertReceipt(**(values | changes))


def rows(database: Database) -> dict[str, AlertReceiptRow]:
    with database.read() as session:
        return {row.station_id: row for row in session.scalars(select(AlertReceiptRow))}


def heard(said: AlertReceipt, after_s: float = 0.0, owner: str | None = None) -> Inbound:
    topic = topics.receipt(owner or said.station)
    return Inbound(topic, said.encode(), False, NOW + timedelta(seconds=after_s), 1)


async def test_receipts_come_in_by_the_broker_within_a_second_and_only_from_their_station(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    context: Context,
    database: Database,
    operator: Principal,
    make_act: Callable[..., Act],
) -> None:
    record(context, make_act(ALERT, at=NOW))
    ear, controller = await listen(any_broker), await start_controller(any_broker)
    await until(lambda: controller.link.connection, "the controller listens")
    ear.say(topics.receipt("cum-loa-1"), b"{")
    ear.say(topics.receipt("cum-loa-2"), receipt("cum-loa-1").encode())
    ear.say(topics.receipt("nobody"), receipt("nobody").encode())
    said_s = time.monotonic()
    ear.say(topics.receipt("dai-bat-xat"), receipt("dai-bat-xat").encode())
    await until(lambda: rows(database), "the receipt", within_s=2)
    assert time.monotonic() - said_s < 1
    assert set(rows(database)) == {"dai-bat-xat"}
    why = {"malformed": 1, "wrong_station": 1, "unknown_station": 1}
    await until(lambda: dict(controller.receipts.refused) == why, "the others are refused")


def test_the_first_word_on_each_moment_stands(
    context: Context, database: Database, operator: Principal, pressed: Pressed
) -> None:
    receipts = Receipts(context, Link("127.0.0.1", 1, "controller"), pending=pressed)
    first_frame_at = NOW + timedelta(milliseconds=300)
    sounding = receipt("cum-loa-1", AlertProgress.SOUNDING, first_frame_at=first_frame_at)
    for message in (
        heard(receipt("cum-loa-1"), 0.1),
        heard(sounding, 0.5),
        heard(receipt("cum-loa-1"), 3),
        heard(sounding.model_copy(update={"first_frame_at": NOW}), 4),
        heard(sounding.model_copy(update={"station": "cum-loa-2"}), 0.7),
    ):
        receipts._hear(message)
        receipts.take_in()
    one, other = rows(database)["cum-loa-1"], rows(database)["cum-loa-2"]
    assert one.received_at == NOW + timedelta(seconds=0.1)
    assert one.sounding_at == NOW + timedelta(seconds=0.5)
    assert one.first_frame_at == first_frame_at
    assert one.alert_id == ALERT
    assert (other.received_at, other.sounding_at) == (NOW + timedelta(seconds=0.7),) * 2


def test_both_moments_in_one_batch_are_one_row(
    context: Context, database: Database, operator: Principal, pressed: Pressed
) -> None:
    receipts = Receipts(context, Link("127.0.0.1", 1, "controller"), pending=pressed)
    receipts._hear(heard(receipt("cum-loa-1"), 0.1))
    receipts._hear(heard(receipt("cum-loa-1", AlertProgress.SOUNDING, first_frame_at=NOW), 0.3))
    assert receipts.take_in() == 1
    row = rows(database)["cum-loa-1"]
    assert (row.received_at, row.sounding_at, row.first_frame_at) == (
        NOW + timedelta(seconds=0.1),
        NOW + timedelta(seconds=0.3),
        NOW,
    )


def test_what_a_shut_database_did_not_take_is_written_later(
    context: Context, database: Database, operator: Principal, pressed: Pressed
) -> None:
    hurried = Database(context.settings.resolved_database_url(), lock_wait_s=0.05)
    impatient = Context(**{**vars(context), "database": hurried})
    receipts = Receipts(impatient, Link("127.0.0.1", 1, "controller"), pending=pressed)
    receipts._hear(heard(receipt("cum-loa-1"), 0.1))
    with database.write() as session:
        session.connection()
        assert receipts.take_in() == 0
        receipts._hear(heard(receipt("cum-loa-2"), 0.2))
        assert receipts.take_in() == 0
    assert receipts.take_in() == 2
    assert receipts.take_in() == 0
    hurried.close()
    assert rows(database)["cum-loa-1"].received_at == NOW + timedelta(seconds=0.1)


def test_a_whole_province_within_half_a_second(
    context: Context, database: Database, operator: Principal, pressed: Pressed
) -> None:
    names = [f"loa-{number:04}" for number in range(2340)]
    with database.write() as session:
        session.add_all(
            Station(id=name, area_id="bat-xat", name=name, kind=StationKind.VILLAGE_CLUSTER, created_at=NOW)
            for name in names
        )
    receipts = Receipts(context, Link("127.0.0.1", 1, "controller"), pending=pressed)
    for progress in AlertProgress:
        for name in names:
            receipts._hear(heard(receipt(name, progress)))
        began_s = time.process_time()
        assert receipts.take_in() == len(names)
        assert time.process_time() - began_s < 0.5
    assert len(rows(database)) == len(names)


def test_a_receipt_waits_for_the_record_of_its_sounding_and_none_is_kept_for_an_invented_one(
    context: Context, database: Database, operator: Principal, make_act: Callable[..., Act]
) -> None:
    now = [NOW]
    receipts = Receipts(replace(context, now=lambda: now[0]), Link("127.0.0.1", 1, "controller"))
    invented = f"{ALERT}-r1@20261123T100001Z"
    strange: tuple[dict[str, Any], ...] = ({}, {"sounding": invented}, {"alert": "kc-20261123-0000000f"})
    for changes in strange:
        receipts._hear(heard(receipt("cum-loa-1", **changes)))
        receipts._hear(heard(receipt("cum-loa-2", **changes)))
    assert receipts.take_in() == 0
    record(context, make_act(ALERT, at=NOW))
    assert receipts.take_in() == 2
    now[0] += timedelta(seconds=31)
    assert receipts.take_in() == 0
    with database.read() as session:
        assert {row.sounding for row in session.scalars(select(AlertReceiptRow))} == {SOUNDING}
    assert receipts.refused == {"unknown_sounding": 4}


@pytest.mark.parametrize("error", [OverflowError("too large"), DataError("INSERT", {}, Exception("NUL"))])
def test_a_receipt_that_the_database_cannot_hold_does_not_hold_up_the_others(
    context: Context,
    database: Database,
    operator: Principal,
    pressed: Pressed,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    real = service.keep_receipts

    def choosy(session: Session, said: Sequence[HeardReceipt]) -> int:
        if any(one.receipt.station == "cum-loa-1" for one in said):
            raise error
        return real(session, said)

    monkeypatch.setattr(service, "keep_receipts", choosy)
    receipts = Receipts(context, Link("127.0.0.1", 1, "controller"), pending=pressed)
    for station in ("cum-loa-1", "cum-loa-2", "dai-bat-xat"):
        receipts._hear(heard(receipt(station)))
    assert receipts.take_in() == 2
    assert set(rows(database)) == {"cum-loa-2", "dai-bat-xat"}
    assert receipts.refused == {"unwritable": 1}
    assert receipts.take_in() == 0
