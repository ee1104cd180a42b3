"""A real Chromium (Debian's), with a clean profile, that talks to nobody but the page under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, url: str, width: int, height: int) -> Page:
    """A page of its own, as a person in Việt Nam has it. Requests to any other place fail the test."""
    context = browser.new_context(
        base_url=url,
        locale="vi-VN",
        timezone_id="Asia/Ho_Chi_Minh",
        viewport={"width": width, "height": height},
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.on("request", lambda request: _only_ours(request.url, url))
    return page


def _only_ours(asked: str, ours: str) -> None:
    assert asked.startswith((ours, "data:", "blob:")), f"the page asks a stranger: {asked}"
