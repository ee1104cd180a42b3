"""Alerts in a real Chromium: held, typed, spoken into a microphone, and watched."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.context import Context
from controller.emergency.tables import AlertRevision, AlertRow
from controller.web import statics
from wire.ids import Outcome

if TYPE_CHECKING:
    from playwright.sync_api import Page

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = Path("/usr/bin/chromium")

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists() or not (statics.FOLDER / "dist" / "emergency.js").exists(),
    reason="needs Debian's chromium and built assets",
)


def bodies(screen: "Page") -> None:
    """Nothing is wider than the phone, and what is pressed is large enough for a finger."""
    assert screen.evaluate("document.documentElement.scrollWidth") == 360
    small = screen.evaluate(
        "[...document.querySelectorAll('a.button, button, select, summary, .nav a, .band, .choice')]"
        ".filter(e => e.offsetParent && e.offsetHeight < 44).map(e => e.outerHTML)"
    )
    assert small == []


def test_every_page_fits_a_phone(screen: "Page", alarm: Any, complaints: list[str]) -> None:
    drill, draft = alarm.draft(drill=True), alarm.draft()
    press(screen, drill)
    for path in (
        "/khan-cap",
        "/khan-cap/moi",
        "/khan-cap/mau",
        "/khan-cap/mau/flood/vi",
        "/khan-cap/tin-cap",
    ):
        screen.goto(path)
        expect(screen.locator(".band")).to_contain_text("DIỄN TẬP")
        bodies(screen)
    for path in (
        f"/khan-cap/{drill}",
        f"/khan-cap/{draft}",
        f"/khan-cap/{draft}/sua",
        f"/khan-cap/{drill}/phat-lai",
    ):
        screen.goto(path)
        bodies(screen)
    assert not complaints


def test_counts_are_seen_at_once_and_a_cancel_is_seen_whole(screen: "Page", alarm: Any) -> None:
    screen.goto("/khan-cap")
    bodies(screen)
    made = alarm.draft()
    for one in (made, alarm.draft(), alarm.draft(drill=True)):
        press(screen, one)
    screen.goto(f"/khan-cap/{made}")
    menu = screen.locator("nav.nav").bounding_box()
    counts = screen.locator("#board .counts").bounding_box()
    assert menu
    assert counts
    assert counts["y"] + counts["height"] < menu["y"]
    screen.get_by_text("Hủy báo động", exact=True).click()
    screen.wait_for_function(
        "top => document.querySelector('#huy button').getBoundingClientRect().bottom < top", arg=menu["y"]
    )


def test_what_is_around_the_board_follows_it(screen: "Page", alarm: Any) -> None:
    made = alarm.draft()
    press(screen, made)
    screen.goto(f"/khan-cap/{made}")
    expect(screen.get_by_text("Gia hạn", exact=True)).to_be_visible()
    screen.request.post(f"/khan-cap/{made}/huy", form={"all_clear": "no", "seen": "1"}, max_redirects=0)
    expect(screen.get_by_text("Gia hạn", exact=True)).to_have_count(0)
    expect(screen.get_by_text("Lời báo động đã phát")).to_be_visible()
    expect(screen.locator(".band")).to_have_count(0)


def press(screen: "Page", alert_id: str) -> None:
    answer = screen.request.post(
        f"/khan-cap/{alert_id}/phat", form={"confirm": "held", "held_s": "2"}, max_redirects=0
    )
    assert answer.status == 303


def test_it_must_be_held(screen: "Page", alarm: Any, context: Context, complaints: list[str]) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    hold = screen.get_by_role("button", name="GIỮ ĐỂ PHÁT")
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    assert box
    screen.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    screen.mouse.down()
    expect(screen.get_by_text("Đang giữ… thả ra để thôi.")).to_be_visible()
    screen.wait_for_function(
        "() => Number(document.querySelector('[data-hold]').style.getPropertyValue('--held')) > 0.3"
    )
    screen.mouse.up()
    expect(screen.get_by_text("Chưa phát gì: bạn thả ra sớm.")).to_be_visible()
    assert not pressed(context)
    screen.mouse.down()
    expect(screen.get_by_role("heading", name="Các đài nghe được đến đâu")).to_be_visible()
    screen.mouse.up()
    assert pressed(context) == [made]
    assert not complaints


def pressed(context: Context) -> list[str]:
    with context.database.read() as session:
        return [row.id for row in session.query(AlertRow) if row.revision]


def test_it_can_be_held_with_the_keyboard(screen: "Page", alarm: Any, context: Context) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    screen.get_by_role("button", name="GIỮ ĐỂ PHÁT").focus()
    screen.keyboard.press("Space")
    expect(screen.get_by_text("Chưa phát gì: bạn thả ra sớm.")).to_be_visible()
    assert not pressed(context)
    screen.keyboard.down("Space")
    expect(screen.get_by_role("heading", name="Các đài nghe được đến đâu")).to_be_visible()
    screen.keyboard.up("Space")
    assert pressed(context) == [made]


def test_or_the_name_is_typed(screen: "Page", alarm: Any, context: Context) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    screen.get_by_text("Hoặc gõ tên địa bàn để xác nhận").click()
    field = screen.get_by_label("Gõ lại: Xã Bát Xát")
    field.fill("Mường Hum")
    screen.get_by_role("button", name="Phát ngay").click()
    expect(field).to_have_value("Mường Hum")
    expect(screen.locator("#confirm-error")).to_be_visible()
    assert not pressed(context)
    field.fill("bát xát")
    screen.get_by_role("button", name="Phát ngay").click()
    expect(screen.get_by_role("heading", name="Các đài nghe được đến đâu")).to_be_visible()


def test_areas_are_found_without_marks_and_counted(screen: "Page", alarm: Any, complaints: list[str]) -> None:
    screen.goto("/khan-cap/moi")
    find = screen.get_by_label("Tìm xã, thôn, bản")
    find.fill("muong hum")
    expect(screen.get_by_label("Xã Mường Hum", exact=True)).to_be_visible()
    expect(screen.get_by_label("Xã Bát Xát", exact=True)).to_be_hidden()
    find.fill("khong co dau")
    expect(screen.get_by_text("Không tìm thấy địa bàn nào như vậy.")).to_be_visible()
    find.fill("thon 1")
    screen.get_by_label("Thôn 1", exact=True).check()
    expect(screen.locator("[data-stations]")).to_have_text("1")
    expect(screen.get_by_role("checkbox", name="Tiếng Mông", exact=True)).to_be_checked()
    find.fill("bat xat")
    screen.get_by_label("Xã Bát Xát", exact=True).check()
    expect(screen.locator("[data-stations]")).to_have_text("3")
    expect(screen.locator("[data-reachable]")).to_have_text("2")
    expect(screen.get_by_label("Thôn 1", exact=True)).to_be_disabled()
    expect(screen.locator("[data-areas-chosen] button")).to_have_text(["Xã Bát Xát"])
    screen.get_by_role("button", name="Bỏ Xã Bát Xát").click()
    expect(screen.locator("[data-areas-chosen] button")).to_have_text(["Thôn 1"])
    expect(screen.locator("[data-stations]")).to_have_text("1")
    assert not complaints


def compose(screen: "Page") -> None:
    """Kind and area of a flood in Bát Xát."""
    screen.goto("/khan-cap/moi")
    screen.locator("label", has_text="Lũ, ngập lụt").click()
    screen.get_by_label("Tìm xã, thôn, bản").fill("bat xat")
    screen.get_by_label("Xã Bát Xát", exact=True).check()
    expect(screen.get_by_role("checkbox", name="Tiếng Mông", exact=True)).to_be_checked()


def test_a_standing_message_is_there_to_hear(screen: "Page", alarm: Any, complaints: list[str]) -> None:
    compose(screen)
    expect(screen.get_by_text("Đã lưu bản nháp lúc")).to_be_visible()
    voice = screen.locator("#voice-hmn")
    expect(voice.locator("[data-voice-standing]")).to_contain_text("Nước lũ đang lên nhanh.")
    expect(voice.locator("audio")).to_have_attribute("src", f"/media/{alarm.spoken}.opus")
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.get_by_role("heading", name="Nghe đúng như loa sẽ phát")).to_be_visible()
    audio = screen.locator("audio").first
    audio.evaluate("player => player.play()")
    screen.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")
    assert audio.evaluate("player => player.duration") > 15
    assert not complaints


def test_the_microphone_is_heard_and_kept(screen: "Page", alarm: Any, complaints: list[str]) -> None:
    compose(screen)
    voice = screen.locator("#voice-vi")
    voice.locator("label", has_text="Thu từ micrô").click()
    voice.get_by_role("button", name="Bắt đầu thu").click()
    expect(voice.get_by_text("Đang thu.")).to_be_visible()
    screen.wait_for_function("() => document.querySelector('#voice-vi meter').value > 0.05")
    expect(voice.locator("[data-voice-clock]")).to_have_text("0:02")
    voice.get_by_role("button", name="Dừng thu").click()
    expect(voice.get_by_text("Đã có âm thanh")).to_be_visible(timeout=20_000)
    sound = voice.locator("[data-voice-sound]").input_value()
    expect(voice.locator("audio")).to_have_attribute("src", f"/media/{sound}.opus")
    voice.locator("textarea").fill("Lũ về, bà con lên chỗ cao.")
    expect(screen.get_by_text("Đã lưu bản nháp lúc")).to_be_visible()
    screen.get_by_role("button", name="Nghe lại và xác nhận").click()
    expect(screen.get_by_text("Thu từ micrô")).to_be_visible()
    assert not complaints


def test_typed_words_are_read_and_shown_as_they_are_read(screen: "Page", alarm: Any) -> None:
    compose(screen)
    voice = screen.locator("#voice-vi")
    voice.locator("label", has_text="Gõ chữ, máy đọc").click()
    voice.locator("textarea").fill("Gió cấp 6-7.")
    voice.get_by_role("button", name="Nghe máy đọc").click()
    expect(voice.locator("[data-voice-reading]")).to_contain_text("cấp sáu đến bảy", ignore_case=True)
    expect(voice.locator("audio")).to_be_visible()
    voice.locator("textarea").fill("Gió cấp 8.")
    expect(voice.get_by_text("Chữ đã đổi")).to_be_visible()
    expect(voice.locator("audio")).to_be_hidden()


def test_nothing_is_lost_at_a_reload_or_without_a_server(screen: "Page", alarm: Any) -> None:
    screen.goto("/khan-cap/moi")
    screen.locator("label", has_text="Cháy rừng").click()
    screen.get_by_label("Tìm xã, thôn, bản").fill("thon 1")
    screen.get_by_label("Thôn 1", exact=True).check()
    screen.locator("#voice-vi label", has_text="Gõ chữ, máy đọc").click()
    screen.locator("#text-vi").fill("Cháy ở Khu 3.")
    expect(screen.get_by_text("Đã giữ trên máy này.")).to_be_visible()
    screen.reload()
    expect(screen.get_by_text("Đã lấy lại nội dung bạn soạn dở")).to_be_visible()
    expect(screen.locator("#text-vi")).to_have_value("Cháy ở Khu 3.")
    expect(screen.get_by_label("Cháy rừng")).to_be_checked()
    expect(screen.locator("[data-stations]")).to_have_text("1")
    screen.context.set_offline(True)
    screen.locator("#text-vi").fill("Cháy ở Khu 3, chạy ngay.")
    expect(screen.get_by_text("Chưa lưu được bản nháp, sẽ tự thử lại.")).to_be_visible()
    screen.context.set_offline(False)
    expect(screen.get_by_text("Đã giữ trên máy này.")).to_be_visible()
    screen.get_by_role("button", name="Bỏ, soạn lại từ đầu").click()
    expect(screen.get_by_label("Cháy rừng")).not_to_be_checked()


def test_the_board_follows_without_a_reload(screen: "Page", alarm: Any, complaints: list[str]) -> None:
    made = alarm.draft()
    press(screen, made)
    screen.goto(f"/khan-cap/{made}")
    screen.evaluate("window.same = true")
    counted = {group: screen.locator(f"[data-group={group}] dd") for group in ("sounding", "finished")}
    expect(counted["sounding"]).to_have_text("0")
    alarm.receipt(made, "cum-1", sounding=True)
    expect(counted["sounding"]).to_have_text("1", timeout=5_000)
    expect(screen.get_by_role("row", name=re.compile("Đài cum-1"))).to_contain_text("Đang phát")
    alarm.report(made, "cum-1", Outcome.PLAYED)
    expect(counted["finished"]).to_have_text("1", timeout=5_000)
    screen.get_by_role("link").filter(has_text="Xã Bát Xát 1/3").click()
    expect(screen.get_by_role("row", name=re.compile("Đài cum-1"))).to_have_count(0)
    assert screen.evaluate("window.same")
    assert not complaints


def test_two_presses_of_an_impatient_finger_make_one_alert(
    screen: "Page", alarm: Any, context: Context
) -> None:
    made = alarm.draft()
    screen.goto(f"/khan-cap/{made}")
    other = screen.context.new_page()
    other.goto(f"/khan-cap/{made}")
    for page in (screen, other):
        page.get_by_role("button", name="GIỮ ĐỂ PHÁT").focus()
        page.keyboard.down("Enter")
    for page in (screen, other):
        expect(page.get_by_role("heading", name="Các đài nghe được đến đâu")).to_be_visible()
    with context.database.read() as session:
        assert session.query(AlertRevision).count() == 1
