"""What is composed is what was meant: languages, the end, words in writing, and who confirms."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.context import Context
from controller.emergency.content import Source
from controller.emergency.schemas import VoiceForm
from controller.emergency.tables import AlertRevision
from wire.ids import Severity

Browse = Callable[[str], Any]
HELD = {"confirm": "held", "held_s": "2"}
FORM: dict[str, Any] = {
    "kind": "flood",
    "severity": "severe",
    "drill": "real",
    "areas": ["bat-xat-02683"],
    "languages": ["vi"],
    "followed": "vi",
    "source-vi": "standing",
    "source-hmn": "standing",
    "repeats": "3",
    "validity_s": "3600",
    "late": "yes",
    "urgency": "immediate",
    "certainty": "observed",
}


@pytest.fixture
def officer(browser: Browse, alarm: Any) -> Any:
    return browser("alert_officer")


def chosen(page: str) -> list[str]:
    """The languages that are ticked."""
    boxes = re.findall(r'name="languages" value="(\w+)" (checked)?', page)
    return [language for language, checked in boxes if checked]


async def test_languages_follow_the_areas_also_after_a_refusal(officer: Any) -> None:
    refused = await officer.post("/khan-cap/moi", **{**FORM, "kind": "", "areas": []})
    assert chosen(refused.text) == ["vi"]
    assert "data-voices-own" not in refused.text
    again = await officer.post("/khan-cap/moi", **{**FORM, "kind": ""})
    assert chosen(again.text) == ["vi", "hmn"]
    made = await officer.post("/khan-cap/moi", **FORM)
    edited = (await officer.get(f"{made.headers['location']}/sua")).text
    assert chosen(edited) == ["vi", "hmn"]
    assert "data-voices-own" not in edited


async def test_languages_that_a_person_chose_stay_and_what_is_not_spoken_is_named(officer: Any) -> None:
    made = await officer.post("/khan-cap/moi", **{**FORM, "followed": "vi hmn"})
    edited = (await officer.get(f"{made.headers['location']}/sua")).text
    assert chosen(edited) == ["vi"]
    assert "data-voices-own" in edited
    confirm = await officer.words(made.headers["location"])
    assert "còn nói tiếng khác mà báo động không phát: Tiếng Mông ." in confirm.replace("Mông.", "Mông .")


async def test_an_update_keeps_the_end_of_an_extended_alert(
    officer: Any, alarm: Any, context: Context, clock: list[datetime], now: datetime
) -> None:
    made = alarm.draft()
    await officer.post(f"/khan-cap/{made}/phat", **HELD)
    await officer.post(f"/khan-cap/{made}/gia-han", minutes="30", seen="1")
    clock[0] = now + timedelta(minutes=10)
    form = (await officer.get(f"/khan-cap/{made}/sua")).text
    assert re.search(r'<option value="fixed" selected>giữ nguyên, đến 10:30', form)
    assert len(re.findall(r'<select id="validity_s".*?</select>', form, re.DOTALL)[0].split("selected")) == 2
    end = re.search(r'name="expires_at" value="([^"]+)"', form)
    assert end
    typed = {**FORM, "expires_at": end[1], "source-vi": "typed", "text-vi": "Nước còn lên."}
    await officer.post(f"/khan-cap/{made}/sua", **{**typed, "validity_s": "fixed"})
    assert "kết thúc sớm hơn" not in await officer.words(f"/khan-cap/{made}/xac-nhan")
    await officer.post(f"/khan-cap/{made}/sua", **{**typed, "validity_s": "1800"})
    assert "kết thúc sớm hơn" in await officer.words(f"/khan-cap/{made}/xac-nhan")
    assert 'value="fixed" >giữ nguyên' in (await officer.get(f"/khan-cap/{made}/sua")).text
    await officer.post(f"/khan-cap/{made}/sua", **{**typed, "validity_s": "fixed"})
    assert (await officer.post(f"/khan-cap/{made}/cap-nhat", seen="2", **HELD)).status_code == 303
    with context.database.read() as session:
        last = session.query(AlertRevision).order_by(AlertRevision.revision.desc()).first()
        assert last
        assert last.expires_at == now + timedelta(minutes=90)


async def test_a_recording_without_words_is_named(officer: Any, alarm: Any) -> None:
    sound = VoiceForm(language="vi", source=Source.UPLOADED, sound_sha256=alarm.spoken)
    made = alarm.draft(voices=[sound])
    assert "Chưa có lời bằng chữ: bản tin CAP" in await officer.words(f"/khan-cap/{made}")
    assert "(không bắt buộc, nhưng nên có)" in await officer.words(f"/khan-cap/{made}/sua")
    said = alarm.draft(voices=[sound.model_copy(update={"text": "Lũ về."})])
    assert "Chưa có lời bằng chữ" not in await officer.words(f"/khan-cap/{said}")


async def test_each_of_two_officers_reads_what_is_theirs_to_do(
    officer: Any, browser: Browse, alarm: Any, context: Context
) -> None:
    (context.settings.data_dir / "emergency.toml").write_text(
        '[[two_people]]\narea = "bat-xat-02683"\nfrom_severity = "severe"\n'
    )
    made = alarm.draft(severity=Severity.EXTREME)
    assert "bạn soạn và gửi, người thứ hai xác nhận" in await officer.words(f"/khan-cap/{made}")
    await officer.post(f"/khan-cap/{made}/gui", what="press")
    theirs = await browser("second").words(f"/khan-cap/{made}")
    assert "bạn soạn và gửi" not in theirs
    assert "alert_officer đã soạn và gửi. Bạn là người thứ hai" in theirs
    assert "Bạn là người thứ hai" not in await officer.words(f"/khan-cap/{made}")


async def test_no_button_is_called_by_a_colour(officer: Any, alarm: Any) -> None:
    for drill in (True, False):
        page = await officer.words(f"/khan-cap/{alarm.draft(drill=drill)}")
        assert "Giữ nút dưới đây 2 giây." in page


async def test_typing_is_offered_where_the_machine_has_a_voice(officer: Any) -> None:
    page = (await officer.get("/khan-cap/moi")).text
    assert 'name="source-vi" value="typed"' in page
    assert 'name="source-hmn" value="typed"' not in page
    standing = (await officer.get("/khan-cap/mau/flood/hmn")).text
    assert re.search(r'name="source-hmn" value="recorded" checked', standing)
    assert 'value="typed"' not in standing
    empty = {"area_id": "lao-cai", "source-vi": "typed", "text-vi": ""}
    answer = await officer.post("/khan-cap/mau/flood/vi", **empty)
    assert answer.status_code == 422
    assert "Chưa có chữ nào để đọc. Hãy gõ lời cần phát." in answer.text


async def test_a_draft_tells_which_field_is_still_wrong(officer: Any) -> None:
    told = (await officer.post("/khan-cap/luu", **{**FORM, "kind": ""})).json()
    assert told["field"] == "kind"
