"""From a press to the boards in a real broker, whatever the database and the broker do meanwhile."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.boards.desk import Desk
from controller.context import Context
from controller.db.session import Database
from controller.dispatch.tables import RetainedDocument
from controller.emergency.acts import Act, Performed
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState
from wire import topics
from wire.alerts import AlertBoard
from wire.signing import Keyring, SigningKey

COMMUNE = "bat-xat"
BOARD = topics.alerts(COMMUNE)
SECOND = "kc-20261123-0000000b"


@pytest.fixture
def boards(signing_key: SigningKey) -> Callable[..., list[AlertBoard]]:
    keys = Keyring.of(signing_key.public_jwk())

    def of(ear: Any, area_id: str = COMMUNE) -> list[AlertBoard]:
        """Each once: a broker that is new to a controller may be given the same bytes again."""
        tokens = dict.fromkeys(ear.on(topics.alerts(area_id)))
        return [keys.open(token, AlertBoard) for token in tokens]

    return of


@pytest.fixture
def shows(boards: Callable[..., list[AlertBoard]]) -> Callable[..., set[str]]:
    """What the newest board says."""

    def of(ear: Any, area_id: str = COMMUNE) -> set[str]:
        heard = boards(ear, area_id)
        return {alert.sounding for alert in heard[-1].alerts} if heard else set()

    return of


@contextmanager
def writing(database: Database) -> Iterator[None]:
    """Somebody's long transaction: on SQLite nobody else can write."""
    connection = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


