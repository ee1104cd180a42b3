"""Due times are served once, misses are on record, and a job that fails is woken again."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from audio_library import Store
from controller.clockwork.service import Clockwork, Job
from controller.clockwork.tables import ClockworkJob, MissedWakeUp
from controller.clockwork.waker import Waker
from controller.context import Context
from controller.db.session import Database
from controller.settings import Settings
from controller.web.texts import Texts
from wire.signing import SigningKey


@pytest.fixture
def make_context(tmp_path: Path, database: Database) -> Callable[[Waker], Context]:
    def make(waker: Waker) -> Context:
        return Context(
            settings=Settings(data_dir=tmp_path),
            database=database,
            store=Store(tmp_path / "library"),
            texts=Texts(),
            signing_key=SigningKey.generate(),
            wake=waker.wake,
        )

    return make


def row(database: Database, name: str) -> ClockworkJob:
    with database.read() as session:
        found = session.get(ClockworkJob, name)
        assert found is not None
        return found


def missed(database: Database) -> list[MissedWakeUp]:
    with database.read() as session:
        return list(session.scalars(select(MissedWakeUp)))


async def stop(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_two_clockworks_on_one_database_serve_each_due_time_once(
    make_context: Callable[[Waker], Context], database: Database, until: Any
) -> None:
    served: list[datetime] = []
    runs = []
    for _ in range(2):
        waker = Waker()
        job = Job("beat", every_s=0.3, run=lambda: served.append(row(database, "beat").due_at))
        runs.append(asyncio.create_task(Clockwork(make_context(waker), [job], waker, tick_s=0.05).run()))
    await until(lambda: len(served) >= 6, "six due times")
    await stop(*runs)
    assert len(served) == len(set(served))
    apart = [(later - earlier).total_seconds() for earlier, later in pairwise(served)]
    assert min(apart) >= 0.3


async def test_a_wake_is_served_at_once_and_not_lost_while_the_job_runs(
    make_context: Callable[[Waker], Context], until: Any
) -> None:
    waker, begun = Waker(), []
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        begun.append(time.monotonic())
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(10)

    clockwork = Clockwork(make_context(waker), [Job("work", every_s=3600, run=work)], waker, tick_s=0.2)
    running = asyncio.create_task(clockwork.run())
    await until(lambda: len(begun) == 1, "the first run")
    waker.wake("work")
    waker.wake("work")
    woken_s = time.monotonic()
    release.set()
    await until(lambda: len(begun) == 2, "the run that was asked for meanwhile")
    await stop(running)
    assert begun[1] - woken_s < 1
    assert len(begun) == 2


async def test_a_job_that_was_due_while_nobody_was_awake_is_on_record(
    make_context: Callable[[Waker], Context], database: Database, until: Any
) -> None:
    waker, ran = Waker(), []
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    with database.write() as session:
        session.add(ClockworkJob(name="sweep", due_at=long_ago))
    job = Job("sweep", every_s=3600, run=lambda: ran.append(1), grace_s=30)
    running = asyncio.create_task(Clockwork(make_context(waker), [job], waker, tick_s=0.1).run())
    await until(lambda: ran and row(database, "sweep").finished_at, "the late run")
    await stop(running)
    (found,) = missed(database)
    assert (found.job, found.due_at) == ("sweep", long_ago)
    assert found.late_s == pytest.approx(3 * 3600, abs=10)
    assert ran == [1]


async def test_a_job_that_fails_says_why_and_is_woken_again(
    make_context: Callable[[Waker], Context], database: Database, until: Any
) -> None:
    waker, tries = Waker(), []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("disk full")

    clockwork = Clockwork(make_context(waker), [Job("work", every_s=0.3, run=work)], waker, tick_s=0.05)
    running = asyncio.create_task(clockwork.run())
    await until(lambda: len(tries) >= 2 and row(database, "work").finished_at, "a run that went well")
    await stop(running)
    assert row(database, "work").failure == "OSError: disk full"


async def test_the_claim_of_a_process_that_died_is_taken_over_when_its_lease_is_over(
    make_context: Callable[[Waker], Context], database: Database, until: Any
) -> None:
    waker, ran = Waker(), []
    now = datetime.now(UTC)
    with database.write() as session:
        session.add(
            ClockworkJob(
                name="work", due_at=now, claimed_by="dead", claimed_until=now + timedelta(seconds=0.6)
            )
        )
    job = Job("work", every_s=3600, run=lambda: ran.append(datetime.now(UTC)))
    running = asyncio.create_task(Clockwork(make_context(waker), [job], waker, tick_s=0.05).run())
    await until(lambda: ran, "the run after the lease")
    await stop(running)
    assert ran[0] >= now + timedelta(seconds=0.6)


async def test_it_goes_on_looking_when_the_timer_is_late(
    make_context: Callable[[Waker], Context], database: Database, until: Any
) -> None:
    """A process that stood still keeps the wake-up that its timer dropped on record."""
    waker, ran = Waker(), []
    job = Job("work", every_s=3600, run=lambda: ran.append(1))
    clockwork = Clockwork(make_context(waker), [job], waker, tick_s=0.1)
    running = asyncio.create_task(clockwork.run())
    await until(lambda: ran, "the first run")
    event = type("Event", (), {"scheduled_run_time": datetime.now(UTC) - timedelta(seconds=20)})()
    clockwork._note_missed(event)
    await until(lambda: missed(database), "the missed wake-up")
    await stop(running)
    assert missed(database)[0].job == "timer"
    assert missed(database)[0].late_s >= 20


async def test_a_table_that_cannot_be_read_ends_the_clockwork(
    make_context: Callable[[Waker], Context], tmp_path: Path
) -> None:
    waker = Waker()
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    context = dataclasses.replace(make_context(waker), database=empty)
    clockwork = Clockwork(context, [Job("work", every_s=1, run=lambda: None)], waker)
    with pytest.raises(Exception, match="no such table"):
        await asyncio.wait_for(clockwork.run(), 10)
    empty.close()
