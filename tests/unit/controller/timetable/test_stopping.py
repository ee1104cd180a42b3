"""One occurrence taken back: who may, when it is too late, and that nothing revives it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select, update

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.dispatch import service as dispatch
from controller.errors import Conflict, Forbidden, LoabanError, NotFound
from controller.playback import service as playback
from controller.programmes.tables import Programme, ProgrammeState
from controller.stations import service as stations
from controller.timetable import service
from controller.timetable.queries import save_occurrences
from controller.timetable.schemas import OccurrenceView, ScheduleDraft
from controller.timetable.tables import OccurrenceRow
from controller.web.texts import LANGUAGES, Texts
from wire.ids import StationKind

People = Mapping[str, Principal]
Draft = Callable[..., ScheduleDraft]
FIRST, SECOND = "sang@20261123T223000Z", "sang@20261124T223000Z"
SOUNDING = datetime(2026, 11, 23, 22, 30, 20, tzinfo=UTC)


@pytest.fixture
def daily(database: Database, people: People, draft: Draft, now: datetime) -> None:
    """The schedule `sang`: a minute, daily at 05:30."""
    with database.write() as session:
        service.create(session, now, people["operator"], draft(), "sang")


def taken_back(database: Database, now: datetime, who: Principal, occurrence: str = FIRST) -> OccurrenceRow:
    with database.write() as session:
        return service.withdraw_occurrence(session, now, who, occurrence)


def row(database: Database, id_: str = FIRST) -> OccurrenceRow:
    with database.read() as session:
        return session.scalars(select(OccurrenceRow).where(OccurrenceRow.id == id_)).one()


def planned(database: Database, now: datetime) -> set[str]:
    """What stations are told to play."""
    with database.read() as session:
        plans = dispatch.desired_plans(session, now, 14)
    return {one.id for plan in plans for one in plan.occurrences}


def shown(database: Database, now: datetime, who: Principal) -> dict[str, OccurrenceView]:
    with database.read() as session:
        found = service.occurrences(session, now, who, None, since=now, until=now + timedelta(days=3))
    return {one.id: one for one in found}


@pytest.mark.usefixtures("daily")
@pytest.mark.parametrize("who", ["operator", "approver", "administrator"])
@pytest.mark.parametrize(
    "when", [datetime(2026, 11, 23, 3, tzinfo=UTC), SOUNDING], ids=["before", "sounding"]
)
def test_it_leaves_the_plan_and_the_rest_of_its_schedule_stays(
    database: Database, people: People, who: str, when: datetime
) -> None:
    before = planned(database, when)
    taken_back(database, when, people[who])
    assert planned(database, when) == before - {FIRST}
    assert (row(database).withdrawn_at, row(database).withdrawn_by) == (when, who)
    assert row(database, SECOND).withdrawn_at is None


@pytest.mark.usefixtures("daily")
def test_it_stays_on_record_with_a_name_and_a_time(database: Database, people: People, now: datetime) -> None:
    assert shown(database, now, people["approver"])[FIRST].may_withdraw
    taken_back(database, now, people["operator"])
    view = shown(database, now, people["approver"])[FIRST]
    assert (view.withdrawn_by, view.withdrawn_at, view.may_withdraw) == ("operator", now, False)
    assert view.is_past(now)
    with database.write() as session:
        (schedule,) = service.listing(session, now, people["operator"])
        service.forget_old(session, now + timedelta(days=60))
    assert schedule.next_start == datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
    assert row(database).withdrawn_by == "operator"


@pytest.mark.usefixtures("daily")
def test_expanding_again_does_not_revive_it(database: Database, people: People, now: datetime) -> None:
    taken_back(database, now, people["operator"])
    with database.write() as session:
        assert not service.expansion(session, now, 14)
        assert service.expand_all(session, now + timedelta(hours=1), 14) == 0
    assert row(database).withdrawn_at == now


@pytest.mark.usefixtures("daily")
def test_editing_its_schedule_does_not_revive_it(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    taken_back(database, now, people["operator"])
    later = now + timedelta(hours=1)
    with database.write() as session:
        service.change(session, later, people["operator"], "sang", draft(volume=40))
        service.change(session, later, people["operator"], "sang", draft(time(6)))
        service.change(session, later, people["operator"], "sang", draft(volume=55))
    kept = row(database)
    assert (kept.withdrawn_at, kept.withdrawn_by, kept.volume) == (now, "operator", 80)
    assert (row(database, SECOND).withdrawn_at, row(database, SECOND).volume) == (None, 55)
    assert FIRST not in planned(database, later)


@pytest.mark.usefixtures("daily")
def test_a_programme_approved_again_does_not_revive_it(
    database: Database, people: People, now: datetime
) -> None:
    taken_back(database, now, people["operator"])
    for state in (ProgrammeState.ARCHIVED, ProgrammeState.APPROVED):
        with database.write() as session:
            session.execute(update(Programme).values(state=state))
            service.expand_all(session, now + timedelta(minutes=5), 14)
    assert (row(database).withdrawn_at, row(database).withdrawn_by) == (now, "operator")
    assert row(database, SECOND).withdrawn_at is None


@pytest.mark.usefixtures("daily")
def test_an_expansion_that_had_not_seen_it_yet_does_not_write_over_it(
    database: Database, people: People, now: datetime
) -> None:
    """Two processes: one read the plan, the other took the occurrence back, the first writes."""
    stale = row(database)
    values = {column.name: getattr(stale, column.name) for column in OccurrenceRow.__table__.columns}
    del values["withdrawn_by"]
    taken_back(database, now, people["operator"])
    with database.write() as session:
        save_occurrences(session, [values | {"volume": 10}])
    assert (row(database).withdrawn_at, row(database).volume) == (now, 80)


@pytest.mark.usefixtures("daily")
def test_withdrawing_the_schedule_leaves_the_mark_as_it_was(
    database: Database, people: People, now: datetime
) -> None:
    taken_back(database, now, people["approver"])
    with database.write() as session:
        service.withdraw(session, now + timedelta(hours=1), people["operator"], "sang")
    assert (row(database).withdrawn_at, row(database).withdrawn_by) == (now, "approver")
    assert row(database, SECOND).withdrawn_by is None


@pytest.mark.usefixtures("daily")
def test_the_board_of_what_was_left_out_waits_for_nobody(
    database: Database, people: People, now: datetime
) -> None:
    with database.write() as session:
        stations.add(session, now, "loa", "bat-xat-thon-1", "Loa", kind=StationKind.VILLAGE_CLUSTER)
    taken_back(database, now, people["operator"])
    with database.read() as session:
        board = playback.board(session, SOUNDING, people["viewer"], FIRST)
    assert board.counts == {"withdrawn": 1}
    assert board.occurrence.withdrawn_by == "operator"


REFUSED: list[tuple[str, str, timedelta, type[LoabanError], str]] = [
    ("operator", "khong-co@20261123T223000Z", timedelta(), NotFound, "timetable.unknown_occurrence"),
    ("neighbour", FIRST, timedelta(), Forbidden, "accounts.outside_your_area"),
    ("viewer", FIRST, timedelta(), Forbidden, "accounts.not_your_role"),
    ("technician", FIRST, timedelta(), Forbidden, "accounts.not_your_role"),
    ("operator", FIRST, timedelta(minutes=1), Conflict, "timetable.occurrence_over"),
]


@pytest.mark.usefixtures("daily")
@pytest.mark.parametrize(("who", "occurrence", "after", "error", "key"), REFUSED)
def test_what_cannot_be_taken_back_is_told_in_both_languages(
    database: Database,
    people: People,
    who: str,
    occurrence: str,
    after: timedelta,
    error: type[LoabanError],
    key: str,
) -> None:
    start = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    with pytest.raises(error) as caught:
        taken_back(database, start + after, people[who], occurrence)
    assert caught.value.key == key
    assert all(Texts().say(language, key, **caught.value.params) for language in LANGUAGES)
    assert row(database).withdrawn_at is None


@pytest.mark.usefixtures("daily")
def test_the_second_to_take_it_back_is_told(database: Database, people: People, now: datetime) -> None:
    taken_back(database, now, people["operator"])
    with pytest.raises(Conflict) as caught:
        taken_back(database, now + timedelta(minutes=1), people["approver"])
    assert caught.value.key == "timetable.occurrence_withdrawn"
    assert (row(database).withdrawn_at, row(database).withdrawn_by) == (now, "operator")


def test_a_commune_cannot_take_back_what_its_province_plays(
    database: Database, people: People, draft: Draft, make_programme: Callable[..., str], now: datetime
) -> None:
    make_programme("cua-tinh", area_id="lao-cai")
    province = draft(area_id="lao-cai", programme_ids=("cua-tinh",))
    with database.write() as session:
        service.create(session, now, people["administrator"], province, "sang")
    assert not shown(database, now, people["operator"])[FIRST].may_withdraw
    with pytest.raises(Forbidden):
        taken_back(database, now, people["operator"])
