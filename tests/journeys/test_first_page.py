"""The first day in a real browser: record, approve, schedule, watch it sound, miss a station."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import CHROMIUM, chromium, open_page
from tests.support.province import Province
from tests.support.recording import recording

ARTEFACTS = Path(os.environ.get("TEST_ARTEFACTS", "test-artifacts"))
SOUNDING_WITHIN_MS = 180_000
UNREACHABLE_WITHIN_MS = 100_000

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not CHROMIUM.exists() and os.environ.get("CI") != "true",
        reason="chromium is not installed and may not be installed here",
    ),
]


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def test_the_first_day(province: Province, browser: Browser, tmp_path: Path) -> None:
    for station in province.stations.values():
        station.start()
    phone = open_page(browser, province.url, 360, 740)
    desk = open_page(browser, province.url, 1280, 800)
    workshop = open_page(browser, province.url, 1280, 800)

    sign_in(phone, "canbo", province)
    upload_and_submit(phone, recording(tmp_path))
    sign_in(desk, "lanhdao", province)
    send_back(desk)
    answer_and_submit_again(phone)
    approve(desk)

    schedule_daily(phone)
    occurrence = schedule_in_two_minutes(phone)
    watch_it_sound(phone, occurrence)

    sign_in(workshop, "kythuat", province)
    miss_a_station(workshop, province)


def sign_in(page: Page, username: str, province: Province) -> None:
    page.goto("/")
    expect(page).to_have_url(re.compile("/dang-nhap"))
    page.get_by_label("Tên đăng nhập").fill(username)
    page.get_by_label("Mật khẩu").fill("không đúng")
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("alert")).to_contain_text("Tên đăng nhập hoặc mật khẩu")
    page.get_by_label("Mật khẩu").fill(province.password(username))
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page).not_to_have_url(re.compile("/dang-nhap"))
    picture(page, f"{username}-first")


def upload_and_submit(page: Page, mp3: Path) -> None:
    page.goto("/chuong-trinh/moi")
    wrong = mp3.with_name("van-ban.mp3")
    wrong.write_text("Đây là văn bản, không phải âm thanh.\n" * 50, encoding="utf-8")
    page.get_by_label("Tên chương trình").fill("Bản tin thứ hai")
    page.get_by_label("Chọn tệp âm thanh").set_input_files(wrong)
    page.get_by_role("button", name="Tải lên", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Không dùng được tệp này")

    page.get_by_label("Chọn tệp âm thanh").set_input_files(mp3)
    page.get_by_role("button", name="Tải lên", exact=True).click()
    expect(page.get_by_text("Bản ghi âm đã sẵn sàng.")).to_be_visible(timeout=90_000)
    expect(page.get_by_label("Tên chương trình")).to_have_value("Bản tin thứ hai")
    expect(page.get_by_text(re.compile(r"\d+ giây")).first).to_be_visible()
    expect(page.get_by_text("Chuẩn loa truyền thanh")).to_be_visible()
    hear(page)
    picture(page, "upload-ready")
    page.get_by_label("Lĩnh vực").select_option("general")
    page.get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()
    picture(page, "submitted")


def hear(page: Page) -> None:
    """The player's own clock moves: the sound is really decoded and played by the browser."""
    audio = page.locator("audio").first
    expect(page.locator("canvas, svg.wave, [data-peaks]").first).to_be_attached()
    audio.evaluate("player => player.play()")
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.3")
    audio.evaluate("player => player.pause()")


def send_back(page: Page) -> None:
    page.goto("/duyet")
    article = page.get_by_role("article", name="Bản tin thứ hai")
    picture(page, "approvals")
    article.get_by_text("Trả lại để sửa").click()
    article.get_by_role("button", name="Trả lại").click()
    expect(page.get_by_text("Hãy ghi lý do trả lại").first).to_be_visible()
    page.get_by_label("Lý do trả lại").first.fill("Thiếu ngày họp thôn.")
    page.get_by_role("button", name="Trả lại").first.click()
    expect(page.get_by_text("Đã trả lại cho người làm chương trình.")).to_be_visible()


