"""Composing and confirming in a real Chromium: no network, what is kept, and what follows."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.context import Context
from controller.emergency.tables import AlertRow
from controller.web import statics

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
RUNS = re.compile(r"^0:(0[1-9]|[1-5]\d)$")
BOARD = "Các đài nghe được đến đâu"

pytestmark = pytest.mark.skipif(
    not Path("/usr/bin/chromium").exists() or not (statics.FOLDER / "dist" / "emergency.js").exists(),
    reason="needs Debian's chromium and built assets",
)


def hold(screen: "Page", name: str = "GIỮ ĐỂ PHÁT") -> None:
    screen.get_by_role("button", name=name).focus()
    screen.keyboard.down("Space")


def revisions(context: Context) -> int:
    """How often something was carried out."""
    with context.database.read() as session:
        return sum(row.revision for row in session.query(AlertRow))


def test_without_a_network_the_page_stays_and_sends_again(
    screen: "Page", alarm: Any, context: Context
) -> None:
    made = alarm.draft()
    screen.goto("/khan-cap")
    screen.goto(f"/khan-cap/{made}")
    screen.context.set_offline(True)
    hold(screen)
    expect(screen.get_by_text("Chưa biết đã gửi được chưa: không liên lạc được")).to_be_visible()
    expect(screen.get_by_text("Đang thử lại, lần 3")).to_be_visible()
    assert not revisions(context)
    screen.context.set_offline(False)
    expect(screen.get_by_role("heading", name=BOARD)).to_be_visible()
    screen.keyboard.up("Space")
    assert revisions(context) == 1
    screen.go_back()
    assert screen.url.endswith("/khan-cap")


def test_an_answer_that_was_lost_is_asked_for_again(screen: "Page", alarm: Any, context: Context) -> None:
    """The alert went out, and the controller died before it said so."""
    made = alarm.draft()
    lost: list[int] = []

    def answer(route: "Route") -> None:
        if len(lost) > 1:
            route.continue_()
            return
        lost.append(route.fetch(max_redirects=0).status)
        route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    screen.route(f"**/khan-cap/{made}/phat", answer)
    screen.goto(f"/khan-cap/{made}")
    hold(screen)
    expect(screen.get_by_text("máy chủ chưa xử lý được")).to_be_visible()
    expect(screen.get_by_role("heading", name=BOARD)).to_be_visible()
    assert lost == [303, 303]
    assert revisions(context) == 1


def test_what_is_refused_is_said_on_the_page_and_can_be_held_again(
    screen: "Page", alarm: Any, context: Context
) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    screen.locator('[name="digest"]').evaluate("field => { field.value = '0'.repeat(64) }")
    hold(screen)
    expect(screen.locator('.notice[role="alert"]')).to_be_visible()
    screen.keyboard.up("Space")
    assert not revisions(context)
    hold(screen)
    expect(screen.get_by_role("heading", name=BOARD)).to_be_visible()


def test_a_repeat_leads_to_the_board_and_back_does_not_offer_it_again(
    screen: "Page", alarm: Any, context: Context
) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    hold(screen)
    expect(screen.get_by_role("heading", name=BOARD)).to_be_visible()
    screen.keyboard.up("Space")
    screen.goto("/khan-cap")
    screen.goto(f"/khan-cap/{made}/phat-lai")
    hold(screen, "GIỮ ĐỂ PHÁT LẠI")
    expect(screen.get_by_role("heading", name=BOARD)).to_be_visible()
    assert revisions(context) == 2
    screen.go_back()
    assert screen.url.endswith("/khan-cap")


def choose(screen: "Page", kind: str = "Lũ, ngập lụt") -> None:
    screen.locator("label", has_text=kind).first.click()
    screen.get_by_label("Tìm xã, thôn, bản").fill("bat xat")
    screen.get_by_label("Xã Bát Xát", exact=True).check()


def test_languages_follow_after_a_refusal_until_a_person_chooses(screen: "Page", alarm: Any) -> None:
    screen.goto("/khan-cap/moi")
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.locator("#kind-error")).to_be_visible()
    choose(screen)
    hmong = screen.get_by_role("checkbox", name="Tiếng Mông", exact=True)
    expect(hmong).to_be_checked()
    expect(screen.get_by_text("Đã lưu bản nháp lúc")).to_be_visible()
    hmong.uncheck()
    screen.get_by_role("button", name="Bỏ Xã Bát Xát").click()
    expect(screen.get_by_text("Chọn địa bàn để biết")).to_be_visible()
    screen.get_by_label("Xã Bát Xát", exact=True).check()
    expect(screen.locator("[data-stations]")).to_have_text("3")
    expect(hmong).not_to_be_checked()


def test_what_is_mended_is_not_marked_as_wrong_any_more(screen: "Page", alarm: Any) -> None:
    screen.goto("/khan-cap/moi")
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.locator("#kind-error")).to_be_visible()
    choose(screen)
    expect(screen.get_by_text("Đã lưu bản nháp lúc")).to_be_visible()
    expect(screen.locator(".error")).to_have_count(0)
    expect(screen.locator(".has-error, [aria-invalid]")).to_have_count(0)
    expect(screen.locator('#compose .notice[role="alert"]')).to_have_count(0)


def recording(screen: "Page") -> "Locator":
    """Vietnamese, being recorded."""
    screen.goto("/khan-cap/moi")
    choose(screen)
    voice: Locator = screen.locator("#voice-vi")
    voice.locator("label", has_text="Thu từ micrô").click()
    voice.get_by_role("button", name="Bắt đầu thu").click()
    expect(voice.locator("[data-voice-clock]")).to_have_text(RUNS)
    return voice


def test_going_on_while_recording_keeps_the_recording(screen: "Page", alarm: Any) -> None:
    recording(screen)
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.get_by_role("heading", name="Nghe đúng như loa sẽ phát")).to_be_visible(timeout=20_000)
    expect(screen.get_by_text("Thu từ micrô")).to_be_visible()
    expect(screen.get_by_text("Chưa có lời bằng chữ: bản tin CAP")).to_be_visible()


def test_another_way_and_back_loses_no_recording(screen: "Page", alarm: Any) -> None:
    voice = recording(screen)
    voice.locator("label", has_text="Gõ chữ, máy đọc").click()
    expect(voice.get_by_text("Đã có âm thanh")).to_be_visible(timeout=20_000)
    sound = voice.locator("[data-voice-sound]")
    expect(sound).to_have_value("")
    voice.locator("textarea").fill("Lũ về, bà con lên chỗ cao.")
    voice.locator("label", has_text="Thu từ micrô").click()
    expect(sound).not_to_have_value("")
    expect(voice.locator("audio")).to_have_attribute("src", f"/media/{sound.input_value()}.opus")


def test_a_recording_without_a_network_is_sent_later(screen: "Page", alarm: Any) -> None:
    voice = recording(screen)
    screen.context.set_offline(True)
    voice.get_by_role("button", name="Dừng thu").click()
    expect(voice.get_by_text("trang này vẫn giữ")).to_be_visible()
    screen.context.set_offline(False)
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.get_by_role("heading", name="Nghe đúng như loa sẽ phát")).to_be_visible(timeout=20_000)
    expect(screen.get_by_text("Thu từ micrô")).to_be_visible()


def test_a_double_click_opens_one_microphone(screen: "Page", alarm: Any) -> None:
    screen.add_init_script(
        "const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
        "window.streams = [];"
        "navigator.mediaDevices.getUserMedia = async (wish) => {"
        "  const one = await open(wish); window.streams.push(one); return one; };"
    )
    screen.goto("/khan-cap/moi")
    choose(screen)
    voice = screen.locator("#voice-vi")
    voice.locator("label", has_text="Thu từ micrô").click()
    voice.locator("[data-voice-record]").evaluate("button => { button.click(); button.click(); }")
    expect(voice.locator("[data-voice-clock]")).to_have_text(RUNS)
    voice.get_by_role("button", name="Dừng thu").click()
    expect(voice.get_by_text("Đã có âm thanh")).to_be_visible(timeout=20_000)
    live = "window.streams.flatMap(one => one.getTracks()).filter(one => one.readyState === 'live').length"
    assert screen.evaluate("window.streams.length") == 1
    assert screen.evaluate(live) == 0
