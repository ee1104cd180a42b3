"""Documents: versions that only grow, issued only when something changed."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select, update

from controller.accounts.rules import Principal
from controller.context import Context
from controller.dispatch import queries, service
from controller.dispatch.job import Dispatch
from controller.dispatch.publisher import Publisher
from controller.dispatch.tables import RetainedDocument
from controller.errors import Conflict, Invalid
from controller.mqtt.link import Link
from controller.stations import service as stations
from controller.timetable import rules
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire import topics
from wire.ids import StationKind
from wire.messages import PlanLayer, StationCard
from wire.signing import Keyring

People = Mapping[str, Principal]
XA = "bat-xat-02683"
PLAN = topics.plan(XA)


@pytest.fixture
def scheduled(context: Context, people: People, approved_programme: str, now: datetime) -> str:
    rule = Rule(frequency=Frequency.DAILY, start_date=date(2026, 1, 1), times=(time(5, 30),))
    draft = ScheduleDraft(area_id=XA, title="Bản tin", rule=rule, programme_ids=(approved_programme,))
    with context.database.write() as session:
        return timetable.create(session, now, people["operator"], draft, "sang").id


@pytest.fixture
def refresh(context: Context) -> Callable[[datetime], int]:
    def run(now: datetime) -> int:
        with context.database.write() as session:
            timetable.expand_all(session, now, context.settings.plan_days)
            return service.refresh(session, now, context.signing_key, context.settings)

    return run


def document(context: Context, topic: str = PLAN) -> RetainedDocument:
    with context.database.read() as session:
        return session.scalars(select(RetainedDocument).where(RetainedDocument.topic == topic)).one()


def layer(context: Context) -> PlanLayer:
    keys = Keyring.of(context.signing_key.public_jwk())
    return keys.open(document(context).token.encode(), PlanLayer)


def test_the_plan_is_signed_and_carries_what_stations_need(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], now: datetime
) -> None:
    assert refresh(now) == 1
    plan = layer(context)
    first = plan.occurrences[0]
    assert (plan.area, plan.version, plan.issued_at) == (XA, 1, now)
    assert plan.expires_at >= now + timedelta(days=14)
    assert (first.id, first.seconds, first.title) == ("sang@20261123T223000Z", 60, "Bản tin")
    assert [(item.sha256, item.size_bytes) for item in first.items] == [("5a" * 32, 180_000)]


def test_nothing_is_issued_again_until_something_changes(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], people: People, now: datetime
) -> None:
    refresh(now)
    assert refresh(now + timedelta(hours=1)) == 0
    with context.database.write() as session:
        draft = timetable.of_schedule(timetable.get(session, scheduled)).model_copy(update={"volume": 60})
        timetable.change(session, now, people["operator"], scheduled, draft)
    assert refresh(now + timedelta(hours=2)) == 1
    assert layer(context).version == 2
    assert refresh(now + timedelta(days=1)) == 1
    assert layer(context).version == 3


def test_an_area_whose_plan_came_to_nothing_gets_an_empty_one(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], people: People, now: datetime
) -> None:
    refresh(now)
    with context.database.write() as session:
        timetable.withdraw(session, now, people["operator"], scheduled)
    assert refresh(now) == 1
    assert (layer(context).version, layer(context).occurrences) == (2, ())


def test_what_began_yesterday_stays_in_the_plan(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], now: datetime
) -> None:
    refresh(now)
    tomorrow = now + timedelta(days=1)
    refresh(tomorrow)
    assert layer(context).occurrences[0].start < tomorrow


def test_each_installed_station_gets_its_card(
    context: Context, people: People, refresh: Callable[[datetime], int], now: datetime
) -> None:
    with context.database.write() as session:
        for id_, installed in (("co", True), ("chua", False)):
            stations.add(session, now, id_, XA, id_, kind=StationKind.COMMUNE_STATION, installed=installed)
    assert refresh(now) == 1
    keys = Keyring.of(context.signing_key.public_jwk())
    card = keys.open(document(context, topics.card("co")).token.encode(), StationCard)
    assert card.areas == ("lao-cai", XA)
    assert card.media_url == context.settings.media_url()


def test_two_that_issue_the_same_change_make_one_version(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], people: People, now: datetime
) -> None:
    refresh(now)
    with context.database.write() as session:
        timetable.withdraw(session, now, people["operator"], scheduled)
        wanted = service.changes(session, now, context.settings)
        issued = [service.issue(session, now, context.signing_key, wanted) for _ in range(2)]
    assert issued == [1, 0]
    assert document(context).version == 2


def test_a_claim_is_taken_by_one_and_a_mark_without_a_claim_is_told(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], now: datetime
) -> None:
    refresh(now)
    lease = now + timedelta(seconds=60)
    with context.database.write() as session:
        mine = queries.claim(session, now, "a", lease, 10)
        theirs = queries.claim(session, now, "b", lease, 10)
        assert ([one.topic for one in mine], theirs) == ([PLAN], [])
        assert queries.mark_published(session, now, "b", mine) == [PLAN]
        assert queries.mark_published(session, now, "a", mine) == []
        assert not queries.any_due(session, now)
        queries.mark_all_unpublished(session)
        assert queries.any_due(session, now)


def test_a_claim_that_ran_out_can_be_taken_over(
    context: Context, scheduled: str, refresh: Callable[[datetime], int], now: datetime
) -> None:
    refresh(now)
    with context.database.write() as session:
        queries.claim(session, now, "a", now + timedelta(seconds=60), 10)
        later = now + timedelta(seconds=61)
        assert [one.topic for one in queries.claim(session, later, "b", later, 10)] == [PLAN]


def test_one_of_two_begins_a_new_epoch(context: Context) -> None:
    with context.database.write() as session:
        assert queries.epoch(session) is None
        assert [queries.replace_epoch(session, None, mark) for mark in ("e1", "e2")] == [True, False]
        assert [queries.replace_epoch(session, "e1", mark) for mark in ("e3", "e4")] == [True, False]
        assert queries.epoch(session) == "e3"


def test_a_document_too_large_for_stations_is_told_and_the_old_one_stays(
    context: Context,
    scheduled: str,
    refresh: Callable[[datetime], int],
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
) -> None:
    refresh(now)
    monkeypatch.setattr(service, "MAX_DOCUMENT_BYTES", 2_000)
    with context.database.write() as session:
        stations.add(session, now, "loa-1", XA, "Cụm loa", kind=StationKind.VILLAGE_CLUSTER)
        session.execute(update(RetainedDocument).values(digest="another"))
    job = Dispatch(context, Publisher(context, Link("127.0.0.1", 1, "controller")))
    with pytest.raises(Conflict) as caught:
        job.compile()
    assert (caught.value.key, caught.value.params) == ("dispatch.too_large", {"topic": PLAN})
    assert document(context).version == 1
    assert document(context, topics.card("loa-1")).version == 1


@pytest.mark.parametrize("items", [1, 100])
def test_what_a_plan_takes_on_the_wire_is_not_underrated(
    context: Context,
    people: People,
    approved_programme: str,
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
    items: int,
) -> None:
    rule = Rule(frequency=Frequency.DAILY, start_date=date(2026, 1, 1), times=(time(5, 30), time(17)))
    draft = ScheduleDraft(
        area_id=XA,
        title="\N{BELL}" * 200,
        rule=rule,
        programme_ids=(approved_programme,) * items,
        grace_s=1234.5678901234567,
        gap_s=1 / 3,
    )
    with context.database.write() as session:
        timetable.create(session, now, people["operator"], draft, "s" * 63)
        (plan,) = service.desired_plans(session, now, context.settings.plan_days)
        monkeypatch.setattr(rules, "MAX_DOCUMENT_BYTES", len(plan.encode()) - 1)
        with pytest.raises(Invalid):
            timetable.change(session, now, people["operator"], "s" * 63, draft)
