"""A technician adds a station and takes a code for its board; nobody else is offered that."""

import re
from collections.abc import Callable
from typing import Any

from controller.context import Context

Browsing = Callable[[str], Any]
FORM = {"name": "Cụm loa thôn 1", "area_id": "bat-xat-thon-1", "kind": "village_cluster", "id": ""}


async def test_from_the_list_to_the_code(
    browser: Browsing, context: Context, wakes: list[str], read: Callable[..., str]
) -> None:
    technician = browser("technician")
    assert "Lắp đài mới" in await technician.words("/dai")
    answer = await technician.post("/dai/lap-moi", **FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dai/cum-loa-thon-1/bo-mach")
    assert "dispatch" in wakes
    assert "Chưa có bo mạch nào" in await technician.words("/dai/cum-loa-thon-1/bo-mach")

    shown = read(await technician.post("/dai/cum-loa-thon-1/bo-mach"))
    code = re.search(r"[A-Z0-9]{5}-[A-Z0-9]{5}", shown)
    assert code is not None
    assert f"sudo loaban-agent enrol --controller http://loaban --code {code[0]} --plain-http" in shown

    later = await technician.words("/dai/cum-loa-thon-1/bo-mach")
    assert code[0] not in later
    assert "Đang có một mã chưa dùng" in later
    assert "Lắp bo mạch" in await technician.words("/dai/cum-loa-thon-1")


async def test_what_is_missing_is_said_at_its_field(browser: Browsing, read: Callable[..., str]) -> None:
    technician = browser("technician")
    for changed, sentence in (
        ({"name": " "}, "Chưa có tên đài"),
        ({"area_id": ""}, "Chưa chọn địa bàn"),
        ({"kind": "radio"}, "Chưa chọn loại đài"),
        ({"id": "Đài 1"}, "không hợp lệ"),
        ({"id": "bang"}, "Đã có đài mang mã"),
    ):
        answer = await technician.post("/dai/lap-moi", **(FORM | changed))
        assert answer.status_code in {409, 422}
        assert sentence in read(answer)
        assert f'id="{next(iter(changed))}-error"' in answer.text


async def test_others_are_neither_offered_nor_allowed(browser: Browsing, context: Context) -> None:
    assert (await browser("technician").post("/dai/lap-moi", **FORM)).status_code == 303
    for who in ("operator", "viewer"):
        other = browser(who)
        assert (await other.get("/dai/lap-moi")).status_code == 403
        assert (await other.post("/dai/lap-moi", **FORM)).status_code == 403
        assert (await other.get("/dai/cum-loa-thon-1/bo-mach")).status_code == 403
        assert (await other.post("/dai/cum-loa-thon-1/bo-mach")).status_code == 403
    assert "Lắp đài mới" not in await browser("operator").words("/dai")


async def test_no_area_is_chosen_for_the_technician(browser: Browsing) -> None:
    shown = (await browser("technician").get("/dai/lap-moi")).text
    assert re.findall(r'<option value="([^"]*)" selected', shown)[0] == ""
    assert "Chọn nơi đặt đài" in shown
