"""Two controllers on one database and one broker put up the same boards, also where the database hangs."""

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.boards.desk import Desk
from controller.context import Context
from controller.db.session import Database
from controller.emergency.acts import Act
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRevision
from wire import topics
from wire.alerts import AlertBoard
from wire.signing import Keyring, SigningKey

COMMUNE = "bat-xat"
BOARD = topics.alerts(COMMUNE)
SECOND = "kc-20261123-0000000b"


class Shut:
    """A database that takes nothing before it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, context: Context, act: Act) -> bool:
        if not self.open.is_set():
            raise ConnectionError("the database is gone")
        return record(context, act)


@pytest.fixture
def read(signing_key: SigningKey) -> Callable[[Any], list[AlertBoard]]:
    """Every board of Bát Xát, in the order of their coming; the same bytes once."""
    keys = Keyring.of(signing_key.public_jwk())
    return lambda ear: [keys.open(token, AlertBoard) for token in dict.fromkeys(ear.on(BOARD))]


@pytest.fixture
async def two(broker: Any, start_controller: Any, until: Any, operator: Principal) -> tuple[list[Any], Shut]:
    shut = Shut()
    both = [await start_controller(broker, record=shut) for _ in range(2)]
    for one in both:
        await until(lambda one=one: one.desk_link.connection, "the desk is connected")
    return both, shut


def ids(board: AlertBoard) -> set[str]:
    return {alert.id for alert in board.alerts}


async def perform(desk: Desk, act: Act) -> None:
    await asyncio.get_running_loop().run_in_executor(desk.pool, desk.perform, act)


async def settled(until: Any, read: Any, ear: Any, wanted: set[str], desks: list[Desk]) -> None:
    """The newest board holds just these alerts, and no desk wants it otherwise."""
    await until(lambda: read(ear) and ids(read(ear)[-1]) == wanted, f"{wanted} stand", within_s=5)
    await until(lambda: not any(desk.settle() for desk in desks), "nobody wants it otherwise", within_s=5)
    assert ids(read(ear)[-1]) == wanted


async def test_the_same_alert_pressed_on_both_is_one(
    two: tuple[list[Any], Shut],
    broker: Any,
    listen: Any,
    until: Any,
    read: Any,
    make_act: Any,
    database: Database,
) -> None:
    (one, other), shut = two
    ear, act = await listen(broker), make_act()
    shut.open.set()
    await asyncio.gather(perform(one.desk, act), perform(other.desk, act))
    await settled(until, read, ear, {act.alert_id}, [one.desk, other.desk])
    assert {board.alerts for board in read(ear)} == {(act.alert,)}
    with database.read() as session:
        assert len(session.scalars(select(AlertRevision)).all()) == 1
    await until(lambda: not one.desk.pending() and not other.desk.pending(), "both are done")


async def test_two_acts_that_claim_the_same_revision_end_as_one(
    two: tuple[list[Any], Shut], broker: Any, listen: Any, until: Any, read: Any, make_act: Any
) -> None:
    """Pressed in the same second on both, and neither database nor link told in time."""
    (one, other), shut = two
    ear, act, rival = await listen(broker), make_act(), make_act(validity_s=1800)
    await asyncio.gather(perform(one.desk, act), perform(other.desk, rival))
    await settled(until, read, ear, {act.alert_id}, [one.desk, other.desk])
    shut.open.set()
    await until(lambda: not one.desk.pending() and not other.desk.pending(), "both are done")
    await settled(until, read, ear, {act.alert_id}, [one.desk, other.desk])
    assert one.desk.newest(act.alert_id).alert == other.desk.newest(act.alert_id).alert


async def test_each_keeps_the_alert_of_the_other_while_nothing_is_recorded(
    two: tuple[list[Any], Shut], broker: Any, listen: Any, until: Any, read: Any, make_act: Any
) -> None:
    (one, other), shut = two
    ear, first, second = await listen(broker), make_act(), make_act(SECOND)
    await asyncio.gather(perform(one.desk, first), perform(other.desk, second))
    await settled(until, read, ear, {first.alert_id, second.alert_id}, [one.desk, other.desk])
    for controller in (other, one, other):
        await asyncio.to_thread(controller.desk.reconcile)
    await settled(until, read, ear, {first.alert_id, second.alert_id}, [one.desk, other.desk])
    newest = max(read(ear), key=lambda board: board.version)
    assert ids(newest) == {first.alert_id, second.alert_id}
    assert len(read(ear)) <= 6
    shut.open.set()
    await until(lambda: not one.desk.pending() and not other.desk.pending(), "both are recorded")
    await settled(until, read, ear, {first.alert_id, second.alert_id}, [one.desk, other.desk])


async def test_versions_grow_across_both(
    two: tuple[list[Any], Shut], broker: Any, listen: Any, until: Any, read: Any, make_act: Any
) -> None:
    both, _shut = two
    ear, wanted = await listen(broker), set()
    for number in range(6):
        act = make_act(f"kc-20261123-0000001{number}")
        wanted.add(act.alert_id)
        await perform(both[number % 2].desk, act)
        await settled(until, read, ear, wanted, [one.desk for one in both])
    versions = [board.version for board in read(ear)]
    assert all(earlier < later for earlier, later in pairwise(versions))


async def test_what_one_cancels_the_other_does_not_put_back(
    two: tuple[list[Any], Shut], broker: Any, listen: Any, until: Any, read: Any, make_act: Any
) -> None:
    (one, other), shut = two
    ear, act = await listen(broker), make_act()
    shut.open.set()
    await perform(one.desk, act)
    await until(lambda: not one.desk.pending(), "the press is recorded")
    shut.open.clear()
    await perform(other.desk, make_act(revision=2, what=ActKind.CANCEL, silent=True))
    for controller in (one, other, one):
        await asyncio.to_thread(controller.desk.reconcile)
    await settled(until, read, ear, set(), [one.desk, other.desk])
    counts = [len(board.alerts) for board in read(ear)]
    assert counts == sorted(counts, reverse=True), "it was put back"
    shut.open.set()
    await until(lambda: not other.desk.pending(), "the cancel is recorded")
    await settled(until, read, ear, set(), [one.desk, other.desk])


async def test_one_that_comes_later_keeps_what_is_not_recorded_yet(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    read: Any,
    operator: Principal,
    make_act: Any,
) -> None:
    ear, act = await listen(broker), make_act()
    first = await start_controller(broker, record=Shut())
    await until(lambda: first.desk_link.connection, "the first desk is connected")
    await perform(first.desk, act)
    await first.stop()
    later = await start_controller(broker)
    await until(lambda: later.desk_link.connection, "the later desk is connected")
    await perform(later.desk, make_act(SECOND))
    await asyncio.to_thread(later.desk.reconcile)
    await settled(until, read, ear, {act.alert_id, SECOND}, [later.desk])
    assert all(act.alert_id in ids(board) for board in read(ear))


async def test_a_cancel_that_met_an_update_still_cancels(
    two: tuple[list[Any], Shut], broker: Any, listen: Any, until: Any, read: Any, make_act: Any
) -> None:
    (one, other), shut = two
    ear, act = await listen(broker), make_act()
    shut.open.set()
    await perform(one.desk, act)
    await perform(one.desk, make_act(revision=2, what=ActKind.UPDATE))
    await until(lambda: len(read(ear)) == 2, "the update")
    await until(lambda: other.desk.newest(act.alert_id), "known to both")
    await perform(other.desk, make_act(revision=2, what=ActKind.CANCEL, silent=True))
    await settled(until, read, ear, set(), [one.desk, other.desk])
    assert other.desk.newest(act.alert_id).revision == 3
