"""Two controllers on one database and one broker: nothing goes out twice, nothing is counted twice."""

import asyncio
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.dispatch.publisher import EPOCH_TOPIC
from controller.dispatch.tables import RetainedDocument
from controller.playback.tables import Playback
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire import topics
from wire.ids import Outcome
from wire.messages import Ack, PlanLayer, PlaybackReport, ReportBatch
from wire.signing import Keyring, SigningKey

COMMUNE = "bat-xat"
STATION = "cum-loa-1"


def daily(hour: int, title: str = "Bản tin") -> ScheduleDraft:
    rule = Rule(frequency=Frequency.DAILY, start_date=date(2026, 1, 1), times=(time(hour),))
    return ScheduleDraft(area_id=COMMUNE, title=title, rule=rule, programme_ids=("ban-tin",))


def all_published(database: Database) -> bool:
    with database.read() as session:
        documents = session.scalars(select(RetainedDocument)).all()
    return bool(documents) and all(one.published_version == one.version for one in documents)


async def test_each_version_of_each_document_is_published_exactly_once(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
    signing_key: SigningKey,
) -> None:
    ear = await listen(any_broker)
    controllers = [await start_controller(any_broker) for _ in range(2)]
    await until(lambda: all_published(database), "the cards")
    for hour in range(5, 11):
        with database.write() as session:
            timetable.create(session, datetime.now(UTC), operator, daily(hour))
        for controller in controllers:
            controller.context.wake("dispatch")
        await until(lambda: all_published(database), "the plan")

    def plans() -> list[PlanLayer]:
        return [keys.open(token, PlanLayer) for token in ear.on(topics.plan(COMMUNE))]

    keys = Keyring.of(signing_key.public_jwk())
    await until(lambda: plans() and len({o.schedule for o in plans()[-1].occurrences}) == 6, "the whole plan")
    versions = [layer.version for layer in plans()]
    assert versions == sorted(set(versions))
    assert max(ear.count().values()) == 1, "something was published twice"
    assert len(ear.on(EPOCH_TOPIC)) == 1


async def test_each_report_is_counted_once_though_both_hear_it(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(any_broker)
    for _ in range(2):
        await start_controller(any_broker)
    await until(lambda: all_published(database), "the cards")
    reports = [
        PlaybackReport(
            id=f"r{number}",
            occurrence=f"ban-tin@20261123T{number:02d}0000Z",
            outcome=Outcome.PLAYED,
            seconds_played=30,
            seconds_planned=30,
        )
        for number in range(20)
    ]
    for _ in range(3):
        for report in reports:
            ear.say(topics.report(STATION), ReportBatch(station=STATION, reports=(report,)).encode())

    def acknowledged() -> set[str]:
        return {id_ for payload in ear.on(topics.ack(STATION)) for id_ in Ack.decode(payload).reports}

    await until(lambda: acknowledged() == {report.id for report in reports}, "all acknowledged")
    with database.read() as session:
        counted = list(session.scalars(select(Playback.occurrence_id).where(Playback.station_id == STATION)))
    assert sorted(counted) == sorted(report.occurrence for report in reports)


async def test_a_forgetful_broker_is_filled_by_exactly_one_of_them(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    for _ in range(2):
        await start_controller(broker)
    await until(lambda: all_published(database), "the cards")
    broker.stop()
    broker.start()
    ear = await listen(broker)
    await until(
        lambda: (
            {topic for topic, _, _ in ear.heard} >= {EPOCH_TOPIC, topics.card(STATION)}
            and all_published(database)
        ),
        "everything again",
        within_s=20,
    )
    assert len(ear.on(EPOCH_TOPIC)) == 1
    assert max(ear.count().values(), default=1) == 1


async def test_the_other_one_goes_on_when_one_is_gone(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    """A claim that a dead process left behind does not keep a document from the stations."""
    ear = await listen(broker)
    survivor = await start_controller(broker)
    await until(lambda: all_published(database), "the cards")
    with database.write() as session:
        timetable.create(session, datetime.now(UTC), operator, daily(5))
    await asyncio.to_thread(_claim_as_the_dead_would, database)
    survivor.context.wake("dispatch")
    await until(lambda: ear.on(topics.plan(COMMUNE)), "the plan")


def _claim_as_the_dead_would(database: Database) -> None:
    with database.write() as session:
        for document in session.scalars(select(RetainedDocument)):
            document.claimed_by, document.claimed_until = "dead", datetime(2026, 1, 1, tzinfo=UTC)
