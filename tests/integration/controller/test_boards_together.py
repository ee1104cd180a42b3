"""Two controllers on one database and one broker put up the same boards, also where the database hangs."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select

from controller.boards.desk import Desk
from controller.emergency.dependencies import performed
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState
from tests.support.desks import SECOND, Place, Shut, perform
from wire.alerts import AlertBoard


@pytest.fixture
async def two(place: Place) -> tuple[list[Any], Shut]:
    shut = Shut()
    return [await place.start(record=shut) for _ in range(2)], shut


def ids(board: AlertBoard) -> set[str]:
    return {alert.id for alert in board.alerts}


async def settled(place: Place, ear: Any, wanted: set[str], *desks: Desk) -> None:
    """The newest board holds just these alerts, and no desk wants it otherwise."""
    await place.until(
        lambda: place.boards(ear) and ids(place.boards(ear)[-1]) == wanted, f"{wanted} stand", within_s=5
    )
    await place.until(
        lambda: not any(desk.settle() for desk in desks), "nobody wants it otherwise", within_s=5
    )
    assert ids(place.boards(ear)[-1]) == wanted


async def test_the_same_alert_pressed_on_both_is_one(place: Place, two: tuple[list[Any], Shut]) -> None:
    (one, other), shut = two
    ear, act = await place.listen(), place.act()
    shut.open.set()
    await asyncio.gather(perform(one.desk, act), perform(other.desk, act))
    await settled(place, ear, {act.alert_id}, one.desk, other.desk)
    assert {board.alerts for board in place.boards(ear)} == {(act.alert,)}
    with place.database.read() as session:
        assert len(session.scalars(select(AlertRevision)).all()) == 1
    await place.until(lambda: not one.desk.pending() and not other.desk.pending(), "both are done")


async def test_two_acts_that_claim_the_same_revision_end_as_one(
    place: Place, two: tuple[list[Any], Shut]
) -> None:
    """Pressed in the same second on both, and neither database nor link told in time."""
    (one, other), shut = two
    ear, act, rival = await place.listen(), place.act(), place.act(validity_s=1800)
    await asyncio.gather(perform(one.desk, act), perform(other.desk, rival))
    await settled(place, ear, {act.alert_id}, one.desk, other.desk)
    shut.open.set()
    await place.until(lambda: not one.desk.pending() and not other.desk.pending(), "both are done")
    await settled(place, ear, {act.alert_id}, one.desk, other.desk)
    known = [controller.desk.newest(act.alert_id).alert for controller in (one, other)]
    assert known == [act.alert, act.alert]


async def test_each_keeps_the_alert_of_the_other_while_nothing_is_recorded(
    place: Place, two: tuple[list[Any], Shut]
) -> None:
    (one, other), shut = two
    ear, first, second = await place.listen(), place.act(), place.act(SECOND)
    await asyncio.gather(perform(one.desk, first), perform(other.desk, second))
    await settled(place, ear, {first.alert_id, second.alert_id}, one.desk, other.desk)
    for controller in (other, one, other):
        await asyncio.to_thread(controller.desk.reconcile)
    await settled(place, ear, {first.alert_id, second.alert_id}, one.desk, other.desk)
    newest = max(place.boards(ear), key=lambda board: board.version)
    assert ids(newest) == {first.alert_id, second.alert_id}
    assert len(place.boards(ear)) <= 6
    shut.open.set()
    await place.until(lambda: not one.desk.pending() and not other.desk.pending(), "both are recorded")
    await settled(place, ear, {first.alert_id, second.alert_id}, one.desk, other.desk)


async def test_versions_grow_across_both(place: Place, two: tuple[list[Any], Shut]) -> None:
    both, _shut = two
    ear, wanted = await place.listen(), set()
    for number in range(6):
        act = place.act(f"kc-20261123-0000001{number}")
        wanted.add(act.alert_id)
        await perform(both[number % 2].desk, act)
        await settled(place, ear, wanted, *(one.desk for one in both))
    versions = [board.version for board in place.boards(ear)]
    assert all(earlier < later for earlier, later in pairwise(versions))


async def test_what_one_cancels_the_other_does_not_put_back(
    place: Place, two: tuple[list[Any], Shut]
) -> None:
    (one, other), shut = two
    ear, act = await place.listen(), place.act()
    shut.open.set()
    await perform(one.desk, act)
    await place.until(lambda: not one.desk.pending(), "the press is recorded")
    shut.open.clear()
    await perform(other.desk, place.act(revision=2, what=ActKind.CANCEL, silent=True))
    for controller in (one, other, one):
        await asyncio.to_thread(controller.desk.reconcile)
    await settled(place, ear, set(), one.desk, other.desk)
    counts = [len(board.alerts) for board in place.boards(ear)]
    assert counts == sorted(counts, reverse=True), "it was put back"
    shut.open.set()
    await place.until(lambda: not other.desk.pending(), "the cancel is recorded")
    await settled(place, ear, set(), one.desk, other.desk)


async def test_one_that_comes_later_keeps_what_is_not_recorded_yet(place: Place) -> None:
    ear, act = await place.listen(), place.act()
    first = await place.start(record=Shut())
    await perform(first.desk, act)
    await first.stop()
    later = await place.start()
    await perform(later.desk, place.act(SECOND))
    await asyncio.to_thread(later.desk.reconcile)
    await settled(place, ear, {act.alert_id, SECOND}, later.desk)
    assert all(act.alert_id in ids(board) for board in place.boards(ear))


async def test_a_cancel_that_met_an_update_still_cancels(place: Place, two: tuple[list[Any], Shut]) -> None:
    (one, other), shut = two
    ear, act = await place.listen(), place.act()
    shut.open.set()
    await perform(one.desk, act)
    await perform(one.desk, place.act(revision=2, what=ActKind.UPDATE))
    await place.until(lambda: len(place.boards(ear)) >= 2, "the update")
    await place.until(lambda: other.desk.newest(act.alert_id), "known to both")
    await perform(other.desk, place.act(revision=2, what=ActKind.CANCEL, silent=True))
    await settled(place, ear, set(), one.desk, other.desk)
    assert other.desk.newest(act.alert_id).revision == 3


async def test_a_cancel_that_lost_its_revision_in_the_database_still_cancels(place: Place) -> None:
    """Published and told so; before it is on record another act commits as the same revision."""
    shut = Shut()
    ear, one = await place.begin(record=shut)
    shut.open.set()
    act = place.act()
    await perform(one.desk, act)
    await place.until(lambda: not one.desk.pending(), "the press is recorded")
    shut.open.clear()
    cancel = place.act(revision=2, what=ActKind.CANCEL, silent=True)
    assert (await perform(one.desk, cancel)).published_at is not None
    update = place.act(revision=2, what=ActKind.UPDATE)
    await asyncio.to_thread(record, one.context, update)
    await place.until(lambda: one.desk.newest(act.alert_id).revision == 3, "cancelled again")
    shut.open.set()
    await place.until(lambda: not one.desk.pending(), "the cancel is recorded")
    await settled(place, ear, set(), one.desk)
    assert update.alert.sounding not in {alert.sounding for one in place.boards(ear) for alert in one.alerts}
    with place.database.read() as session:
        kept = session.scalars(select(AlertRevision).order_by(AlertRevision.revision)).all()
        assert [row.act for row in kept] == [ActKind.PRESS, ActKind.UPDATE, ActKind.CANCEL]
        assert session.get_one(AlertRow, act.alert_id).state is AlertState.CANCELLED
    again = await asyncio.to_thread(performed, one.desk, cancel)
    assert (again.revision, again.recorded) == (3, True)


async def test_a_cancel_holds_against_an_act_of_the_same_revision_that_was_made_before_it(
    place: Place, two: tuple[list[Any], Shut]
) -> None:
    """The other controller's announcement comes late."""
    (one, other), shut = two
    ear, act = await place.listen(), place.act()
    shut.open.set()
    await perform(one.desk, act)
    await place.until(lambda: not one.desk.pending(), "the press is recorded")
    await place.until(lambda: other.desk.newest(act.alert_id), "known to both")
    shut.open.clear()
    cancel = place.act(revision=2, what=ActKind.CANCEL, silent=True)
    update = place.act(revision=2, what=ActKind.UPDATE, at=cancel.at - timedelta(milliseconds=40))
    await asyncio.gather(perform(one.desk, cancel), perform(other.desk, update))
    await settled(place, ear, set(), one.desk, other.desk)
    shut.open.set()
    await place.until(lambda: not one.desk.pending() and not other.desk.pending(), "both are done")
    await settled(place, ear, set(), one.desk, other.desk)
    assert {controller.desk.newest(act.alert_id).what for controller in (one, other)} == {ActKind.CANCEL}
