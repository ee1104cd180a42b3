"""The desk and its job without a broker: what is known, what is over, and which rows follow."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from controller.boards import service
from controller.boards.desk import Desk
from controller.boards.job import Emergency
from controller.context import Context
from controller.dispatch.tables import RetainedDocument
from controller.emergency.acts import Act
from controller.emergency.recording import record
from controller.emergency.tables import ActKind, AlertRow, AlertState
from wire import topics
from wire.alerts import AlertBoard
from wire.signing import Keyring

MakeAct = Callable[..., Act]
XA = "bat-xat-02683"


@pytest.fixture
def desk(context: Context, area_tree: tuple[str, ...]) -> Iterator[Desk]:
    made = Desk(context, None, record)
    made.load()
    yield made
    made.close()


@pytest.fixture
def job(context: Context, desk: Desk) -> Emergency:
    return Emergency(context, desk)


def board(context: Context, area_id: str = XA) -> AlertBoard | None:
    with context.database.read() as session:
        row = session.get(RetainedDocument, topics.alerts(area_id))
    keys = Keyring.of(context.signing_key.public_jwk())
    return keys.open(row.token.encode(), AlertBoard) if row else None


def alert_row(context: Context) -> AlertRow:
    with context.database.read() as session:
        return session.scalars(select(AlertRow)).one()


def test_without_a_link_an_act_is_recorded_and_its_board_is_left_to_the_publisher(
    context: Context, desk: Desk, job: Emergency, act: MakeAct, wakes: list[str]
) -> None:
    done = desk.perform(act())
    assert (done.published_at, done.recorded) == (None, True)
    assert "emergency" in wakes
    job.run()
    found = board(context)
    assert found is not None
    assert found.alerts == (act().alert,)
    assert "dispatch" in wakes
    job.run()
    assert board(context) == found


@pytest.mark.parametrize("late_s", [0, 1, 86_400])
def test_an_alert_that_is_over_expires_and_leaves_its_board(
    context: Context, desk: Desk, job: Emergency, act: MakeAct, clock: list[datetime], late_s: float
) -> None:
    desk.perform(act(validity_s=60))
    job.run()
    clock[0] += timedelta(seconds=59.999)
    job.run()
    assert alert_row(context).state is AlertState.ACTIVE
    first = board(context)
    clock[0] += timedelta(seconds=0.001 + late_s)
    job.run()
    row, second = alert_row(context), board(context)
    assert (row.state, row.ended_at) == (AlertState.EXPIRED, row.expires_at)
    assert first is not None
    assert second is not None
    assert (len(first.alerts), len(second.alerts)) == (1, 0)
    assert second.version > first.version
    assert desk.in_force(clock[0]) == {}


def test_a_clock_that_is_set_back_makes_no_version_smaller(
    context: Context, desk: Desk, job: Emergency, act: MakeAct, clock: list[datetime]
) -> None:
    desk.perform(act(1))
    job.run()
    first = board(context)
    clock[0] -= timedelta(days=400)
    desk.perform(act(2))
    job.run()
    second = board(context)
    assert first is not None
    assert second is not None
    assert second.version == first.version + 1


def test_a_new_desk_knows_what_is_recorded_and_grows_from_the_versions_there(
    context: Context, desk: Desk, job: Emergency, act: MakeAct, clock: list[datetime]
) -> None:
    desk.perform(act(1))
    desk.perform(act(2, validity_s=60))
    desk.perform(act(3))
    desk.perform(act(3, 2, ActKind.CANCEL, silent=True))
    job.run()
    before = board(context)
    clock[0] += timedelta(seconds=60)
    later = Desk(context, None, record)
    later.load()
    assert list(later.in_force(clock[0])) == [act(1).alert_id]
    assert later.in_force(clock[0])[act(1).alert_id].alert == act(1).alert
    Emergency(context, later).run()
    after = board(context)
    later.close()
    assert before is not None
    assert after is not None
    assert after.alerts == (act(1).alert,)
    assert after.version > before.version


def test_rows_wait_for_no_record_and_nothing_is_taken_off_meanwhile(
    context: Context, area_tree: tuple[str, ...], act: MakeAct
) -> None:
    def shut(_context: Context, _act: Act) -> bool:
        raise ConnectionError("the database is gone")

    desk = Desk(context, None, shut)
    desk.load()
    assert not desk.perform(act(), wait_s=0.05).recorded
    for _ in range(2):
        Emergency(context, desk).run()
        found = board(context)
        assert found is not None
        assert found.alerts == (act().alert,)
    desk.close()
    again = Desk(context, None, record)
    again.load()
    assert again.pending() == (act(),)
    Emergency(context, again).run()
    found = board(context)
    assert found is not None
    assert found.alerts == (act().alert,)
    again.close()


def test_the_same_press_is_performed_once_and_both_are_told(desk: Desk, act: MakeAct) -> None:
    first, second = desk.perform(act()), desk.perform(act(after_s=1))
    assert first == second
    known = desk.newest(act().alert_id)
    assert known is not None
    assert known.at == act().at


def test_an_act_in_the_database_that_cannot_be_read_harms_no_other(
    context: Context, desk: Desk, act: MakeAct, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    desk.perform(act(1))
    desk.perform(act(2))
    with context.database.write() as session:
        session.get_one(AlertRow, act(1).alert_id).area_ids = ["Not An Area"]
    with context.database.read() as session:
        found = service.acts(session, now, ())
    assert list(found) == [act(2).alert_id]
    assert "cannot be read from the database" in caplog.text


def test_a_press_waits_a_moment_at_most_for_a_database_that_does_not_answer(
    context: Context, desk: Desk, act: MakeAct, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held at the read, as a network that swallows packets would."""
    release, taken = threading.Event(), threading.Event()

    def swallowed(*_: object) -> dict[str, Act]:
        taken.set()
        release.wait(30)
        return {}

    monkeypatch.setattr(service, "acts", swallowed)
    began_s = time.monotonic()
    desk.perform(act(1), wait_s=0.0)
    took_s = time.monotonic() - began_s
    assert taken.is_set()
    assert took_s < 1
    assert list(desk.in_force(context.now())) == [act(1).alert_id]
    release.set()
