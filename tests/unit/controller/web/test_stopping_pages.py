"""Stopping a broadcast, or leaving one out, in the browser."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule

Browse = Callable[[str], Any]
TODAY, TOMORROW = "chieu@20261123T100000Z", "chieu@20261124T100000Z"


@pytest.fixture(autouse=True)
def schedule(
    database: Database, people: Mapping[str, Principal], approved_programme: str, now: datetime
) -> None:
    """A minute in Bát Xát, daily at 17:00."""
    rule = Rule(frequency=Frequency.DAILY, start_date=date(2026, 11, 23), times=(time(17),))
    draft = ScheduleDraft(
        area_id="bat-xat-02683", title="Bản chiều", rule=rule, programme_ids=(approved_programme,)
    )
    with database.write() as session:
        timetable.create(session, now, people["operator"], draft, "chieu")


async def test_what_sounds_is_stopped_from_the_first_page(
    browser: Browse, clock: list[datetime], now: datetime, wakes: list[str]
) -> None:
    clock[0] = now + timedelta(hours=8, seconds=20)
    operator = browser("operator")
    assert f'href="/luot-phat/{TODAY}#dung">Dừng phát<' in (await operator.get("/")).text
    page = (await operator.get(f"/luot-phat/{TODAY}")).text
    assert "<details" in page
    assert f'action="/luot-phat/{TODAY}/dung"' in page
    assert "Dừng phát ngay" in page
    stopped = await operator.post(f"/luot-phat/{TODAY}/dung")
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"/luot-phat/{TODAY}")
    assert wakes == ["dispatch"]
    board = await operator.words(f"/luot-phat/{TODAY}")
    assert "Đã dừng bởi operator lúc 17:00, 23/11/2026" in board
    assert "Dừng phát ngay" not in board
    first = await operator.words("/")
    assert "Lúc này không có gì đang phát." in first
    assert "17:00 Bản chiều" in first, "tomorrow's is still coming"


async def test_what_is_to_come_is_left_out_and_stands_under_past_with_its_mark(
    browser: Browse, read: Callable[[httpx.Response], str]
) -> None:
    approver = browser("approver")
    assert "Bỏ hẳn lượt này" in await approver.words(f"/luot-phat/{TODAY}")
    await approver.post(f"/luot-phat/{TODAY}/dung")
    mark = "Đã bỏ bởi approver lúc 09:00, 23/11/2026"
    assert mark in await approver.words(f"/luot-phat/{TODAY}")
    for listing in ("/luot-phat", "/"):
        html = (await approver.get(listing)).text
        assert f'"/luot-phat/{TODAY}"' not in html
        assert f'"/luot-phat/{TOMORROW}"' in html
    assert mark in await approver.words("/luot-phat?xem=da-phat")
    of_schedule = await approver.words("/lich-phat/chieu")
    assert of_schedule.index("Các lượt gần đây") < of_schedule.index(mark)
    again = await approver.post(f"/luot-phat/{TODAY}/dung")
    assert again.status_code == 409
    assert "đã được dừng hoặc bỏ từ trước" in read(again)


async def test_it_is_offered_only_to_whom_may_and_while_it_can_be(
    browser: Browse, clock: list[datetime], now: datetime, read: Callable[[httpx.Response], str]
) -> None:
    for who in ("viewer", "technician", "alert_officer"):
        assert "/dung" not in (await browser(who).get(f"/luot-phat/{TODAY}")).text
    assert (await browser("viewer").post(f"/luot-phat/{TODAY}/dung")).status_code == 403
    foreign = await browser("neighbour").post(f"/luot-phat/{TODAY}/dung")
    assert foreign.status_code == 403
    assert "nằm ngoài địa bàn được giao cho bạn" in read(foreign)
    clock[0] = now + timedelta(hours=8, minutes=1)
    operator = browser("operator")
    assert "/dung" not in (await operator.get(f"/luot-phat/{TODAY}")).text
    late = await operator.post(f"/luot-phat/{TODAY}/dung")
    assert late.status_code == 409
    assert "“Bản chiều” đã kết thúc nên không dừng hay bỏ được nữa." in read(late)
    assert (await operator.post("/luot-phat/khong-co/dung")).status_code == 404


async def test_the_marks_are_said_in_english_too(browser: Browse) -> None:
    operator = browser("operator")
    await operator.post(f"/luot-phat/{TODAY}/dung")
    operator.client.cookies.set("loaban_language", "en")
    assert "Left out by operator at 09:00, 23/11/2026" in await operator.words(f"/luot-phat/{TODAY}")
    assert "Leave this one out" in await operator.words(f"/luot-phat/{TOMORROW}")
