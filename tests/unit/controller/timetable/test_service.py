"""Schedules: what may be saved, what becomes of it, and what stays as it was."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.errors import Conflict, Forbidden, Invalid, LoabanError, NotFound
from controller.playback import service as playback
from controller.programmes.tables import Programme, ProgrammeState
from controller.stations import service as stations
from controller.timetable import service
from controller.timetable.schemas import ScheduleDraft
from controller.timetable.tables import OccurrenceRow, Schedule, ScheduleState
from controller.web.texts import LANGUAGES, Texts
from schedules.errors import AlreadyOver, EndsBeforeItStarts, NeverOccurs, UnknownZone
from schedules.rule import Frequency
from wire.ids import Outcome, Priority, StationKind
from wire.messages import PlaybackReport

Draft = Callable[..., ScheduleDraft]
People = Mapping[str, Principal]


def rows(database: Database) -> list[OccurrenceRow]:
    with database.read() as session:
        return list(session.scalars(select(OccurrenceRow).order_by(OccurrenceRow.start)))


def saved(database: Database, now: datetime, who: Principal, draft: ScheduleDraft, id_: str = "sang") -> str:
    with database.write() as session:
        return service.create(session, now, who, draft, id_).id


def test_a_schedule_becomes_the_occurrences_of_the_plan(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft(time(5, 30), time(17)))
    found = rows(database)
    # 09:00 on the 23rd: the first is 17:00 today; the plan ends with the 7th of December in UTC.
    assert found[0].id == "sang@20261123T100000Z"
    assert found[-1].start == datetime(2026, 12, 7, 22, 30, tzinfo=UTC)
    assert len(found) == 30
    assert found[0].seconds == 60.0
    assert found[0].items == [
        {
            "sha256": "5a" * 32,
            "seconds": 60.0,
            "size_bytes": 180_000,
            "programme": "ban-tin-sang",
            "title": "Bản tin sáng",
        }
    ]


def test_repeats_and_gaps_count_in_its_length(
    database: Database, people: People, draft: Draft, make_programme: Callable[..., str], now: datetime
) -> None:
    make_programme("dai", seconds=100.0)
    playlist = ("ban-tin-sang", "dai", "ban-tin-sang")
    saved(database, now, people["operator"], draft(programme_ids=playlist, repeats=3, gap_s=5.0))
    found = rows(database)[0]
    assert found.seconds == (60 + 100 + 60) * 3 + 2 * 5
    assert [item["programme"] for item in found.items] == list(playlist)


def test_a_plan_too_large_for_stations_is_not_saved(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    often = [time(hour, minute) for hour in range(24) for minute in (0, 30)]
    with pytest.raises(Invalid) as caught:
        saved(database, now, people["operator"], draft(*often, programme_ids=("ban-tin-sang",) * 100))
    assert (caught.value.key, caught.value.params) == ("timetable.plan_too_large", {"days": 14})
    assert rows(database) == []
    saved(database, now, people["operator"], draft(*often, programme_ids=("ban-tin-sang",) * 20))
    assert len(rows(database)) > 48 * 14


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": "   "}, "timetable.title_missing"),
    ({"title": "x" * 201}, "timetable.title_too_long"),
    ({"programme_ids": ()}, "timetable.playlist_empty"),
    ({"programme_ids": ("ban-tin-sang",) * 101}, "timetable.playlist_too_long"),
    ({"programme_ids": ("ban-tin-sang", "khong-co")}, "timetable.unknown_programme"),
    ({"programme_ids": ("chua-duyet",)}, "timetable.programme_not_approved"),
    ({"programme_ids": ("cua-muong-hum",)}, "timetable.unknown_programme"),
    ({"programme_ids": ("cua-thon-1",)}, "timetable.unknown_programme"),
    ({"priority": Priority.EMERGENCY}, "timetable.priority_not_allowed"),
    ({"priority": Priority.LIVE}, "timetable.priority_not_allowed"),
    ({"repeats": 0}, "timetable.bad_repeats"),
    ({"repeats": 21}, "timetable.bad_repeats"),
    ({"gap_s": -1.0}, "timetable.bad_gap"),
    ({"gap_s": float("nan")}, "timetable.bad_gap"),
    ({"volume": 101}, "timetable.bad_volume"),
    ({"grace_s": 3601.0}, "timetable.bad_grace"),
    ({"programme_ids": ("rat-dai",), "repeats": 10}, "timetable.too_long"),
]


@pytest.mark.parametrize(("changes", "key"), BAD, ids=[f"{key}-{next(iter(what))}" for what, key in BAD])
def test_bad_input_gets_a_sentence_in_both_languages_and_nothing_is_saved(
    database: Database,
    people: People,
    draft: Draft,
    make_programme: Callable[..., str],
    now: datetime,
    changes: dict[str, Any],
    key: str,
) -> None:
    make_programme("chua-duyet", state=ProgrammeState.SUBMITTED)
    make_programme("cua-muong-hum", area_id="muong-hum-02728")
    make_programme("cua-thon-1", area_id="bat-xat-thon-1")
    make_programme("rat-dai", seconds=3 * 3600.0)
    with pytest.raises(Invalid) as caught, database.write() as session:
        service.create(session, now, people["operator"], draft(**changes))
    assert caught.value.key == key
    assert caught.value.field
    assert all(Texts().say(language, key, **caught.value.params) for language in LANGUAGES)
    with database.read() as session:
        assert session.scalars(select(Schedule)).all() == []


RULES: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"end_date": date(2026, 11, 22)}, EndsBeforeItStarts),
    (
        {
            "frequency": Frequency.MONTHLY,
            "month_days": (30,),
            "start_date": date(2027, 2, 1),
            "end_date": date(2027, 2, 28),
        },
        NeverOccurs,
    ),
    ({"frequency": Frequency.ONCE, "start_date": date(2026, 11, 23)}, AlreadyOver),
    ({"zone": "Asia/Sa_Pa"}, UnknownZone),
]


@pytest.mark.parametrize(("changes", "error"), RULES, ids=[error.__name__ for _, error in RULES])
def test_a_rule_that_makes_no_sense_is_refused(
    database: Database,
    people: People,
    draft: Draft,
    now: datetime,
    changes: dict[str, Any],
    error: type[Exception],
) -> None:
    with pytest.raises(error), database.write() as session:
        service.create(session, now, people["operator"], draft(**changes))


def test_an_unknown_area_and_somebody_elses_area_are_refused(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    with database.write() as session:
        with pytest.raises(NotFound) as unknown:
            service.create(session, now, people["operator"], draft(area_id="khong-co"))
        assert unknown.value.key == "areas.unknown"
        for who in ("neighbour", "viewer", "approver", "technician"):
            with pytest.raises(Forbidden):
                service.create(session, now, people[who], draft())


def test_the_same_id_twice_is_refused_and_so_is_an_id_that_breaks_topics(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    with database.write() as session:
        with pytest.raises(Conflict):
            service.create(session, now, people["operator"], draft(), "sang")
        with pytest.raises(Invalid):
            service.create(session, now, people["operator"], draft(), "a/b#")


def test_changing_replaces_what_is_to_come_and_leaves_what_has_started(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    later = datetime(2026, 11, 24, 22, 30, 20, tzinfo=UTC)
    with database.write() as session:
        service.change(session, later, people["operator"], "sang", draft(time(6), volume=40))
    before = [row for row in rows(database) if row.start <= later]
    after = [row for row in rows(database) if row.start > later and row.withdrawn_at is None]
    assert [(row.volume, row.withdrawn_at) for row in before] == [(80, None), (80, None)]
    assert {row.volume for row in after} == {40}
    assert {row.start.time() for row in after} == {time(23, 0)}


def test_withdrawing_silences_what_sounds_now_and_keeps_what_was_heard(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    sounding = datetime(2026, 11, 24, 22, 30, 20, tzinfo=UTC)
    with database.write() as session:
        schedule = service.withdraw(session, sounding, people["operator"], "sang")
        assert schedule.state is ScheduleState.WITHDRAWN
        with pytest.raises(Conflict):
            service.withdraw(session, sounding, people["operator"], "sang")
        with pytest.raises(Conflict):
            service.change(session, sounding, people["operator"], "sang", draft())
    found = rows(database)
    assert found[0].withdrawn_at is None
    assert {row.withdrawn_at for row in found[1:]} == {sounding}


def test_expanding_again_changes_nothing_and_a_new_day_adds_a_day(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    with database.write() as session:
        assert not service.expansion(session, now, 14)
        assert service.expand_all(session, now, 14) == 0
        assert service.expand_all(session, now + timedelta(days=1), 14) == 1
        assert service.expand_all(session, now + timedelta(days=1), 14) == 0


def test_a_programme_that_is_no_longer_approved_takes_its_occurrences_off_the_plan(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    with database.write() as session:
        session.execute(update(Programme).values(state=ProgrammeState.ARCHIVED))
        service.expand_all(session, now, 14)
        (view,) = service.listing(session, now, people["operator"])
    assert {row.withdrawn_at for row in rows(database)} == {now}
    assert view.waiting_for == ("Bản tin sáng",)
    assert view.next_start is None
    with database.write() as session:
        session.execute(update(Programme).values(state=ProgrammeState.APPROVED))
        service.expand_all(session, now, 14)
    assert {row.withdrawn_at for row in rows(database)} == {None}


def test_the_areas_zone_is_used_unless_the_rule_names_one(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft(), "gio-vn")
    saved(database, now, people["operator"], draft(zone="Asia/Tokyo"), "gio-nhat")
    first = {row.schedule_id: row.start for row in reversed(rows(database))}
    assert first["gio-vn"].time() == time(22, 30)
    assert first["gio-nhat"].time() == time(20, 30)


def test_one_sees_the_schedules_of_ones_realm(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft())
    with database.read() as session:
        (mine,) = service.listing(session, now, people["operator"])
        (viewed,) = service.listing(session, now, people["viewer"])
        assert service.listing(session, now, people["neighbour"]) == []
        with pytest.raises(Forbidden):
            service.schedule_view(session, now, people["neighbour"], "sang")
    assert mine.may_change
    assert not viewed.may_change
    assert mine.next_start == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert mine.area_name == "Xã Bát Xát"


def test_the_day_of_a_village_shows_what_its_commune_and_province_play(
    database: Database, people: People, draft: Draft, make_programme: Callable[..., str], now: datetime
) -> None:
    saved(database, now, people["operator"], draft(), "cua-xa")
    make_programme("cua-tinh", area_id="lao-cai")
    province = draft(time(6), area_id="lao-cai", programme_ids=("cua-tinh",))
    saved(database, now, people["administrator"], province, "cua-tinh")
    until = now + timedelta(days=1)

    def seen(who: str, area_id: str | None) -> list[str]:
        with database.read() as session:
            found = service.occurrences(session, now, people[who], area_id, since=now, until=until)
        return [occurrence.schedule_id for occurrence in found]

    assert seen("operator", "bat-xat-thon-1") == ["cua-xa", "cua-tinh"]
    assert seen("operator", None) == ["cua-xa", "cua-tinh"]
    assert seen("neighbour", None) == ["cua-tinh"]
    with pytest.raises(LoabanError):
        seen("neighbour", "bat-xat-02683")


def test_what_was_withdrawn_unheard_is_forgotten_after_a_week_and_the_rest_is_history(
    database: Database, people: People, draft: Draft, now: datetime
) -> None:
    saved(database, now, people["operator"], draft(), "bo")
    saved(database, now, people["operator"], draft(time(17)), "giu")
    heard = PlaybackReport(id="r", occurrence="bo@20261124T223000Z", outcome=Outcome.PLAYED)
    with database.write() as session:
        stations.add(session, now, "loa", "bat-xat-02683", "Loa", kind=StationKind.VILLAGE_CLUSTER)
        service.withdraw(session, now, people["operator"], "bo")
        playback.apply_reports(session, now, "loa", [heard])
        service.forget_old(session, now + timedelta(days=60))
    kept = [row.id for row in rows(database) if row.schedule_id == "bo"]
    assert kept == ["bo@20261124T223000Z"]
    assert len([row for row in rows(database) if row.schedule_id == "giu"]) == 15
