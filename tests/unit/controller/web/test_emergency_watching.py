"""Alerts as they are watched: the bands, the first page, the board and what is around it."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest

from wire.ids import Outcome

Browse = Callable[[str], Any]
HELD = {"confirm": "held", "held_s": "2"}


@pytest.fixture
def officer(browser: Browse, alarm: Any) -> Any:
    return browser("alert_officer")


async def test_only_what_stations_sound_is_called_sounding(
    officer: Any, alarm: Any, clock: list[datetime], now: datetime
) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    silent = await officer.words("/")
    assert "BÁO ĐỘNG ĐANG CÓ HIỆU LỰC" in silent
    assert "đang phát trên loa" not in silent
    assert "không có gì đang phát" in silent
    alarm.receipt(made, "dai-xa", sounding=True)
    sounds = await officer.words("/")
    assert "BÁO ĐỘNG ĐANG CÓ HIỆU LỰC đang phát trên loa" in sounds
    assert "không có gì đang phát" not in sounds
    alarm.report(made, "dai-xa", Outcome.PLAYED)
    assert "đang phát trên loa" not in await officer.words("/")
    alarm.receipt(made, "cum-1", sounding=True)
    assert "đang phát trên loa" in await officer.words("/")
    clock[0] = now + timedelta(minutes=20)
    assert "đang phát trên loa" not in await officer.words("/")


async def test_many_alerts_are_one_band_and_a_page_does_not_repeat_its_own(officer: Any, alarm: Any) -> None:
    first, second, drill = alarm.draft(), alarm.draft(), alarm.draft(drill=True)
    for one in (first, second):
        await officer.post(f"/khan-cap/{one}/phat", **HELD)
    page = await officer.get("/")
    assert page.text.count('class="band ') == 1
    assert "2 BÁO ĐỘNG ĐANG CÓ HIỆU LỰC" in page.text
    await officer.post(f"/khan-cap/{drill}/phat", **HELD)
    page = await officer.get(f"/khan-cap/{drill}")
    assert page.text.count('class="band ') == 1
    again = await officer.get(f"/khan-cap/bang-do?tai=/khan-cap/{drill}")
    assert again.text.count('class="band ') == 1


async def test_a_board_knows_when_the_page_around_it_is_old(officer: Any, alarm: Any) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    page = await officer.get(f"/khan-cap/{made}")
    found = re.search(r'id="board" hx-get="([^"]+)"', page.text)
    assert found
    piece = unescape(found[1])
    assert "HX-Refresh" not in (await officer.get(piece)).headers
    await officer.post(f"/khan-cap/{made}/gia-han", minutes="30", seen="1")
    assert (await officer.get(piece)).headers["HX-Refresh"] == "true"


async def test_what_is_over_looks_over(officer: Any, alarm: Any) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    page = await officer.get(f"/khan-cap/{made}")
    assert "real-head" in page.text
    assert "Lời báo động đã phát" not in page.text
    await officer.post(f"/khan-cap/{made}/huy", all_clear="no", seen="1")
    page = await officer.get(f"/khan-cap/{made}")
    assert "real-head" not in page.text
    assert "Lời báo động đã phát" in page.text
    assert page.text.count("có hiệu lực đến") == 1


async def test_one_station_sounds_one_alert(
    officer: Any, alarm: Any, clock: list[datetime], now: datetime
) -> None:
    first, second = alarm.draft(), alarm.draft()
    for seconds, one in enumerate((first, second)):
        await officer.post(f"/khan-cap/{one}/phat", **HELD)
        clock[0] = now + timedelta(seconds=1 + seconds)
        alarm.receipt(one, "dai-xa", sounding=True)
    assert "Đã nhận 1 Đang phát 0" in await officer.words(f"/khan-cap/{first}/bang")
    assert "Đang nhường báo động khác" in await officer.words(f"/khan-cap/{first}/bang")
    assert "Đã nhận 0 Đang phát 1" in await officer.words(f"/khan-cap/{second}/bang")
    alarm.report(second, "dai-xa", Outcome.PLAYED)
    assert "Đã nhận 0 Đang phát 1" in await officer.words(f"/khan-cap/{first}/bang")
