"""Alerts in the browser: composing without a script, the second act, two people, and the board."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest

from controller.context import Context
from controller.emergency.content import Source
from controller.emergency.schemas import VoiceForm
from controller.emergency.tables import AlertRevision, AlertRow, AlertState
from wire.ids import Outcome, Severity

Browse = Callable[[str], Any]
Read = Callable[[httpx.Response], str]
HELD = {"confirm": "held", "held_s": "2"}
FORM: dict[str, Any] = {
    "kind": "flood",
    "severity": "severe",
    "drill": "real",
    "areas": ["bat-xat-02683"],
    "languages": ["vi"],
    "source-vi": "standing",
    "repeats": "3",
    "validity_s": "3600",
    "late": "yes",
    "urgency": "immediate",
    "certainty": "observed",
}


@pytest.fixture
def officer(browser: Browse, alarm: Any) -> Any:
    return browser("alert_officer")


def alert_id(answer: httpx.Response) -> str:
    found = re.search(r"kc-\d{8}-[0-9a-f]{8}", answer.headers["location"])
    assert found
    return found[0]


def digest(page: str) -> str:
    """What a page says of the content that it shows."""
    found = re.search(r'name="digest" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def rows(context: Context) -> list[AlertRow]:
    with context.database.read() as session:
        return list(session.query(AlertRow))


@pytest.mark.parametrize("path", ["/khan-cap", "/khan-cap/moi", "/khan-cap/mau", "/khan-cap/tin-cap"])
async def test_each_page_opens_for_whom_it_is_meant(path: str, browser: Browse, alarm: Any) -> None:
    meant = {
        "/khan-cap": {"viewer", "operator", "approver", "alert_officer", "technician", "administrator"},
        "/khan-cap/moi": {"alert_officer"},
        "/khan-cap/mau": {"viewer", "operator", "approver", "alert_officer", "technician", "administrator"},
        "/khan-cap/tin-cap": {"alert_officer", "administrator"},
    }[path]
    for who in ("viewer", "operator", "approver", "alert_officer", "technician", "administrator"):
        answer = await browser(who).get(path)
        assert (who, answer.status_code) == (who, 200 if who in meant else 403)


async def test_the_menu_leads_everybody_to_the_alerts_and_officers_to_a_new_one(
    browser: Browse, stranger: Any, alarm: Any
) -> None:
    assert 'href="/khan-cap"' not in (await stranger.get("/dang-nhap")).text
    for who in ("alert_officer", "administrator", "approver", "viewer", "operator", "technician"):
        assert 'href="/khan-cap"' in (await browser(who).get("/")).text
        front = (await browser(who).get("/khan-cap")).text
        assert ('href="/khan-cap/moi"' in front) is (who == "alert_officer")


async def test_pages_speak_english_too(officer: Any, alarm: Any) -> None:
    made = alarm.draft(drill=True)
    officer.client.cookies.set("loaban_language", "en")
    assert "What is happening? Flood Flash flood Landslide" in await officer.words("/khan-cap/moi")
    confirm = await officer.words(f"/khan-cap/{made}")
    assert "DRILL The loudspeakers say clearly that this is a drill" in confirm
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    assert "ALERT IN FORCE" not in await officer.words("/")
    assert "DRILL IN FORCE Flood: Xã Bát Xát" in await officer.words("/")


async def test_composing_without_a_script(officer: Any, context: Context) -> None:
    """A standing message and typed words; the next page has everything to be heard and checked."""
    typed = {"languages": ["vi", "hmn"], "source-hmn": "standing", "source-vi": "typed"}
    words = "Nước suối lên nhanh, bà con lên chỗ cao."
    answer = await officer.post("/khan-cap/moi", **{**FORM, **typed, "text-vi": words})
    assert answer.status_code == 303
    page = await officer.get(answer.headers["location"])
    assert f"/api/alerts/{alert_id(answer)}/preview.opus?languages=vi%2Chmn" in page.text
    shown = await officer.words(answer.headers["location"])
    assert "Tiếng Việt, Tiếng Mông 3 đài phát như thế này" in shown.replace(" ,", ",")
    assert words in shown
    assert "đài, cụm loa 3" in shown
    assert "liên lạc được ngay lúc này 2" in shown
    assert [row.state for row in rows(context)] == [AlertState.DRAFT]
    edited = await officer.get(f"/khan-cap/{alert_id(answer)}/sua")
    assert words in edited.text
    assert "Máy sẽ đọc:" in edited.text


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"kind": ""}, "kind", "Chưa chọn loại báo động."),
        ({"areas": []}, "area_ids", ""),
        ({"areas": ["muong-hum-02728"]}, "area_ids", "Mường Hum"),
        ({"languages": []}, "voices", ""),
        ({"source-vi": "typed", "text-vi": "  "}, "voice-vi", ""),
        ({"source-vi": "recorded"}, "voice-vi", ""),
        ({"languages": ["vi", "tyz"], "source-tyz": "standing"}, "voice-tyz", "Tiếng Tày"),
        ({"kind": "storm"}, "voice-vi", "Bão"),
    ],
)
async def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(
    officer: Any, context: Context, changed: dict[str, Any], field: str, sentence: str
) -> None:
    kept = {"text-hmn": "Giữ lại chữ này", "title": "Suối Lũng Pô"}
    answer = await officer.post("/khan-cap/moi", **{**FORM, **kept, "source-hmn": "typed", **changed})
    assert answer.status_code in {409, 422}
    assert f'id="{field}-error"' in answer.text
    assert sentence in answer.text
    assert "Giữ lại chữ này" in answer.text
    assert 'value="Suối Lũng Pô"' in answer.text
    assert not rows(context)


async def test_a_draft_is_kept_as_one_goes(officer: Any, context: Context) -> None:
    unfinished = (await officer.post("/khan-cap/luu", **{**FORM, "areas": []})).json()
    assert "unfinished" in unfinished
    assert not rows(context)
    kept = (await officer.post("/khan-cap/luu", **FORM)).json()
    assert kept["address"] == f"/khan-cap/{kept['id']}/sua"
    assert kept["voices"][0]["sound_url"].startswith("/media/")
    again = (await officer.post("/khan-cap/luu", **{**FORM, "draft": kept["id"], "title": "Mới"})).json()
    assert again["id"] == kept["id"]
    assert [row.title for row in rows(context)] == ["Mới"]


async def test_the_form_tells_whom_it_would_reach_and_what_they_speak(officer: Any, context: Context) -> None:
    (context.settings.data_dir / "emergency.toml").write_text(
        '[[two_people]]\narea = "lao-cai"\nfrom_severity = "extreme"\n'
    )
    answer = await officer.post("/khan-cap/toi", areas=["bat-xat-thon-1"], severity="severe")
    assert 'data-area-languages="vi hmn"' in answer.text
    assert "<dd data-stations>1</dd>" in answer.text
    assert "hai người" not in answer.text
    answer = await officer.post(
        "/khan-cap/toi", areas=["bat-xat-thon-1", "muong-hum-02728"], severity="extreme"
    )
    assert "Xã Mường Hum chưa có đài nào" in answer.text
    assert "Mức này tại Tỉnh Lào Cai cần hai người" in answer.text


async def test_it_sounds_only_after_the_second_act(
    officer: Any, alarm: Any, context: Context, read: Read
) -> None:
    made = alarm.draft()
    for wrong in ({}, {"confirm": "Xã Mường Hum"}, {"confirm": "held", "held_s": "0.4"}, {"confirm": "held"}):
        answer = await officer.post(f"/khan-cap/{made}/phat", **wrong)
        assert (wrong, answer.status_code) == (wrong, 422)
        assert 'id="confirm-error"' in answer.text
    assert [row.revision for row in rows(context)] == [0]
    answer = await officer.post(f"/khan-cap/{made}/phat", confirm="bat xat")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/khan-cap/{made}")
    board = await officer.words(f"/khan-cap/{made}")
    assert "Các đài nghe được đến đâu" in board
    assert "Mất liên lạc 1" in board
    assert "Chưa trả lời 2" in board


async def test_two_presses_make_one_alert(officer: Any, alarm: Any, context: Context) -> None:
    made = alarm.draft()
    first = await officer.post(f"/khan-cap/{made}/phat", **HELD)
    second = await officer.post(f"/khan-cap/{made}/phat", **HELD)
    assert first.headers["location"] == second.headers["location"] == f"/khan-cap/{made}"
    with context.database.read() as session:
        assert session.query(AlertRevision).count() == 1


async def _keep_a_thread(release: threading.Event) -> None:
    await anyio.to_thread.run_sync(release.wait)


async def test_a_press_waits_for_no_shared_thread(officer: Any, alarm: Any) -> None:
    """All threads of the daily pages are taken; the press is answered all the same."""
    made = alarm.draft()
    limiter = anyio.to_thread.current_default_thread_limiter()
    before, limiter.total_tokens = limiter.total_tokens, 1
    release = threading.Event()
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_keep_a_thread, release)
            await anyio.wait_all_tasks_blocked()
            with anyio.fail_after(10):
                answer = await officer.post(f"/khan-cap/{made}/phat", **HELD)
            release.set()
    finally:
        release.set()
        limiter.total_tokens = before
    assert answer.status_code == 303


async def test_two_people(officer: Any, browser: Browse, alarm: Any, context: Context) -> None:
    (context.settings.data_dir / "emergency.toml").write_text(
        '[[two_people]]\narea = "bat-xat-02683"\nfrom_severity = "severe"\n'
    )
    made = alarm.draft(severity=Severity.EXTREME)
    assert "Gửi người thứ hai xác nhận" in await officer.words(f"/khan-cap/{made}")
    assert "GIỮ ĐỂ PHÁT" not in await officer.words(f"/khan-cap/{made}")
    assert (await officer.post(f"/khan-cap/{made}/phat", **HELD)).status_code == 409
    assert (await officer.post(f"/khan-cap/{made}/gui", what="press")).status_code == 303
    mine = await officer.words(f"/khan-cap/{made}")
    assert "Đang chờ người thứ hai xác nhận." in mine
    assert "GIỮ ĐỂ PHÁT" not in mine
    assert (await officer.post(f"/khan-cap/{made}/phat", **HELD)).status_code == 403
    second = browser("second")
    assert "Báo động chờ bạn xác nhận 1" in await second.words("/")
    assert "Báo động chờ bạn xác nhận" not in await officer.words("/")
    assert "Xem và xác nhận" in await second.words("/khan-cap")
    theirs = await second.words(f"/khan-cap/{made}")
    assert "alert_officer đề nghị lúc 09:00, 23/11/2026." in theirs
    assert "GIỮ ĐỂ PHÁT" in theirs
    shown = digest((await second.get(f"/khan-cap/{made}")).text)
    changed = {**FORM, "severity": "extreme", "title": "Khác hẳn"}
    assert (await officer.post(f"/khan-cap/{made}/sua", **changed)).status_code == 303
    assert (await officer.post(f"/khan-cap/{made}/gui", what="press")).status_code == 303
    refused = await second.post(f"/khan-cap/{made}/phat", digest=shown, **HELD)
    assert refused.status_code == 409
    assert "Khác hẳn" in refused.text
    assert (await second.post(f"/khan-cap/{made}/phat", **HELD)).status_code == 422
    sent = await second.post(f"/khan-cap/{made}/phat", digest=digest(refused.text), **HELD)
    assert sent.status_code == 303
    history = await second.words(f"/khan-cap/{made}")
    assert "second alert_officer đề nghị" in history


async def test_an_all_clear_sent_by_mistake_is_taken_back(officer: Any, alarm: Any) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    assert "Dừng báo an" not in await officer.words(f"/khan-cap/{made}")
    await officer.post(f"/khan-cap/{made}/huy", all_clear="yes", seen="1")
    assert "Dừng báo an ngay" in await officer.words(f"/khan-cap/{made}")
    answer = await officer.post(f"/khan-cap/{made}/huy", all_clear="no", seen="2")
    assert answer.status_code == 303
    page = await officer.words(f"/khan-cap/{made}")
    assert "Dừng báo an ngay" not in page
    assert "Dừng báo an" in page


async def test_an_update_is_prepared_seen_and_confirmed(officer: Any, alarm: Any, context: Context) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    form = await officer.words(f"/khan-cap/{made}/sua")
    assert "Soạn bản cập nhật" in form
    assert "Không đổi được khi đã phát." in form
    text = {"source-vi": "typed", "text-vi": "Đập đã vỡ. Chạy lên núi ngay."}
    answer = await officer.post(f"/khan-cap/{made}/sua", **{**FORM, **text})
    assert answer.headers["location"] == f"/khan-cap/{made}/xac-nhan"
    confirm = await officer.words(f"/khan-cap/{made}/xac-nhan")
    assert "GIỮ ĐỂ CẬP NHẬT" in confirm
    assert "Đập đã vỡ." in confirm
    assert "Có một bản đang soạn (Cập nhật)." in await officer.words(f"/khan-cap/{made}")
    assert (await officer.post(f"/khan-cap/{made}/cap-nhat", seen="1", **HELD)).status_code == 303
    board = await officer.words(f"/khan-cap/{made}")
    assert "Cập nhật lúc 09:00" in board
    assert "Đập đã vỡ." in board


async def test_extend_repeat_and_cancel(
    officer: Any, alarm: Any, clock: list[datetime], now: datetime
) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    clock[0] = now + timedelta(minutes=10)
    await officer.post(f"/khan-cap/{made}/gia-han", minutes="30", seen="1")
    assert "Có hiệu lực đến 10:30" in await officer.words(f"/khan-cap/{made}")
    refused = await officer.post(f"/khan-cap/{made}/gia-han", minutes="mười", seen="2")
    assert refused.status_code == 422
    assert "GIỮ ĐỂ PHÁT LẠI" in await officer.words(f"/khan-cap/{made}/phat-lai")
    assert (await officer.post(f"/khan-cap/{made}/phat-lai", seen="2", **HELD)).status_code == 303
    clock[0] = now + timedelta(minutes=20)
    answer = await officer.post(f"/khan-cap/{made}/huy", all_clear="yes")
    assert answer.headers["location"] == f"/khan-cap/{made}?xong=cancelled"
    page = await officer.words(f"/khan-cap/{made}")
    assert "Đã hủy" in page
    assert "Hủy báo động ngay" not in page
    assert "Báo an 09:20 Phát lại 09:10 Phát 09:00" in page
    assert "BÁO ĐỘNG ĐANG CÓ HIỆU LỰC" not in page
    assert "Đã hủy" in await officer.words("/khan-cap")


async def test_the_board_counts_says_why_and_opens_by_commune(officer: Any, alarm: Any) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    alarm.receipt(made, "dai-xa", sounding=False)
    alarm.receipt(made, "cum-1", sounding=True)
    board = await officer.words(f"/khan-cap/{made}/bang")
    assert "Đã nhận 1 Đang phát 1 Đã xong 0 Mất liên lạc 1 Không phát được 0" in board
    assert "Đài cum-2 Thôn 2 Mất liên lạc" in board
    assert "Mất liên lạc từ lúc phát" in board
    assert "Đã xong 0 trên 3 đài" in board
    folded = await officer.words(f"/khan-cap/{made}/bang?xa=-")
    assert "Xã Bát Xát 0/3" in folded
    assert "Đài cum-2" not in folded
    assert "Đài cum-2" in await officer.words(f"/khan-cap/{made}/bang?xa=tat-ca")
    alarm.report(made, "dai-xa", Outcome.PLAYED)
    alarm.report(made, "cum-1", Outcome.FAILED, 0.0)
    board = await officer.words(f"/khan-cap/{made}/bang")
    assert "Đã xong 1 Mất liên lạc 1 Không phát được 1" in board
    assert board.index("Đài cum-1") < board.index("Đài cum-2") < board.index("Đài dai-xa")


async def test_it_ends_with_what_became_of_it(
    officer: Any, alarm: Any, clock: list[datetime], now: datetime
) -> None:
    alarm.hear("cum-2")
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    for station in ("dai-xa", "cum-1", "cum-2"):
        alarm.receipt(made, station, sounding=True)
        alarm.report(made, station, Outcome.PLAYED)
    clock[0] = now + timedelta(seconds=50)
    page = await officer.get(f"/khan-cap/{made}/bang")
    assert "Đã rõ kết quả ở mọi đài." in page.text
    assert "Phát đủ 3, phát một phần 0, trên tất cả 3 đài." in page.text
    assert 'hx-trigger="every 15s"' in page.text.split(">", 1)[0]
    clock[0] = now + timedelta(hours=2)
    page = await officer.get(f"/khan-cap/{made}/bang")
    assert "hx-get" not in page.text.split(">", 1)[0]


async def test_everybody_in_the_area_is_told_on_every_page(browser: Browse, officer: Any, alarm: Any) -> None:
    real, drill = alarm.draft(), alarm.draft(drill=True, title="Tập sơ tán")
    for one in (real, drill):
        await officer.post(f"/khan-cap/{one}/phat", **HELD)
    for path in ("/", "/chuong-trinh", "/lich-phat", "/khan-cap", "/khong-co"):
        page = await browser("operator").get(path)
        assert "BÁO ĐỘNG ĐANG CÓ HIỆU LỰC" in page.text
        assert "DIỄN TẬP" in page.text
        assert f'href="/khan-cap/{real}"' in page.text
    assert "BÁO ĐỘNG ĐANG CÓ HIỆU LỰC" not in (await browser("neighbour").get("/")).text
    assert (await browser("neighbour").get(f"/khan-cap/{real}")).status_code == 404
    board = await browser("operator").words(f"/khan-cap/{drill}")
    assert "DIỄN TẬP: Tập sơ tán" in board
    assert "Hủy báo động" not in board


async def test_what_is_put_away_stays_on_record(officer: Any, alarm: Any, context: Context) -> None:
    made = alarm.draft()
    answer = await officer.post(f"/khan-cap/{made}/bo")
    assert answer.headers["location"] == "/khan-cap?xong=discarded"
    assert [row.state for row in rows(context)] == [AlertState.DISCARDED]
    assert (await officer.get(f"/khan-cap/{made}")).status_code == 200


async def test_the_page_may_use_the_microphone_and_nothing_foreign(officer: Any) -> None:
    headers = (await officer.get("/khan-cap/moi")).headers
    assert "microphone=(self)" in headers["permissions-policy"]
    assert "media-src 'self' blob:" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


async def test_a_lost_sign_in_leads_back(stranger: Any, alarm: Any) -> None:
    made = alarm.draft()
    answer = await stranger.post(f"/khan-cap/{made}/phat", **HELD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dang-nhap?tiep=/")
    assert (await stranger.get("/khan-cap")).headers["location"] == "/dang-nhap?tiep=/khan-cap"


async def test_a_recorded_voice_is_kept_with_its_sound(officer: Any, alarm: Any) -> None:
    voices = [VoiceForm(language="vi", source=Source.RECORDED, text="Lũ", sound_sha256=alarm.spoken)]
    made = alarm.draft(voices=voices)
    form = await officer.get(f"/khan-cap/{made}/sua")
    assert f'name="sound-vi" value="{alarm.spoken}"' in form.text
    assert "Thu từ micrô" in await officer.words(f"/khan-cap/{made}")


def test_scripts_and_words_have_no_placeholder_left() -> None:
    """Sentences that scripts fill in take their number or name at `#`."""
    sources = Path(__file__).parents[4] / "controller" / "web"
    for language in ("vi", "en"):
        text = (sources / "text" / language / "page_emergency.toml").read_text(encoding="utf-8")
        for key in ("remove_area", "sound_ready", "save_failed", "save_unfinished"):
            assert re.search(rf'^{key} = ".*#.*"$', text, re.MULTILINE)
