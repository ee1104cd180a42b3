"""From a press to the boards in a real broker, whatever the database and the broker do meanwhile."""

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from controller.context import Context
from controller.db.session import Database
from controller.dispatch.tables import RetainedDocument
from controller.emergency.acts import Act
from controller.emergency.dependencies import performed
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState
from tests.support.desks import BOARD, COMMUNE, SECOND, Place, Shut, perform, writing
from wire import topics
from wire.alerts import AlertBoard
from wire.ids import ClockTrust
from wire.messages import CacheState, Heartbeat, HeldLayer
from wire.signing import Keyring, SigningKey


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


async def test_a_press_is_published_and_recorded_and_its_row_is_kept(any_place: Place) -> None:
    ear, controller = await any_place.begin()
    act = any_place.act()
    done = await perform(controller.desk, act)
    assert done.published_at is not None
    await any_place.until(lambda: not controller.desk.pending(), "the record")
    (board,) = await any_place.until(lambda: any_place.boards(ear), "the board")
    assert board.alerts == (act.alert,)
    await any_place.until(lambda: row_is(any_place.database, board.version, published=True), "the row")
    assert recorded(any_place.database) is not None
    cancel = await perform(controller.desk, any_place.act(revision=2, what=ActKind.CANCEL, silent=True))
    assert cancel.published_at is not None
    await any_place.until(lambda: any_place.boards(ear)[-1].alerts == (), "the empty board")
    assert any_place.boards(ear)[-1].version > board.version
    assert controller.desk.in_force(datetime.now(UTC)) == {}


async def test_two_presses_make_one_alert(place: Place) -> None:
    ear, controller = await place.begin()
    act = place.act()
    later = place.act(at=act.at + timedelta(seconds=1))
    both = await asyncio.gather(perform(controller.desk, act), perform(controller.desk, later))
    assert all(one.published_at for one in both)
    await place.until(lambda: place.boards(ear), "the board")
    await perform(controller.desk, place.act(SECOND))
    await place.until(lambda: len(place.boards(ear)) >= 2, "the second alert's board")
    assert len({alert.sounding for board in place.boards(ear) for alert in board.alerts}) == 2


async def test_a_held_write_lock_delays_the_record_but_not_the_alert(place: Place) -> None:
    ear, controller = await place.begin()
    press, cancel = place.act(), place.act(revision=2, what=ActKind.CANCEL, silent=True)
    with writing(place.database):
        began_s = time.monotonic()
        done = await perform(controller.desk, press)
        assert time.monotonic() - began_s < 0.8
        assert done.published_at is not None
        assert not done.recorded
        await place.until(lambda: place.shows(ear) == {press.alert.sounding}, "the alert", within_s=1)
        for _ in range(3):
            await asyncio.to_thread(controller.desk.settle)
        assert place.shows(ear) == {press.alert.sounding}
        await perform(controller.desk, cancel)
        await place.until(lambda: place.shows(ear) == set(), "silence", within_s=1)
        assert [act.revision for act in controller.desk.pending()] == [1, 2]
    await place.until(lambda: not controller.desk.pending(), "both recorded", within_s=15)
    with place.database.read() as session:
        alert = session.get(AlertRow, press.alert_id)
        assert alert is not None
        assert (alert.state, alert.revision) == (AlertState.CANCELLED, 2)


async def test_the_job_takes_no_alert_off_a_board_because_its_record_is_not_in(place: Place) -> None:
    stubborn = Shut()
    ear, controller = await place.begin(record=stubborn)
    act = place.act()
    assert not (await perform(controller.desk, act)).recorded
    row = await place.until(
        lambda: controller.desk.reconcile() or row_of_board(place.database), "a run of the job"
    )
    assert row
    for _ in range(3):
        await asyncio.to_thread(controller.desk.reconcile)
    assert all(board.alerts == (act.alert,) for board in place.boards(ear))
    stubborn.open.set()
    await place.until(lambda: not controller.desk.pending(), "recorded when the database is back")
    assert stubborn.tries > 1


async def test_a_restart_finishes_what_was_begun(place: Place) -> None:
    """Killed between publishing and recording: the spool knows, and nobody takes the alert off meanwhile."""
    ear, first = await place.listen(), await place.start(record=Shut(), data="one")
    act = place.act()
    await perform(first.desk, act)
    await first.stop()
    assert recorded(place.database) is None
    second = await place.start(data="one")
    await place.until(lambda: recorded(place.database), "recorded from the spool")
    await place.until(
        lambda: not list((second.context.settings.data_dir / "emergency/spool").iterdir()), "no spool"
    )
    await place.until(lambda: row_of_board(place.database), "the row of the board")
    assert [board.alerts for board in place.boards(ear)] == [(act.alert,)]