class Stubborn:
    """The real record, once it is allowed."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.tries = 0

    def __call__(self, context: Context, act: Act) -> bool:
        self.tries += 1
        if not self.open.is_set():
            raise ConnectionError("the database is gone")
        return record(context, act)


async def perform(desk: Desk, act: Act, wait_s: float = 2.0) -> Performed:
    return await asyncio.get_running_loop().run_in_executor(desk.pool, desk.perform, act, wait_s)


def recorded(database: Database, revision: int = 1) -> AlertRevision | None:
    with database.read() as session:
        found = select(AlertRevision).where(AlertRevision.revision == revision)
        return session.scalars(found).first()


def row_of_board(database: Database) -> RetainedDocument | None:
    with database.read() as session:
        return session.get(RetainedDocument, BOARD)


def row_is(database: Database, version: int, *, published: bool) -> bool:
    row = row_of_board(database)
    return row is not None and (row.version, row.published_version == version) == (version, published)


async def connected(controller: Any, until: Any) -> None:
    await until(lambda: controller.desk_link.connection, "the desk is connected")


async def test_a_press_is_published_and_recorded_and_its_row_is_kept(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    ear, controller = await listen(any_broker), await start_controller(any_broker)
    await connected(controller, until)
    act = make_act()
    done = await perform(controller.desk, act)
    assert done.published_at is not None
    await until(lambda: not controller.desk.pending(), "the record")
    (board,) = await until(lambda: boards(ear), "the board")
    assert board.alerts == (act.alert,)
    await until(lambda: row_is(database, board.version, published=True), "the row")
    assert recorded(database) is not None
    cancel = await perform(controller.desk, make_act(revision=2, what=ActKind.CANCEL, silent=True))
    assert cancel.published_at is not None
    await until(lambda: len(boards(ear)) == 2, "the empty board")
    assert boards(ear)[-1].alerts == ()
    assert boards(ear)[-1].version > board.version
    assert controller.desk.in_force(datetime.now(UTC)) == {}


async def test_two_presses_make_one_alert(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    operator: Principal,
    make_act: Any,
) -> None:
    ear, controller = await listen(broker), await start_controller(broker)
    await connected(controller, until)
    act = make_act()
    later = make_act(at=act.at + timedelta(seconds=1))
    both = await asyncio.gather(perform(controller.desk, act), perform(controller.desk, later))
    assert all(one.published_at for one in both)
    await until(lambda: boards(ear), "the board")
    await perform(controller.desk, make_act(SECOND))
    await until(lambda: len(boards(ear)) == 2, "the second alert's board")
    assert len({alert.sounding for board in boards(ear) for alert in board.alerts}) == 2


async def test_a_held_write_lock_delays_the_record_but_not_the_alert(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    shows: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    ear, controller = await listen(broker), await start_controller(broker)
    await connected(controller, until)
    press, cancel = make_act(), make_act(revision=2, what=ActKind.CANCEL, silent=True)
    with writing(database):
        began_s = time.monotonic()
        done = await perform(controller.desk, press)
        assert time.monotonic() - began_s < 0.8
        assert done.published_at is not None
        assert not done.recorded
        await until(lambda: shows(ear) == {press.alert.sounding}, "the alert", within_s=1)
        for _ in range(3):
            await asyncio.to_thread(controller.desk.settle)
        assert shows(ear) == {press.alert.sounding}
        await perform(controller.desk, cancel)
        await until(lambda: shows(ear) == set(), "silence", within_s=1)
        assert [act.revision for act in controller.desk.pending()] == [1, 2]
    await until(lambda: not controller.desk.pending(), "both recorded", within_s=15)
    with database.read() as session:
        alert = session.get(AlertRow, press.alert_id)
        assert alert is not None
        assert (alert.state, alert.revision) == (AlertState.CANCELLED, 2)


async def test_the_job_takes_no_alert_off_a_board_because_its_record_is_not_in(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    stubborn = Stubborn()
    ear, controller = await listen(broker), await start_controller(broker, record=stubborn)
    await connected(controller, until)
    act = make_act()
    assert not (await perform(controller.desk, act)).recorded
    row = await until(lambda: controller.desk.reconcile() or row_of_board(database), "a run of the job")
    assert row
    for _ in range(3):
        await asyncio.to_thread(controller.desk.reconcile)
    assert all(board.alerts == (act.alert,) for board in boards(ear))
    stubborn.open.set()
    await until(lambda: not controller.desk.pending(), "recorded when the database is back")
    assert stubborn.tries > 1


async def test_a_restart_finishes_what_was_begun(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    """Killed between publishing and recording: the spool knows, and nobody takes the alert off meanwhile."""
    ear, first = await listen(broker), await start_controller(broker, record=Stubborn(), data="one")
    await connected(first, until)
    act = make_act()
    await perform(first.desk, act)
    await first.stop()
    assert recorded(database) is None
    second = await start_controller(broker, data="one")
    await until(lambda: recorded(database), "recorded from the spool")
    await until(
        lambda: not list((second.context.settings.data_dir / "emergency/spool").iterdir()), "no spool"
    )
    await until(lambda: row_of_board(database), "the row of the board")
    assert [board.alerts for board in boards(ear)] == [(act.alert,)]


async def test_a_press_that_is_under_way_when_the_controller_leaves_is_published_and_kept(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    shows: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    leaving, begun = threading.Event(), threading.Event()

    def slow(context: Context, act: Act) -> bool:
        begun.set()
        leaving.wait(10)
        raise ConnectionError("the database went first")

    ear, act = await listen(broker), make_act()
    first = await start_controller(broker, record=slow, data="one")
    await connected(first, until)
    press = asyncio.ensure_future(perform(first.desk, act))
    await until(begun.is_set, "the press is under way")
    await first.stop()
    leaving.set()
    assert (await press).published_at is not None
    assert shows(ear) == {act.alert.sounding}
    assert recorded(database) is None
    await start_controller(broker, data="one")
    await until(lambda: recorded(database), "recorded from the spool")


async def test_what_was_recorded_and_not_published_is_published_at_the_start(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    shows: Any,
    context: Context,
    operator: Principal,
    make_act: Any,
) -> None:
    act = make_act()
    record(context, act)
    ear = await listen(broker)
    await start_controller(broker)
    await until(lambda: shows(ear) == {act.alert.sounding}, "the alert", within_s=5)


async def test_without_a_broker_the_board_waits_for_it(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    shows: Any,
    boards: Any,
    operator: Principal,
    make_act: Any,
) -> None:
    controller = await start_controller(broker)
    await connected(controller, until)
    broker.stop()
    await until(lambda: controller.desk_link.connection is None, "the broker is gone")
    done = await perform(controller.desk, make_act(), 0.2)
    assert (done.published_at, done.recorded) == (None, True)
    broker.start()
    ear = await listen(broker)
    await until(lambda: shows(ear), "published when the broker is back", within_s=15)
    again = await perform(controller.desk, make_act())
    assert again.published_at is not None
    assert again.recorded
    assert len({board.alerts for board in boards(ear)}) == 1


async def test_a_broker_that_forgot_its_boards_gets_them_again(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    shows: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
) -> None:
    before, controller = await listen(broker), await start_controller(broker)
    await connected(controller, until)
    act = make_act(area_ids=(COMMUNE, "lao-cai"))
    await perform(controller.desk, act)
    await until(lambda: shows(before, "lao-cai"), "both boards")
    broker.stop()
    broker.start()
    after = await listen(broker)
    for area_id in act.area_ids:
        await until(lambda area=area_id: shows(after, area) == {act.alert.sounding}, area_id, within_s=15)
    first, second = boards(before)[-1].version, boards(after)[-1].version
    assert second >= first


async def test_a_full_disk_does_not_stop_a_press(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    shows: Any,
    database: Database,
    operator: Principal,
    make_act: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ear, controller = await listen(broker), await start_controller(broker, data="full")
    await connected(controller, until)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "emergency").write_text("no folder can be made here")
    act = make_act()
    assert (await perform(controller.desk, act)).published_at is not None
    await until(lambda: shows(ear) == {act.alert.sounding}, "the alert", within_s=1)
    await until(lambda: recorded(database), "recorded all the same")
    assert "not spooled" in caplog.text


async def test_versions_grow_though_the_clock_was_set_back(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    boards: Any,
    operator: Principal,
    make_act: Any,
) -> None:
    ear, controller = await listen(broker), await start_controller(broker)
    await connected(controller, until)
    ahead = make_act(at=datetime.now(UTC))
    await perform(controller.desk, ahead)
    (board,) = await until(lambda: boards(ear), "the first board")
    token = controller.context.signing_key.sign(board.model_copy(update={"version": board.version + 10**9}))
    ear.say(BOARD, token, retain=True)
    await until(lambda: len(boards(ear)) == 2, "a board from a clock that runs ahead")
    await perform(controller.desk, make_act(SECOND))
    await until(lambda: len(boards(ear)) == 3, "the second alert")
    assert boards(ear)[-1].version == board.version + 10**9 + 1


async def test_what_somebody_else_wrote_onto_a_board_is_set_right(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    operator: Principal,
    make_act: Any,
    signing_key: SigningKey,
) -> None:
    ear, controller = await listen(broker), await start_controller(broker)
    await connected(controller, until)
    await perform(controller.desk, make_act())
    token = (await until(lambda: ear.on(BOARD), "the board"))[-1]
    for forged in (
        b"silence",
        SigningKey.generate().sign(Keyring.of(signing_key.public_jwk()).open(token, AlertBoard)),
    ):
        already = len(ear.on(BOARD))
        ear.say(BOARD, forged, retain=True)
        await until(lambda: len(ear.on(BOARD)) > already + 1, "ours again", within_s=5)  # noqa: B023
        board = Keyring.of(signing_key.public_jwk()).open(ear.on(BOARD)[-1], AlertBoard)
        assert len(board.alerts) == 1
