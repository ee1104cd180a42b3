"""In a real Chromium: nothing is wider than a 360 px phone or blocked, and forms do what they show."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller.accounts.rules import Principal
from controller.app import create_app
from controller.context import Context
from controller.media.tables import Upload, UploadState
from controller.stations import service as stations
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from controller.web import statics
from schedules.rule import Frequency, Rule
from tests.support.served import served
from wire.ids import StationKind

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATHS = (
    "/",
    "/chuong-trinh",
    "/chuong-trinh/moi",
    "/duyet",
    "/lich-phat",
    "/lich-phat/moi",
    "/luot-phat",
    "/dai",
    "/dai/lap-moi",
    "/he-thong",
)

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists() or not (statics.FOLDER / "dist" / "app.js").exists(),
    reason="needs Debian's chromium and built assets",
)


@pytest.fixture
def address(context: Context, people: Mapping[str, Principal], approved_programme: str) -> Iterator[str]:
    """The pages on a free port of this machine."""
    with served(create_app(context)) as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console had to say."""
    return []


@pytest.fixture
def screen(chromium: "Browser", address: str, password: str, complaints: list[str]) -> "Iterator[Page]":
    """A phone of 360 × 740, signed in as the administrator."""
    phone = chromium.new_context(viewport={"width": 360, "height": 740}, base_url=address)
    page = phone.new_page()
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/dang-nhap")
    page.get_by_label("Tên đăng nhập").fill("administrator")
    page.get_by_label("Mật khẩu").fill(password)
    page.get_by_role("button", name="Đăng nhập").click()
    page.wait_for_url("**/")
    yield page
    phone.close()


def test_no_page_is_wider_than_a_phone_or_meets_its_own_policy(screen: "Page", complaints: list[str]) -> None:
    for path in (*PATHS, "/chuong-trinh/ban-tin-sang"):
        screen.goto(path)
        width = screen.evaluate("document.documentElement.scrollWidth")
        assert (path, width) == (path, 360)
        small = screen.evaluate(
            "[...document.querySelectorAll('a.button, button, select, .nav a')]"
            ".filter(e => e.offsetParent && e.offsetHeight < 40).map(e => e.outerHTML)"
        )
        assert (path, small) == (path, [])
    assert not complaints


def test_how_past_broadcasts_went_fits_a_phone(
    screen: "Page", context: Context, people: Mapping[str, Principal], approved_programme: str, now: datetime
) -> None:
    rule = Rule(frequency=Frequency.ONCE, times=(wall_time(5, 30),), start_date=date(2026, 11, 23))
    draft = ScheduleDraft(
        area_id="bat-xat-02683", title="Bản sáng", rule=rule, programme_ids=(approved_programme,)
    )
    with context.database.write() as session:
        stations.add(
            session,
            now - timedelta(days=1),
            "cum-1",
            "bat-xat-thon-1",
            "Cụm 1",
            kind=StationKind.VILLAGE_CLUSTER,
        )
        timetable.create(session, now - timedelta(hours=5), people["operator"], draft, "sang")
    screen.goto("/luot-phat?xem=da-phat")
    playwright.expect(screen.get_by_text("Chờ báo cáo: 0/1 đài phát đủ")).to_be_visible()
    assert screen.evaluate("document.documentElement.scrollWidth") == 360


def test_the_waveform_is_drawn_from_the_library_s_peaks(screen: "Page", complaints: list[str]) -> None:
    screen.goto("/chuong-trinh/ban-tin-sang")
    canvas = screen.locator(".wave canvas").first
    canvas.wait_for(state="attached")
    assert screen.locator("audio").get_attribute("src") == f"/media/{'5a' * 32}.opus"
    assert not complaints


def test_the_timetable_form_adds_moves_and_previews(screen: "Page", complaints: list[str]) -> None:
    screen.goto("/lich-phat/moi")
    expect = playwright.expect
    screen.get_by_label("Địa bàn phát").select_option(label="— Xã Bát Xát")
    screen.get_by_label("Chương trình 1").select_option(label="Bản tin sáng (1 phút)")
    screen.get_by_role("button", name="Thêm chương trình").click()
    expect(screen.get_by_label("Chương trình 2")).to_be_focused()
    screen.get_by_role("button", name="Bỏ").nth(1).click()
    expect(screen.get_by_label("Chương trình 2")).to_have_count(0)
    expect(screen.get_by_text("Không trùng với lịch phát nào.")).to_be_visible()
    screen.get_by_role("button", name="Thêm giờ phát").click()
    screen.get_by_label("Giờ phát 3").fill("11:15")
    expect(screen.locator("#preview time").first).to_have_text("11:15")
    expect(screen.get_by_label("Chương trình 1")).to_be_visible()
    expect(screen.locator("#playlist [data-do]:visible")).to_have_count(0)
    screen.get_by_role("button", name="Bỏ").nth(1).click()
    expect(screen.get_by_label("Giờ phát 3")).to_have_count(0)
    screen.get_by_label("Ít phút nữa").check(force=True)
    expect(screen.get_by_label("Số phút nữa")).to_be_visible()
    expect(screen.get_by_label("Giờ phát 1")).to_be_hidden()
    expect(screen.locator("#preview time")).to_have_count(1)
    screen.get_by_role("button", name="Lưu lịch phát").click()
    screen.wait_for_url(re.compile("xong=saved"))
    assert not complaints