async def test_a_press_that_is_under_way_when_the_controller_leaves_is_published_and_kept(
    place: Place,
) -> None:
    leaving, begun = threading.Event(), threading.Event()

    def slow(context: Context, act: Act) -> bool:
        begun.set()
        leaving.wait(10)
        raise ConnectionError("the database went first")

    ear, act = await place.listen(), place.act()
    first = await place.start(record=slow, data="one")
    press = asyncio.ensure_future(perform(first.desk, act))
    await place.until(begun.is_set, "the press is under way")
    await first.stop()
    leaving.set()
    assert (await press).published_at is not None
    assert place.shows(ear) == {act.alert.sounding}
    assert recorded(place.database) is None
    await place.start(data="one")
    await place.until(lambda: recorded(place.database), "recorded from the spool")


async def test_what_was_recorded_and_not_published_is_published_at_the_start(
    place: Place, context: Context
) -> None:
    act = place.act()
    record(context, act)
    ear = await place.listen()
    await place.start()
    await place.until(lambda: place.shows(ear) == {act.alert.sounding}, "the alert", within_s=5)


async def test_without_a_broker_the_board_waits_for_it(place: Place) -> None:
    controller = await place.start()
    place.broker.stop()
    await place.until(lambda: controller.desk_link.connection is None, "the broker is gone")
    done = await perform(controller.desk, place.act(), 0.2)
    assert done.published_at is None
    await place.until(lambda: not controller.desk.pending(), "recorded, broker or not")
    place.broker.start()
    ear = await place.listen()
    await place.until(lambda: place.shows(ear), "published when the broker is back", within_s=15)
    again = await perform(controller.desk, place.act())
    assert again.published_at is not None
    assert again.recorded
    assert len({board.alerts for board in place.boards(ear)}) == 1


async def test_a_broker_that_forgot_its_boards_gets_them_again(place: Place) -> None:
    before, controller = await place.listen(), await place.start()
    act = place.act(area_ids=(COMMUNE, "lao-cai"))
    await perform(controller.desk, act)
    await place.until(lambda: place.shows(before, "lao-cai"), "both boards")
    place.broker.stop()
    place.broker.start()
    after = await place.listen()
    for area_id in act.area_ids:
        await place.until(
            lambda area=area_id: place.shows(after, area) == {act.alert.sounding}, area_id, within_s=15
        )
    first, second = place.boards(before)[-1].version, place.boards(after)[-1].version
    assert second >= first


async def test_a_full_disk_does_not_stop_a_press(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ear, controller = await place.begin(data="full")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "emergency").write_text("no folder can be made here")
    act = place.act()
    assert (await perform(controller.desk, act)).published_at is not None
    await place.until(lambda: place.shows(ear) == {act.alert.sounding}, "the alert", within_s=1)
    await place.until(lambda: recorded(place.database), "recorded all the same")
    assert "not spooled" in caplog.text


async def test_versions_grow_though_the_clock_was_set_back(place: Place) -> None:
    ear, controller = await place.begin()
    ahead = place.act(at=datetime.now(UTC))
    await perform(controller.desk, ahead)
    (board,) = await place.until(lambda: place.boards(ear), "the first board")
    token = controller.context.signing_key.sign(board.model_copy(update={"version": board.version + 10**9}))
    ear.say(BOARD, token, retain=True)
    second = place.act(SECOND)
    await perform(controller.desk, second)

    def beyond() -> AlertBoard | None:
        last = place.boards(ear)[-1]
        return last if last.version > board.version + 10**9 and len(last.alerts) == 2 else None

    last = await place.until(beyond, "both alerts, above what the other clock wrote")
    assert set(last.alerts) == {ahead.alert, second.alert}


async def test_what_somebody_else_wrote_onto_a_board_is_set_right(place: Place) -> None:
    ear, controller = await place.begin()
    await perform(controller.desk, place.act())
    (board,) = await place.until(lambda: place.boards(ear), "the board")
    genuine = Keyring.of(place.key.public_jwk())

    def ours_again(forged: bytes) -> AlertBoard | None:
        told = ear.on(BOARD)
        return genuine.open(told[-1], AlertBoard) if forged in told and told[-1] != forged else None

    for forged in (b"silence", SigningKey.generate().sign(board)):
        ear.say(BOARD, forged, retain=True)
        again = await place.until(lambda forged=forged: ours_again(forged), "ours again", within_s=5)
        assert again.alerts == board.alerts


