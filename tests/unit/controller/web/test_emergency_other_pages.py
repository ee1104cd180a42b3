"""Standing messages and incoming CAP messages in the browser; alerts on the first page."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.cap.tables import CapMessageRow, CapVerdict
from controller.context import Context
from controller.emergency.tables import AlertRow, AlertState, StandingMessage, StandingState

Browse = Callable[[str], Any]
Read = Callable[[httpx.Response], str]
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>kttv-2026-0042</identifier><sender>dubao@kttv.example</sender>
  <sent>{sent}</sent><status>{status}</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <language>vi-VN</language><category>Met</category><event>Lũ quét</event>
    <urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
    <expires>{expires}</expires><headline>Lũ quét ở Bát Xát</headline>
    <description>Nước suối lên nhanh.</description>
    <area><areaDesc>Bát Xát</areaDesc>
      <geocode><valueName>DVHC</valueName><value>02683</value></geocode></area>
  </info>
</alert>"""


@pytest.fixture
def officer(browser: Browse, alarm: Any) -> Any:
    return browser("alert_officer")


def messages(context: Context) -> list[StandingMessage]:
    with context.database.read() as session:
        return [one for one in session.query(StandingMessage) if one.use == "storm"]


async def test_the_matrix_shows_what_there_is_and_what_is_missing(officer: Any) -> None:
    page = await officer.words("/khan-cap/mau")
    assert "Lũ, ngập lụt Đã duyệt Đã duyệt Lũ quét Chưa có Chưa có" in page
    assert "Báo an Đã duyệt Chưa có" in page
    assert "3 đài chưa từng báo đang giữ những tệp nào." in page


async def test_a_message_is_made_without_a_script_and_approved_by_somebody_else(
    officer: Any, browser: Browse, context: Context, wakes: list[str]
) -> None:
    path = "/khan-cap/mau/storm/vi"
    words = "Bão cấp 10 sắp vào. Bà con ở trong nhà."
    form = {"area_id": "lao-cai", "source-vi": "typed", "text-vi": words}
    answer = await officer.post(path, **form)
    assert answer.headers["location"] == f"{path}?xong=made"
    (made,) = messages(context)
    assert made.state is StandingState.WAITING
    mine = await officer.words("/khan-cap/mau")
    assert words in mine
    assert "Bạn làm bản này nên không tự duyệt được." in mine
    assert "Người duyệt được: administrator, second" in mine
    assert "Thông điệp mẫu chờ bạn duyệt" not in await officer.words("/")
    assert "Thông điệp mẫu chờ bạn duyệt 1" in await browser("second").words("/")
    elsewhere = await browser("approver").words(path)
    assert "ngoài địa bàn mà bạn được duyệt" in elsewhere
    assert "không tự duyệt được" not in elsewhere
    refused = await officer.post(f"/khan-cap/mau/{made.id}/duyet")
    assert refused.status_code == 403
    second = browser("second")
    assert f'action="/khan-cap/mau/{made.id}/duyet"' in (await second.get(path)).text
    answer = await second.post(f"/khan-cap/mau/{made.id}/duyet", back=path)
    assert answer.headers["location"] == f"{path}?xong=approved"
    assert wakes[-1] == "dispatch"
    assert "Đã duyệt. Các đài đang tải về." in await second.words(f"{path}?xong=approved")
    assert (await officer.post(f"/khan-cap/mau/{made.id}/thoi-dung", back="//x")).headers[
        "location"
    ] == "/khan-cap/mau?xong=retired"
    assert [one.state for one in messages(context)] == [StandingState.RETIRED]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"area_id": ""}, "area_id"),
        ({"text-vi": ""}, "voice-vi"),
        ({"source-vi": "recorded"}, "voice-vi"),
    ],
)
async def test_what_is_missing_is_said_at_its_field(
    officer: Any, context: Context, changed: dict[str, str], field: str
) -> None:
    form = {"area_id": "lao-cai", "source-vi": "typed", "text-vi": "Bão sắp vào."}
    answer = await officer.post("/khan-cap/mau/storm/vi", **{**form, **changed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert not messages(context)


async def test_there_is_no_page_for_a_use_or_language_that_is_not_there(officer: Any, read: Read) -> None:
    for path in ("/khan-cap/mau/party/vi", "/khan-cap/mau/storm/xx"):
        answer = await officer.get(path)
        assert answer.status_code == 404
        assert "Không có loại thông điệp mẫu này." in read(answer)


async def bring(officer: Any, content: bytes) -> httpx.Response:
    files = {"file": ("tin.xml", content, "application/xml")}
    answer: httpx.Response = await officer.client.post("/khan-cap/tin-cap", files=files)
    return answer


async def test_a_cap_file_by_hand_becomes_a_proposal(officer: Any, context: Context, now: Any) -> None:
    body = CAP.format(
        sent=now.isoformat(), status="Actual", expires=(now + timedelta(hours=2)).isoformat()
    ).encode()
    answer = await bring(officer, body)
    assert answer.status_code == 303
    page = await officer.words(answer.headers["location"])
    with context.database.read() as session:
        assert [row.verdict for row in session.query(CapMessageRow)] == [CapVerdict.PROPOSED]
        (alert,) = session.query(AlertRow)
        assert alert.state is AlertState.PROPOSED
    assert "Thành đề xuất" in page
    assert "Lũ quét ở Bát Xát" in page
    assert f'href="/khan-cap/{alert.id}"' in (await officer.get("/khan-cap/tin-cap")).text
    assert "Báo động do tin CAP đề xuất 1" in await officer.words("/")
    proposal = await officer.words(f"/khan-cap/{alert.id}")
    assert "Tin CAP đề xuất báo động này; chưa loa nào phát." in proposal
    line = await officer.words("/khan-cap")
    assert "tin của dubao@kttv.example có hiệu lực đến 11:00, 23/11/2026" in line
    form = await officer.get(f"/khan-cap/{alert.id}/sua")
    assert '<option value="fixed" selected>' in form.text


async def test_a_refused_one_is_kept_with_its_reason(officer: Any, now: Any) -> None:
    body = CAP.format(sent=now.isoformat(), status="Test", expires=(now + timedelta(hours=2)).isoformat())
    for raw in (body.encode(), b"<not-cap/>"):
        answer = await bring(officer, raw)
        page = await officer.words(answer.headers["location"])
        assert "Không nhận." in page
    assert "Tin thử (Test), không phát và không thành báo động." in page
    officer.client.cookies.set("loaban_language", "en")
    english = await officer.words("/khan-cap/tin-cap")
    assert "Tin thử" not in english
    assert "A test message (Test): it neither sounds nor becomes an alert." in english
    assert 'href="/api/cap/messages/1/raw"' in (await officer.get("/khan-cap/tin-cap")).text


async def test_no_file_is_told_at_its_field(officer: Any) -> None:
    answer = await bring(officer, b"")
    assert answer.status_code == 422
    assert 'id="file-error"' in answer.text


async def test_nobody_else_brings_cap(browser: Browse, alarm: Any, people: Mapping[str, Principal]) -> None:
    assert (await bring(browser("administrator"), b"<alert/>")).status_code == 403