def test_a_playlist_takes_no_input_while_its_area_is_looked_up(screen: "Page") -> None:
    screen.goto("/lich-phat/moi")
    playlist = screen.locator("[data-rests]")
    inert: list[bool] = []

    def look(route: "Route") -> None:
        inert.append(playlist.evaluate("part => part.inert"))
        route.continue_()

    screen.route("**/lich-phat/chuong-trinh", look)
    screen.get_by_label("Địa bàn phát").select_option("bat-xat-02683")
    playwright.expect(screen.locator("option", has_text="Bản tin sáng")).not_to_have_count(0)
    playwright.expect(playlist).to_have_js_property("inert", value=False)
    assert inert == [True]


def test_a_chosen_recording_is_sent_before_its_form(
    screen: "Page", tmp_path: Path, complaints: list[str]
) -> None:
    recording = tmp_path / "ban_tin.wav"
    recording.write_bytes(b"RIFF no sound")
    screen.goto("/chuong-trinh/moi")
    screen.get_by_label("Chọn tệp âm thanh").set_input_files(recording)
    screen.get_by_label("Nhạc hiệu kết thúc").uncheck()
    screen.get_by_label("Tên chương trình").fill("Giữ nguyên")
    screen.get_by_role("button", name="Gửi duyệt").click()
    expect = playwright.expect
    expect(screen.get_by_text("ban_tin.wav")).to_be_visible()
    expect(screen.get_by_label("Tên chương trình")).to_have_value("Giữ nguyên")
    assert not complaints


def test_a_file_that_is_refused_takes_its_title_away_and_says_so_as_an_error(
    screen: "Page", tmp_path: Path, context: Context
) -> None:
    expect = playwright.expect
    recording = tmp_path / "ban_tin.wav"
    recording.write_bytes(b"RIFF no sound")
    screen.goto("/chuong-trinh/moi")
    screen.evaluate("document.querySelector('[data-upload-to]').dataset.limit = '5'")
    screen.get_by_label("Chọn tệp âm thanh").set_input_files(recording)
    screen.get_by_role("button", name="Tải lên", exact=True).click()
    expect(screen.get_by_role("alert")).to_contain_text("Tệp này quá lớn.")
    screen.evaluate("document.querySelector('[data-upload-to]').dataset.limit = '500'")
    screen.get_by_role("button", name="Tải lên", exact=True).click()
    expect(screen.get_by_label("Tên chương trình")).to_have_value("ban tin")
    expect(screen.locator("#recording[data-state=waiting]")).to_be_visible()
    with context.database.write() as session:
        upload = session.query(Upload).one()
        upload.state, upload.error_key = UploadState.REFUSED, "sound.not_sound"
    expect(screen.get_by_role("alert")).to_contain_text("Không dùng được tệp này")
    expect(screen.get_by_label("Tên chương trình")).to_have_value("")


def test_a_lost_server_is_told_and_forgotten_again(screen: "Page") -> None:
    screen.goto("/dai")
    note = screen.get_by_text("Không liên lạc được với máy chủ.")
    playwright.expect(note).to_be_hidden()
    screen.context.set_offline(True)
    playwright.expect(note).to_be_visible(timeout=15_000)
    screen.context.set_offline(False)
    playwright.expect(note).to_be_hidden(timeout=15_000)


def test_days_and_times_are_said_in_words_and_an_old_preview_is_out_of_sight(
    screen: "Page", complaints: list[str]
) -> None:
    expect = playwright.expect
    screen.goto("/lich-phat/moi?chuong_trinh=ban-tin-sang")
    next_starts = screen.get_by_text("Những lượt phát tới")
    expect(next_starts).to_be_visible()
    screen.get_by_label("Một lần").check(force=True)
    expect(screen.locator("#preview")).to_contain_text("Chưa chọn ngày phát.")
    screen.get_by_label("Ngày phát", exact=True).fill("2026-12-11")
    expect(screen.locator("#once_date + .echo")).to_contain_text("11 tháng 12, 2026")
    expect(screen.locator("#preview")).to_contain_text("Chưa chọn giờ phát.")
    screen.get_by_label("Giờ phát", exact=True).fill("17:05")
    expect(screen.locator("#once_time + .echo")).to_contain_text("5:05")
    expect(screen.locator("#preview time")).to_have_text("17:05")
    assert not complaints
    screen.route("**/lich-phat/xem-truoc", lambda route: route.abort())
    screen.get_by_label("Giờ phát", exact=True).fill("17:06")
    expect(screen.locator("#preview time")).to_be_hidden()
    expect(screen.get_by_text("Không liên lạc được với máy chủ.")).to_be_visible()
    expect(screen.locator("#preview time")).to_be_hidden()


def test_a_code_for_a_board_fits_a_phone(screen: "Page") -> None:
    screen.goto("/dai/lap-moi")
    screen.fill("#name", "Cụm loa thôn Một")
    screen.select_option("#area_id", index=1)
    screen.click("main button.main")
    screen.click("main form button")
    assert re.fullmatch(r"[A-Z0-9]{5}-[A-Z0-9]{5}", screen.inner_text("#code"))
    assert screen.evaluate("document.documentElement.scrollWidth") == 360
