"""The clockwork's page: jobs, failures, missed wake-ups."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from controller.accounts.rules import Principal
from controller.clockwork import queries
from controller.clockwork.jobs import clean_up
from controller.clockwork.tables import ClockworkJob
from controller.clockwork.views import overview
from controller.context import Context
from controller.db.session import Database
from controller.errors import Forbidden


def test_missed_wake_ups_and_failures_are_shown(
    database: Database, people: Mapping[str, Principal], now: datetime
) -> None:
    with database.write() as session:
        session.add(
            ClockworkJob(
                name="dispatch",
                due_at=now - timedelta(seconds=5),
                failed_at=now,
                failure="OSError: disk full",
            )
        )
        session.add(
            ClockworkJob(
                name="stations",
                due_at=now + timedelta(seconds=5),
                finished_at=now,
                claimed_by="x",
                claimed_until=now + timedelta(seconds=60),
            )
        )
        queries.add_missed(session, "dispatch", now - timedelta(hours=3), now)
    with database.read() as session:
        shown = overview(session, now, people["technician"])
        with pytest.raises(Forbidden):
            overview(session, now, people["viewer"])
    dispatch, stations = shown.jobs
    assert (dispatch.healthy, dispatch.running, dispatch.late_s) == (False, False, 5)
    assert (stations.healthy, stations.running, stations.late_s) == (True, True, 0)
    assert [(one.job, one.late_s) for one in shown.missed] == [("dispatch", 3 * 3600)]


def test_old_misses_are_forgotten_and_new_ones_kept(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        queries.add_missed(session, "old", now - timedelta(days=91), now)
        queries.add_missed(session, "new", now - timedelta(days=89), now)
    clean_up(context)
    with context.database.read() as session:
        assert [one.job for one in queries.missed(session, 10)] == ["new"]


def test_only_one_of_two_takes_a_due_time(database: Database, now: datetime) -> None:
    until, later = now + timedelta(minutes=2), now + timedelta(seconds=30)
    with database.write() as session:
        queries.ensure(session, now, ["dispatch"])
    with database.write() as session:
        ((name, due_at),) = queries.due(session, now, ["dispatch"])
        takes = [
            queries.claim(session, now, name, due_at, who=who, until=until, next_due=later) for who in "ab"
        ]
    assert takes == [True, False]
    with database.write() as session:
        queries.finish(session, now, name, "b", None)
        assert queries.due(session, later, ["dispatch"]) == []
        queries.finish(session, now, name, "a", None)
        assert queries.due(session, later, ["dispatch"]) == [("dispatch", later)]
