"""What a draft would collide with, shown before it is saved."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.timetable import service
from controller.timetable.schemas import ConflictView, Loser, ScheduleDraft
from schedules.conflicts import Effect
from schedules.rule import Frequency
from wire.ids import Priority

Draft = Callable[..., ScheduleDraft]
People = Mapping[str, Principal]


def collisions(
    database: Database, now: datetime, who: Principal, draft: ScheduleDraft, schedule_id: str | None = None
) -> list[ConflictView]:
    with database.read() as session:
        return service.draft_conflicts(session, now, who, draft, schedule_id=schedule_id)


def test_an_overlap_with_another_schedule_is_told_once_for_all_its_days(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    with database.write() as session:
        service.create(session, now, people["operator"], draft(), "sang")
    late = draft(time(5, 30, 30), title="Thông báo", priority=Priority.PRIORITY)
    (found,) = collisions(database, now, people["operator"], late)
    assert (found.schedule_id, found.title, found.area_name) == ("sang", "Bản tin sáng", "Xã Bát Xát")
    assert (found.loser, found.effect) == (Loser.THEIRS, Effect.LOSES_END)
    assert found.first_start == datetime(2026, 11, 23, 22, 30, 30, tzinfo=UTC)
    assert found.longest_overlap_s == 30
    assert found.count == 14


def test_what_does_not_touch_is_no_conflict(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    with database.write() as session:
        service.create(session, now, people["operator"], draft(), "sang")
    assert collisions(database, now, people["operator"], draft(time(5, 31))) == []


def test_wider_and_narrower_areas_share_stations_but_neighbours_do_not(
    database: Database, people: People, draft: Draft, make_programme: Callable[..., str], now: datetime
) -> None:
    make_programme("cua-tinh", area_id="lao-cai")
    everybody = people["administrator"]
    for area_id in ("lao-cai", "bat-xat-thon-1", "muong-hum-02728"):
        with database.write() as session:
            service.create(
                session, now, everybody, draft(area_id=area_id, programme_ids=("cua-tinh",)), area_id
            )
    found = collisions(database, now, people["operator"], draft())
    assert {conflict.schedule_id for conflict in found} == {"lao-cai", "bat-xat-thon-1"}


def test_a_schedule_is_not_in_conflict_with_its_old_self(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    with database.write() as session:
        service.create(session, now, people["operator"], draft(), "sang")
    assert collisions(database, now, people["operator"], draft(volume=50), "sang") == []
    assert len(collisions(database, now, people["operator"], draft(volume=50))) == 1


def test_a_schedule_longer_than_its_rhythm_overlaps_itself(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    (found,) = collisions(database, now, people["operator"], draft(time(5, 30), time(5, 30, 40)))
    assert (found.schedule_id, found.loser) == (None, Loser.OWN)


def test_a_schedule_of_next_year_is_compared_with_next_year(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    with database.write() as session:
        service.create(session, now, people["operator"], draft(), "sang")
    (found,) = collisions(database, now, people["operator"], draft(start_date=date(2027, 9, 1)))
    assert found.first_start == datetime(2027, 8, 31, 22, 30, tzinfo=UTC)


def test_one_that_began_before_the_window_still_counts(
    database: Database, people: People, draft: Draft, make_programme: Callable[..., str], now: datetime
) -> None:
    make_programme("dai", seconds=7200.0)
    with database.write() as session:
        service.create(session, now, people["operator"], draft(time(16), programme_ids=("dai",)), "dai")
    once = draft(time(17), frequency=Frequency.ONCE)
    (found,) = collisions(database, now, people["operator"], once)
    assert (found.schedule_id, found.count, found.longest_overlap_s) == ("dai", 1, 60)