def answer_and_submit_again(page: Page) -> None:
    page.goto("/chuong-trinh")
    page.get_by_role("link", name="Bản tin thứ hai").click()
    expect(page.get_by_text("Thiếu ngày họp thôn.")).to_be_visible()
    picture(page, "sent-back")
    page.get_by_role("button", name="Gửi duyệt").click()
    expect(page.get_by_text("Đã gửi duyệt.")).to_be_visible()


def approve(page: Page) -> None:
    page.goto("/duyet")
    page.get_by_role("article", name="Bản tin thứ hai").get_by_role("button", name="Duyệt").click()
    expect(page.get_by_text("Đã duyệt. Chương trình có thể lên lịch phát.")).to_be_visible()


def schedule_daily(page: Page) -> None:
    """At the demo's own times, so that the conflict is shown before it is saved."""
    page.goto("/lich-phat/moi")
    choose_programme(page)
    page.get_by_text("Hằng ngày", exact=True).click()
    expect(page.get_by_label("Giờ phát 1")).to_have_value("05:30")
    expect(page.get_by_label("Giờ phát 2")).to_have_value("17:00")
    expect(page.get_by_text("Trùng với lịch phát khác")).to_be_visible()
    picture(page, "daily-conflict")
    page.get_by_role("button", name=re.compile("[Ll]ưu lịch phát")).click()
    expect(page.get_by_text("Đã lưu lịch phát.")).to_be_visible()
    picture(page, "daily-saved")


def schedule_in_two_minutes(page: Page) -> str:
    """Returns the path of its occurrence's page."""
    page.goto("/lich-phat/moi")
    choose_programme(page)
    page.get_by_text("Ít phút nữa", exact=True).click()
    expect(page.get_by_label("Số phút nữa")).to_have_value("2")
    expect(page.get_by_text("Những lượt phát tới")).to_be_visible()
    page.get_by_role("button", name="Lưu lịch phát").click()
    expect(page.get_by_text("Đã lưu lịch phát.")).to_be_visible()
    page.get_by_role("listitem").filter(has_text="Một lần").get_by_role("link").first.click()
    path = page.locator("a[href^='/luot-phat/']").first.get_attribute("href")
    assert path
    return path


def choose_programme(page: Page) -> None:
    with page.expect_response("**/lich-phat/chuong-trinh"):
        page.get_by_label("Địa bàn phát").select_option("bat-xat-02683")
    playlist = page.get_by_label("Chương trình 1")
    option = playlist.locator("option", has_text="Bản tin thứ hai").get_attribute("value")
    playlist.select_option(option)


def watch_it_sound(page: Page, occurrence: str) -> None:
    page.goto(occurrence)
    board = page.get_by_role("region", name="Các đài phát lượt này")
    row = board.get_by_role("row", name=re.compile("Đài truyền thanh xã Bát Xát"))
    page.locator("summary", has_text="Bỏ lượt này").click()
    expect(row).to_contain_text("Đang phát", timeout=SOUNDING_WITHIN_MS)
    # What a person opened stays open while the page refreshes itself.
    expect(page.locator("details[open] > summary", has_text="Dừng phát")).to_be_visible()
    picture(page, "sounding")
    expect(board.get_by_role("row").filter(has_text="Đã phát đủ")).to_have_count(2, timeout=90_000)
    expect(row).to_contain_text(re.compile(r"\d+ giây"))
    picture(page, "played")


def miss_a_station(page: Page, province: Province) -> None:
    page.goto("/dai")
    row = page.get_by_role("row", name=re.compile("Cụm loa thôn Bản Vược"))
    expect(row).to_contain_text("Hoạt động tốt")
    picture(page, "stations")
    province.stations["cum-loa-ban-vuoc"].kill()
    expect(row).to_contain_text("Mất liên lạc", timeout=UNREACHABLE_WITHIN_MS)
    picture(page, "unreachable")


def picture(page: Page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    size = page.viewport_size or {"width": 0}
    page.screenshot(path=ARTEFACTS / f"{name}-{size['width']}.png", full_page=True)