@pytest.mark.parametrize("area_id", ["Bad Area!", "noi-khong-co"])
async def test_what_is_written_onto_a_board_that_there_is_not_is_left_alone(
    place: Place, area_id: str
) -> None:
    """Not signed by us, stored, or answered; and the controller stays for the next alert."""
    ear, controller = await place.begin()
    topic = f"loaban/1/area/{area_id}/alerts"
    ear.say(topic, b"junk", retain=True)
    await place.until(lambda: ear.on(topic), "the broker has it")
    act = place.act()
    await perform(controller.desk, act)
    await place.until(lambda: place.shows(ear) == {act.alert.sounding}, "the alert")
    ear.say(BOARD, b"junk", retain=True)
    await place.until(lambda: len(ear.on(BOARD)) > 2, "ours again", within_s=5)
    await asyncio.to_thread(controller.desk.reconcile)
    assert ear.on(topic) == [b"junk"]
    with place.database.read() as session:
        assert topic not in set(session.scalars(select(RetainedDocument.topic)))
    assert not controller.task.done()


async def test_a_board_that_cannot_be_set_right_ends_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ear, controller = await place.begin()
    failed = threading.Event()

    def broken() -> int:
        failed.set()
        raise ValueError("whatever it may be")

    monkeypatch.setattr(controller.desk, "settle", broken)
    await place.until(failed.is_set, "it has failed")
    act = place.act()
    assert (await perform(controller.desk, act)).published_at is not None
    await place.until(lambda: place.shows(ear) == {act.alert.sounding}, "the alert")
    await place.until(lambda: "whatever it may be" in caplog.text, "it is logged")
    assert not controller.task.done()


async def test_what_was_recorded_a_moment_before_is_put_up_at_once(place: Place) -> None:
    """As a CAP message does it: the record and the message are one transaction."""
    ear, controller = await place.begin()
    act = place.act()
    await asyncio.to_thread(record, controller.context, act)
    await place.until(lambda: controller.desk.newest(act.alert_id) or controller.desk._look(), "seen")
    done = await perform(controller.desk, act)
    assert done.published_at is not None
    assert done.published_at >= act.at
    await place.until(lambda: place.shows(ear) == {act.alert.sounding}, "the alert", within_s=0.3)


async def test_an_all_clear_can_be_taken_off_again(place: Place) -> None:
    ear, controller = await place.begin()
    desk = controller.desk
    press, clear = place.act(area_ids=(COMMUNE, "lao-cai")), place.act(revision=2, what=ActKind.CANCEL)
    await perform(desk, press)
    await perform(desk, clear)
    await place.until(lambda: place.shows(ear) == {clear.alert.sounding}, "the all-clear")
    off = place.act(revision=3, what=ActKind.CANCEL, silent=True)
    answer = await asyncio.to_thread(performed, desk, off)
    assert (answer.revision, answer.sounding) == (3, None)
    await place.until(lambda: place.shows(ear) == set(), "silence", within_s=1)
    await place.until(lambda: not desk.pending(), "the record")
    await asyncio.to_thread(desk.reconcile)
    assert place.shows(ear) == set()
    with place.database.read() as session:
        row = session.get_one(AlertRow, press.alert_id)
        assert (row.state, row.revision, row.ended_at) == (AlertState.CANCELLED, 3, clear.at)


async def test_a_controller_that_lost_everything_learns_from_stations_how_far_its_boards_had_come(
    place: Place,
) -> None:
    """New database, empty broker; the old clock was a year ahead. What no clock can have made is forged."""
    ear, controller = await place.begin()
    now = datetime.now(UTC)
    ahead = int((now + timedelta(days=365)).timestamp() * 1000)
    said = {COMMUNE: ahead, "lao-cai": 2**50, "noi-khong-co": ahead}
    heartbeat = Heartbeat(
        station="cum-loa-1",
        boot_id="b1",
        at=now,
        uptime_s=9,
        clock=ClockTrust.TRUSTED,
        cache=CacheState(held=0, wanted=0),
        boards=tuple(HeldLayer(area=area_id, version=version) for area_id, version in said.items()),
    )
    act = place.act(area_ids=tuple(said))
    await perform(controller.desk, act)
    await place.until(lambda: all(place.boards(ear, area_id) for area_id in said), "the alert")
    ear.say(topics.heartbeat("cum-loa-1"), heartbeat.encode())
    await place.until(lambda: place.boards(ear)[-1].version == ahead + 1, "issued anew", within_s=5)
    assert place.shows(ear) == {act.alert.sounding}
    for area_id in ("lao-cai", "noi-khong-co"):
        assert len(place.boards(ear, area_id)) == 1
