"""The same code on PostgreSQL, where the machine has one: claims, upserts, two controllers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.clockwork import queries as clockwork
from controller.clockwork.tables import ClockworkJob
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.db.upsert import insert_missing, upsert
from controller.dispatch.publisher import EPOCH_TOPIC
from controller.playback import service as playback
from controller.playback.tables import Playback
from controller.stations import service as stations
from controller.stations.service import HeardHeartbeat
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire import topics
from wire.ids import ClockTrust, Outcome, StationKind
from wire.messages import Ack, CacheState, Heartbeat, PlaybackReport, ReportBatch

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@pytest.fixture
def database_url(new_database_url: str) -> str:
    upgrade(new_database_url)
    return new_database_url


def test_two_first_starts_at_once_make_one_schema(new_database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(upgrade, new_database_url) for _ in range(2)]
    assert [one.exception() for one in both] == [None, None]


def test_upserts_tell_how_many_rows_they_wrote(database: Database) -> None:
    row = {"name": "dispatch", "due_at": NOW}
    with database.write() as session:
        assert insert_missing(session, ClockworkJob, [row]) == 1
        assert insert_missing(session, ClockworkJob, [row, {**row, "name": "stations"}]) == 1
        assert upsert(session, ClockworkJob, [row], only_if=ClockworkJob.due_at > NOW) == 0
        assert upsert(session, ClockworkJob, [row]) == 1


def test_a_due_time_is_claimed_once_by_two_connections(database: Database) -> None:
    with database.write() as session:
        clockwork.ensure(session, NOW, ["dispatch"])
    until, next_due = NOW + timedelta(seconds=60), NOW + timedelta(seconds=30)
    takes = []
    for who in "ab":
        with database.write() as session:
            takes.append(
                clockwork.claim(session, NOW, "dispatch", NOW, who=who, until=until, next_due=next_due)
            )
    assert takes == [True, False]


def test_sweeps_and_cleaning_work(database: Database, operator: Principal) -> None:
    with database.write() as session:
        assert stations.sweep(session, NOW) == 3
        assert stations.sweep(session, NOW) == 0
        timetable.forget_old(session, NOW)
        stations.forget_old(session, NOW)
        assert {one.state for one in stations.listing(session, NOW, operator)} == {"never_seen"}


def test_two_intakes_do_not_lock_each_other_out(
    database_url: str, database: Database, operator: Principal
) -> None:
    names = [f"loa-{number:03}" for number in range(300)]
    with database.write() as session:
        for name in names:
            stations.add(session, NOW, name, "bat-xat", name, kind=StationKind.VILLAGE_CLUSTER)

    together = Barrier(2)

    def keep(order: list[str]) -> None:
        other = Database(database_url)
        for _ in range(15):
            together.wait(30)
            with other.write() as session:
                stations.keep(session, [], [HeardHeartbeat(beat(name), NOW) for name in order])
                playback.apply_reports(session, NOW, "cum-loa-1", [report(name) for name in order])
        other.close()

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(keep, order) for order in (names, names[150:] + names[:150])]
    assert [one.exception() for one in both] == [None, None]


def beat(station: str) -> Heartbeat:
    cache = CacheState(held=1, wanted=1)
    return Heartbeat(station=station, boot_id="b", at=NOW, uptime_s=1, clock=ClockTrust.TRUSTED, cache=cache)


def report(name: str) -> PlaybackReport:
    return PlaybackReport(id=name, occurrence=f"{name}@20261123T100000Z", outcome=Outcome.PLAYED)


async def test_two_controllers_publish_and_count_everything_once(
    broker: Any, start_controller: Any, listen: Any, until: Any, database: Database, operator: Principal
) -> None:
    ear = await listen(broker)
    controllers = [await start_controller(broker) for _ in range(2)]
    await until(lambda: len({topic for topic, _, _ in ear.heard}) >= 4, "three cards and the epoch")
    rule = Rule(frequency=Frequency.DAILY, start_date=date(2026, 1, 1), times=(time(5, 30),))
    draft = ScheduleDraft(area_id="bat-xat", title="Bản tin", rule=rule, programme_ids=("ban-tin",))
    with database.write() as session:
        timetable.create(session, datetime.now(UTC), operator, draft)
    for controller in controllers:
        controller.context.wake("dispatch")
    await until(lambda: ear.on(topics.plan("bat-xat")), "the plan")
    report = PlaybackReport(id="r1", occurrence="ban-tin@20261123T100000Z", outcome=Outcome.PLAYED)
    batch = ReportBatch(station="cum-loa-1", reports=(report,))
    for _ in range(3):
        ear.say(topics.report("cum-loa-1"), batch.encode())
    acks = await until(lambda: ear.on(topics.ack("cum-loa-1")), "the acknowledgement")
    assert Ack.decode(acks[0]).reports == ("r1",)
    with database.read() as session:
        assert len(session.scalars(select(Playback)).all()) == 1
    assert len(ear.on(EPOCH_TOPIC)) == 1
    published = {key: n for key, n in ear.count().items() if not key[0].endswith(("/ack", "/report"))}
    assert max(published.values()) == 1
