"""A technician at a station's page, on a phone and on a desk: measurements, limits, old clusters."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.accounts import service as accounts
from controller.context import Context
from controller.stations import service as stations
from controller.stations.service import HeardHeartbeat
from controller.web import statics
from tests.support.evidence import full_heartbeat

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
CHROMIUM = Path("/usr/bin/chromium")

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists() or not (statics.FOLDER / "dist" / "app.css").exists(),
    reason="needs Debian's chromium and built assets",
)


@pytest.fixture(params=[(360, 740), (1280, 900)], ids=["phone", "desk"])
def screen(
    chromium: "Browser",
    address: str,
    alarm: Any,
    context: Context,
    complaints: list[str],
    request: pytest.FixtureRequest,
) -> "Iterator[Page]":
    """Signed in as the technician; `dai-xa` has just sent all it can measure."""
    now = context.now() - timedelta(seconds=1)
    with context.database.write() as session:
        stations.keep(session, [], [HeardHeartbeat(full_heartbeat("dai-xa", now), now)])
        token = accounts.open_sign_in(session, context.now(), "technician", hours=1)
    width, height = request.param
    window = chromium.new_context(
        viewport={"width": width, "height": height}, base_url=address, locale="vi-VN"
    )
    window.add_cookies([{"name": "loaban_session", "value": token, "url": address}])
    page = window.new_page()
    page.set_default_timeout(10_000)
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    window.close()


def fits(screen: "Page") -> None:
    """Nothing is wider than the window, and what is pressed is large enough for a finger."""
    assert screen.evaluate("document.documentElement.scrollWidth <= innerWidth")
    small = screen.evaluate(
        "[...document.querySelectorAll('main a.button, main button, main select, main summary, .choice')]"
        ".filter(e => e.offsetParent && e.offsetHeight < 44).map(e => e.outerHTML)"
    )
    assert small == []


def test_from_a_weak_horn_to_new_limits_and_an_old_cluster(screen: "Page", complaints: list[str]) -> None:
    screen.goto("/dai/dai-xa")
    expect(screen.get_by_text("Loa nhỏ hơn mẫu").first).to_be_visible()
    expect(screen.get_by_text("812 mA")).to_be_visible()
    fits(screen)
    screen.get_by_role("link", name="Sửa").click()
    screen.get_by_label("To nhất").fill("85")
    screen.get_by_label("Bắt đầu yên lặng").fill("21:00")
    screen.get_by_label("Hết yên lặng").fill("09:00")
    fits(screen)
    screen.get_by_role("button", name="Lưu").click()
    expect(screen.get_by_role("alert")).to_contain_text("rơi vào giờ yên lặng")
    expect(screen.get_by_label("To nhất")).to_have_value("85")
    fits(screen)
    screen.get_by_label("Hết yên lặng").fill("05:00")
    screen.get_by_role("button", name="Lưu").click()
    screen.wait_for_url("**/dai/dai-xa?xong=limits")
    expect(screen.get_by_text("từ 21:00 đến 05:00")).to_be_visible()
    screen.get_by_text("Thêm cụm loa cũ").click()
    screen.get_by_label("Tên cụm loa").fill("Loa có dây chợ xã")
    screen.get_by_label("Dây", exact=True).check()
    fits(screen)
    screen.get_by_role("button", name="Thêm cụm loa").click()
    expect(screen.get_by_text("theo Đài dai-xa")).to_be_visible()
    fits(screen)
    remove = screen.get_by_role("button", name="Bỏ Loa có dây chợ xã")
    expect(remove).to_be_hidden()
    screen.locator("li", has_text="Loa có dây chợ xã").get_by_text("Bỏ", exact=True).click()
    remove.click()
    expect(screen.get_by_text("Chưa có cụm loa cũ nào theo đài này.")).to_be_visible()
    unexpected = [one for one in complaints if "422" not in one]
    assert not unexpected


def test_what_is_typed_outlives_the_part_that_refreshes_itself(screen: "Page") -> None:
    screen.goto("/dai/dai-xa")
    screen.get_by_text("Thêm cụm loa cũ").click()
    screen.get_by_label("Tên cụm loa").fill("Loa đang gõ dở")
    with screen.expect_response("**/chi-tiet"):
        pass
    expect(screen.get_by_label("Tên cụm loa")).to_have_value("Loa đang gõ dở")
    expect(screen.get_by_text("812 mA")).to_be_visible()
