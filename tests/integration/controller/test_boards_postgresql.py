"""The same boards on PostgreSQL, also while it is stopped, or hangs."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.boards.desk import Desk
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.dispatch.tables import RetainedDocument
from controller.emergency.acts import Act, Performed
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertReceiptRow, AlertRow, AlertState
from controller.mqtt.link import Link
from tests.support.postgres import Postgres
from wire import topics
from wire.alerts import AlertBoard, AlertReceipt
from wire.ids import AlertProgress, ClockTrust
from wire.signing import Keyring, SigningKey

BOARD = topics.alerts("bat-xat")


@pytest.fixture
def database_url(new_database_url: str) -> str:
    upgrade(new_database_url)
    return new_database_url


@pytest.fixture
async def desk(broker: Any, context: Context, operator: Principal, until: Any) -> AsyncIterator[Desk]:
    """A desk and its link alone: what else a controller does stops with its database."""
    link = Link(broker.host, broker.port, "desk")
    made = Desk(context, link, record)
    await asyncio.to_thread(made.load)
    running = [asyncio.create_task(part.run()) for part in (made, link)]
    await until(lambda: link.connection, "the desk is connected")
    yield made
    for task in running:
        task.cancel()
        await asyncio.wait([task])


async def perform(desk: Desk, act: Act) -> tuple[Performed, float]:
    began_s = time.monotonic()
    done = await asyncio.get_running_loop().run_in_executor(desk.pool, desk.perform, act)
    return done, time.monotonic() - began_s


def is_empty(board: AlertBoard | None) -> bool:
    return board is not None and board.alerts == ()


def newest(ear: Any, key: SigningKey) -> AlertBoard | None:
    heard = ear.on(BOARD)
    return Keyring.of(key.public_jwk()).open(heard[-1], AlertBoard) if heard else None


async def test_two_controllers_press_cancel_and_count_receipts(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
    signing_key: SigningKey,
) -> None:
    ear, act = await listen(broker), make_act()
    both = [await start_controller(broker) for _ in range(2)]
    for one in both:
        await until(lambda one=one: one.desk_link.connection, "the desk is connected")
    await asyncio.gather(*(perform(one.desk, act) for one in both))
    await until(lambda: not any(one.desk.pending() for one in both), "recorded once")
    receipt = AlertReceipt(
        station="cum-loa-1",
        alert=act.alert_id,
        revision=1,
        sounding=act.alert.sounding,
        progress=AlertProgress.RECEIVED,
        at=act.at,
        clock=ClockTrust.TRUSTED,
    )
    for _ in range(3):
        ear.say(topics.receipt("cum-loa-1"), receipt.encode())
    await perform(both[1].desk, make_act(revision=2, what=ActKind.CANCEL, silent=True))

    def rows() -> tuple[AlertState, int, bool]:
        with database.read() as session:
            alert = session.scalars(select(AlertRow)).one()
            receipts = session.scalars(select(AlertReceiptRow)).all()
            board = session.get(RetainedDocument, BOARD)
        is_up = board is not None and board.published_version == board.version > 2**40
        return alert.state, len(receipts), is_up

    await until(lambda: rows() == (AlertState.CANCELLED, 1, True), "all on record")
    await until(lambda: is_empty(newest(ear, signing_key)), "the empty board")


async def test_a_stopped_database_delays_the_record_but_not_the_alert(
    desk: Desk,
    postgres: Postgres,
    broker: Any,
    listen: Any,
    until: Any,
    database: Database,
    make_act: Any,
    signing_key: SigningKey,
) -> None:
    ear, act = await listen(broker), make_act()
    postgres.stop()
    try:
        done, took_s = await perform(desk, act)
        assert done.published_at is not None
        assert not done.recorded
        assert took_s < 0.8
        board = await until(lambda: newest(ear, signing_key), "the board", within_s=1)
        assert board.alerts == (act.alert,)
    finally:
        postgres.start()
    await until(lambda: not desk.pending(), "recorded when the database is back", within_s=15)
    with database.read() as session:
        assert session.get(AlertRow, act.alert_id) is not None


async def test_a_database_that_hangs_delays_the_record_but_not_the_alert(
    desk: Desk,
    postgres: Postgres,
    broker: Any,
    listen: Any,
    until: Any,
    make_act: Any,
    signing_key: SigningKey,
) -> None:
    ear, press = await listen(broker), make_act()
    cancel = make_act(revision=2, what=ActKind.CANCEL, silent=True)
    with postgres.frozen():
        for act in (press, cancel):
            done, took_s = await perform(desk, act)
            assert done.published_at is not None
            assert not done.recorded
            assert took_s < 0.8
        await until(lambda: is_empty(newest(ear, signing_key)), "the empty board", within_s=3)
        assert [act.revision for act in desk.pending()] == [1, 2]
    await until(lambda: not desk.pending(), "recorded when the database answers again", within_s=15)
