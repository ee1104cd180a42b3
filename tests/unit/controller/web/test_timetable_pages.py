"""Schedules in the browser: collisions are shown before saving, errors stand at their field."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.programmes.tables import Programme, ProgrammeState
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from controller.timetable.tables import OccurrenceRow, Schedule
from schedules.category import Category
from schedules.rule import Frequency, Rule

Browse = Callable[[str], Any]


@pytest.fixture
def fields(approved_programme: str) -> dict[str, Any]:
    """As the form sends them when nothing was changed."""
    return {
        "area_id": "bat-xat-02683",
        "title": "",
        "programme_ids": [approved_programme],
        "frequency": "daily",
        "in_minutes": "2",
        "once_date": "",
        "once_time": "",
        "times": ["05:30", "17:00"],
        "interval_days": "2",
        "start_date": "2026-11-23",
        "end_date": "",
        "repeats": "1",
        "gap_s": "0",
        "priority": "20",
        "volume": "80",
        "lateness": "resume",
        "grace_s": "10",
        "seen": "",
    }


@pytest.fixture
def relay(database: Database, people: Mapping[str, Principal], sound: str, now: datetime) -> str:
    """The id of an approved programme of the province."""
    with database.write() as session:
        session.add(
            Programme(
                id="tiep-am-tinh",
                area_id="lao-cai",
                title="Tiếp âm tỉnh",
                category=Category.GENERAL,
                language="vi",
                sound_sha256=sound,
                state=ProgrammeState.APPROVED,
                created_by=people["administrator"].person_id,
                created_at=now,
            )
        )
    return "tiep-am-tinh"


def offered(html: str) -> list[str]:
    """What can be chosen in the first row of the playlist."""
    row = re.sub(r"<template>.*?</template>", "", html, flags=re.DOTALL)
    found = re.search(r'<select name="programme_ids".*?</select>', row, re.DOTALL)
    return re.findall(r'value="([^"]+)"', found[0]) if found else []


def chosen(html: str) -> list[str]:
    """What is chosen in each row of the playlist."""
    row = re.sub(r"<template>.*?</template>", "", html, flags=re.DOTALL)
    playlist = re.findall(r'<select name="programme_ids".*?</select>', row, re.DOTALL)
    return [name for one in playlist for name in re.findall(r'value="([^"]*)" selected', one)]


def schedules(database: Database) -> list[Schedule]:
    with database.read() as session:
        return list(session.query(Schedule).all())


async def test_saved_daily_at_half_past_five_and_at_five(
    browser: Browse, database: Database, fields: dict[str, Any], wakes: list[str]
) -> None:
    operator = browser("operator")
    saved = await operator.post("/lich-phat/moi", **fields)
    assert (saved.status_code, saved.headers["location"]) == (303, "/lich-phat?xong=saved")
    assert wakes == ["dispatch"]
    [schedule] = schedules(database)
    assert schedule.title == "Bản tin sáng"
    assert schedule.rule["times"] == ["05:30:00", "17:00:00"]
    words = await operator.words("/lich-phat?xong=saved")
    assert "Đã lưu lịch phát." in words
    assert "Bản tin sáng Hằng ngày lúc 05:30 và 17:00" in words
    assert "Lượt tới: 17:00, 23/11/2026" in words
    assert "17:00 Bản tin sáng" in await operator.words("/luot-phat")
    assert "Ngày mai, 24/11/2026" in await operator.words(f"/lich-phat/{schedule.id}")


async def test_two_minutes_from_now(
    browser: Browse, database: Database, fields: dict[str, Any], now: datetime
) -> None:
    saved = await browser("operator").post("/lich-phat/moi", **(fields | {"frequency": "soon"}))
    assert saved.status_code == 303
    with database.read() as session:
        [occurrence] = session.query(OccurrenceRow).all()
    assert occurrence.start == now + timedelta(minutes=2)


async def test_collisions_are_shown_before_anything_is_saved(
    browser: Browse, database: Database, fields: dict[str, Any], read: Callable[[httpx.Response], str]
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **fields)
    fields |= {"title": "Bản tin khác", "priority": "30"}
    shown = await operator.post("/lich-phat/xem-truoc", **fields)
    assert "“Bản tin sáng” (Xã Bát Xát)" in read(shown)
    blocked = await operator.post("/lich-phat/moi", **fields)
    assert blocked.status_code == 409
    assert "Chưa lưu." in read(blocked)
    assert "Vẫn lưu lịch phát" in read(blocked)
    assert 'value="Bản tin khác"' in blocked.text
    assert len(schedules(database)) == 1
    seen = re.search(r'name="seen" value="(\w+)"', shown.text)
    assert seen
    assert f'name="seen" value="{seen[1]}"' in blocked.text
    saved = await operator.post("/lich-phat/moi", **(fields | {"seen": seen[1]}))
    assert saved.status_code == 303
    assert len(schedules(database)) == 2


async def test_what_was_seen_of_one_collision_does_not_cover_another(
    browser: Browse, database: Database, fields: dict[str, Any]
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **fields)
    shown = await operator.post("/lich-phat/xem-truoc", **fields)
    seen = shown.text.split('name="seen" value="')[1].split('"')[0]
    other = fields | {"priority": "10", "seen": seen}
    assert (await operator.post("/lich-phat/moi", **other)).status_code == 409


async def test_the_preview_names_the_next_starts(browser: Browse, fields: dict[str, Any]) -> None:
    fields |= {"frequency": "weekdays", "weekdays": ["2"], "times": ["06:00"]}
    words = (await browser("operator").post("/lich-phat/xem-truoc", **fields)).text
    assert words.count("<time") == 5
    assert "Thứ tư, 25/11/2026" in words
    assert "Không trùng với lịch phát nào." in words


async def test_the_preview_says_what_is_still_missing(browser: Browse, fields: dict[str, Any]) -> None:
    shown = await browser("operator").post("/lich-phat/xem-truoc", **(fields | {"programme_ids": [""]}))
    assert shown.status_code == 200
    assert "Chưa xem trước được: Lịch phát chưa có chương trình nào." in shown.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"programme_ids": [""]}, "programme_ids"),
        ({"programme_ids": ["khong-co"]}, "programme_ids"),
        ({"times": [""]}, "times"),
        ({"times": ["25:61"]}, "times"),
        ({"end_date": "2026-01-01"}, "end_date"),
        ({"start_date": "0026-11-23"}, "start_date"),
        ({"frequency": "weekdays"}, "weekdays"),
        ({"frequency": "monthly", "month_days": ["31"], "end_date": "2026-11-30"}, "frequency"),
        ({"frequency": "once", "once_date": "2026-11-22", "once_time": "05:30"}, "frequency"),
        ({"frequency": "every_n_days", "interval_days": "0"}, "interval_days"),
        ({"repeats": "0"}, "repeats"),
        ({"volume": "101"}, "volume"),
        ({"gap_s": "-1"}, "gap_s"),
        ({"priority": "50"}, "priority"),
        ({"area_id": "khong-co"}, "area_id"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    browser: Browse, database: Database, fields: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    fields |= {"title": "Giữ <nguyên>"}
    refused = await browser("operator").post("/lich-phat/moi", **(fields | changes))
    assert refused.status_code in {404, 422}
    assert f'id="{field}-error"' in refused.text
    assert 'value="Giữ &lt;nguyên&gt;"' in refused.text
    if "times" not in changes:
        assert 'name="times" value="17:00"' in refused.text
    assert not schedules(database)


async def test_a_schedule_is_changed_in_its_form_and_withdrawn(
    browser: Browse, database: Database, fields: dict[str, Any]
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **fields)
    [schedule] = schedules(database)
    path = f"/lich-phat/{schedule.id}"
    form = (await operator.get(f"{path}/sua")).text
    assert 'name="times" value="05:30"' in form
    assert f'hx-post="/lich-phat/xem-truoc?lich={schedule.id}"' in form
    changed = await operator.post(f"{path}/sua", **(fields | {"times": ["06:15"]}))
    assert changed.status_code == 303
    assert schedules(database)[0].rule["times"] == ["06:15:00"]
    withdrawn = await operator.post(f"{path}/huy")
    assert withdrawn.headers["location"] == "/lich-phat?xong=withdrawn"
    assert "06:15" not in await operator.words("/luot-phat")
    assert (await operator.post(f"{path}/huy")).status_code == 409


async def test_neighbours_may_neither_see_nor_touch_it(
    browser: Browse, database: Database, fields: dict[str, Any]
) -> None:
    await browser("operator").post("/lich-phat/moi", **fields)
    [schedule] = schedules(database)
    neighbour = browser("neighbour")
    assert "Bản tin sáng" not in await neighbour.words("/lich-phat")
    assert (await neighbour.post(f"/lich-phat/{schedule.id}/huy")).status_code == 403
    assert (await neighbour.post("/lich-phat/moi", **fields)).status_code == 403


async def test_a_schedule_whose_programme_went_says_so(
    browser: Browse,
    database: Database,
    fields: dict[str, Any],
    approved_programme: str,
    clock: list[datetime],
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **(fields | {"title": "Đã xong", "frequency": "soon"}))
    clock[0] += timedelta(minutes=10)
    await operator.post("/lich-phat/moi", **fields)
    asked = await operator.words(f"/chuong-trinh/{approved_programme}")
    assert "sẽ ngừng phát: Bản tin sáng (Xã Bát Xát) Đưa vào lưu trữ ngay" in asked
    await operator.post(f"/chuong-trinh/{approved_programme}/archive")
    with database.write() as session:
        timetable.expand_all(session, datetime.combine(date(2026, 11, 23), time(3), tzinfo=UTC), 14)
    words = await operator.words("/lich-phat")
    assert "chương trình “Bản tin sáng” đã đưa vào lưu trữ" in words
    assert "Không còn lượt nào" in words
    assert "Lịch phát đang ngừng vì chương trình 1" in await operator.words("/")
    assert "Lịch phát đang ngừng" not in await browser("viewer").words("/")
    schedule = next(one for one in schedules(database) if one.title != "Đã xong")
    refused = await operator.post(f"/lich-phat/{schedule.id}/sua", **fields)
    assert refused.status_code == 422
    assert "đã đưa vào lưu trữ nên chưa thể xếp lịch" in refused.text
    assert "trở lại là “Đã duyệt”" in await operator.words(f"/chuong-trinh/{approved_programme}")
    await operator.post(f"/chuong-trinh/{approved_programme}/unarchive")
    assert "đã đưa vào lưu trữ" not in await operator.words("/lich-phat")


async def test_a_form_is_not_shown_to_those_who_may_not_send_it(
    browser: Browse, database: Database, fields: dict[str, Any], read: Callable[[httpx.Response], str]
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **fields)
    path = f"/lich-phat/{schedules(database)[0].id}"
    assert (await browser("viewer").get(f"{path}/sua")).status_code == 403
    await operator.post(f"{path}/huy")
    withdrawn = await operator.get(f"{path}/sua")
    assert withdrawn.status_code == 409
    assert "không sửa được nữa" in read(withdrawn)
    assert "<select" not in withdrawn.text


async def test_a_programme_that_is_not_a_draft_has_no_form(
    browser: Browse, approved_programme: str, read: Callable[[httpx.Response], str]
) -> None:
    path = f"/chuong-trinh/{approved_programme}/sua"
    answer = await browser("operator").get(path)
    assert answer.status_code == 409
    assert "đã gửi duyệt hoặc đã duyệt nên không sửa được" in read(answer)
    assert (await browser("viewer").get(path)).status_code == 403


async def test_a_form_offers_what_its_area_may_play(
    browser: Browse, fields: dict[str, Any], relay: str, approved_programme: str
) -> None:
    operator = browser("operator")
    form = (await operator.get("/lich-phat/moi")).text
    assert offered(form) == [approved_programme, relay]
    assert '<optgroup label="Tỉnh Lào Cai">' in form
    assert (await operator.post("/lich-phat/moi", **(fields | {"programme_ids": [relay]}))).status_code == 303
    administrator = browser("administrator")
    assert offered((await administrator.get("/lich-phat/moi")).text) == [relay]
    fields["programme_ids"] = [""]
    for area, expected in (
        ("bat-xat-thon-1", [approved_programme, relay]),
        ("muong-hum-02728", [relay]),
        ("lao-cai", [relay]),
    ):
        piece = await administrator.post("/lich-phat/chuong-trinh", **(fields | {"area_id": area}))
        assert offered(piece.text) == expected
    foreign = await operator.post("/lich-phat/chuong-trinh", **(fields | {"area_id": "muong-hum-02728"}))
    assert "Tiếp âm tỉnh" not in foreign.text


async def test_a_programme_from_above_may_be_heard_and_scheduled_but_not_changed(
    browser: Browse, relay: str
) -> None:
    operator = browser("operator")
    words = (await operator.get(f"/chuong-trinh/{relay}")).text
    assert "<audio" in words
    assert f'href="/lich-phat/moi?chuong_trinh={relay}"' in words
    assert f"/chuong-trinh/{relay}/archive" not in words
    form = (await operator.get(f"/lich-phat/moi?chuong_trinh={relay}")).text
    assert chosen(form) == [relay]
    assert 'value="bat-xat-02683" selected' in form


async def test_what_is_on_a_playlist_stays_on_it_until_somebody_takes_it_off(
    browser: Browse,
    database: Database,
    people: Mapping[str, Principal],
    relay: str,
    approved_programme: str,
    now: datetime,
) -> None:
    rule = Rule(
        frequency=Frequency.DAILY, start_date=date(2026, 11, 23), times=(time(5, 30, 30),), zone="Asia/Tokyo"
    )
    draft = ScheduleDraft(
        area_id="bat-xat-02683",
        title="Sáng",
        rule=rule,
        programme_ids=(relay, approved_programme, relay),
        volume=83,
    )
    with database.write() as session:
        timetable.create(session, now, people["operator"], draft, "sang")
    with database.write() as session:
        session.get_one(Programme, relay).state = ProgrammeState.ARCHIVED
    form = (await browser("operator").get("/lich-phat/sang/sua")).text
    assert chosen(form) == [relay, approved_programme, relay]
    assert "Tiếp âm tỉnh" in form
    assert 'name="times" value="05:30:30"' in form
    assert 'name="zone" value="Asia/Tokyo"' in form
    refused = await browser("operator").post(
        "/lich-phat/sang/sua",
        **{"area_id": "bat-xat-02683", "title": "Sáng", "programme_ids": chosen(form), "frequency": "daily"},
        **{"times": ["05:30:30"], "start_date": "2026-11-23", "repeats": "1", "gap_s": "0", "priority": "20"},
        **{"volume": "83", "lateness": "resume", "grace_s": "10", "zone": "Asia/Tokyo"},
    )
    assert refused.status_code == 422
    assert chosen(refused.text) == [relay, approved_programme, relay]


async def test_another_area_keeps_what_was_chosen(
    browser: Browse, fields: dict[str, Any], approved_programme: str
) -> None:
    piece = await browser("administrator").post(
        "/lich-phat/chuong-trinh", **(fields | {"area_id": "muong-hum-02728"})
    )
    assert chosen(piece.text) == [approved_programme]
    assert "không dùng cho địa bàn này" in piece.text


async def test_an_untouched_form_complains_of_nothing(
    browser: Browse, fields: dict[str, Any], approved_programme: str
) -> None:
    operator = browser("operator")
    form = await operator.words("/lich-phat/moi")
    assert "phần này sẽ cho biết những lượt phát tới" in form
    assert "Chưa xem trước được" not in form
    assert "Những lượt phát tới" in await operator.words(f"/lich-phat/moi?chuong_trinh={approved_programme}")
    assert " novalidate" in (await operator.get("/lich-phat/moi")).text


async def test_short_months_are_said_to_be_passed_over(
    browser: Browse, database: Database, fields: dict[str, Any]
) -> None:
    operator = browser("operator")
    await operator.post("/lich-phat/moi", **(fields | {"frequency": "monthly", "month_days": ["15", "31"]}))
    assert "tháng không có ngày đó thì bỏ qua" in await operator.words("/lich-phat")
    await operator.post(
        f"/lich-phat/{schedules(database)[0].id}/sua",
        **(fields | {"frequency": "monthly", "month_days": ["15", "28"]}),
    )
    assert "bỏ qua" not in await operator.words("/lich-phat")
