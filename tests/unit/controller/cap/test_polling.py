"""Feeds: read when due, each message once, and nothing in them makes us ask where we should not."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from controller.cap.polling import Polling, WrongSources
from controller.cap.sources import Source
from controller.cap.tables import CapFeedState
from tests.support.cap import SENDER, message
from tests.support.cap_world import CapWorld
from tests.support.waiting import eventually


@dataclass
class Site:
    """Pages by path: a body, and headers or a status of their own; `asked` are the paths in order."""

    pages: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    held: dict[str, threading.Event] = field(default_factory=dict)
    """What is not answered before this."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        if self.path in self.site.held:
            self.site.held[self.path].wait(20)
        headers = self.site.headers.get(self.path, {})
        status = self.site.statuses.get(self.path, 200 if self.path in self.site.pages else 404)
        if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status = 304
        body = self.site.pages.get(self.path, b"") if status == 200 else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def configure(world: CapWorld, *feeds: str, more: str = "") -> Polling:
    folder = world.context.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        f'[[source]]\nname = "s{number}"\nsenders = ["{SENDER}"]\nfeed = "{feed}"\n{more}\n'
        '[[source.rule]]\nareas = ["lao-cai"]\naction = "fire"\n'
        for number, feed in enumerate(feeds, 1)
    ]
    (folder / "cap.toml").write_text("".join(parts), encoding="utf-8")
    return Polling(world.context, world.reception)


def states(world: CapWorld) -> dict[str, CapFeedState]:
    with world.context.database.read() as session:
        return {row.source: row for row in session.query(CapFeedState)}


def later(world: CapWorld, polling_: Polling, seconds: float = 61) -> None:
    world.clock[0] += timedelta(seconds=seconds)
    polling_.run()


def atom(*entries: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()


def entry(href: str, updated: str = "1", type_: str = "application/cap+xml") -> str:
    links = f'<link rel="related" href="/no"/><link type="{type_}" href="{href}"/>'
    return f"<entry>{links}<updated>{updated}</updated></entry>"


def test_a_linked_message_is_fetched_and_fires_once(world: CapWorld, site: Site) -> None:
    site.pages = {"/feed": atom(entry("m1.xml")), "/m1.xml": message(world.clock[0])}
    job = configure(world, f"{site.url}/feed")
    job.run()
    assert len(world.in_force()) == 1
    later(world, job)
    assert site.asked == ["/feed", "/m1.xml", "/feed"]
    Polling(world.context, world.reception).run()
    world.clock[0] += timedelta(seconds=61)
    Polling(world.context, world.reception).run()
    assert len(world.messages()) == len(world.performed) == 1


def test_it_is_read_when_it_is_due_and_not_before(world: CapWorld, site: Site) -> None:
    site.pages = {"/feed": atom()}
    job = configure(world, f"{site.url}/feed", more="every_s = 30")
    for seconds in (0, 20, 11, 5):
        later(world, job, seconds)
    assert site.asked == ["/feed", "/feed"]


def test_what_has_not_changed_is_not_read_again(world: CapWorld, site: Site) -> None:
    site.pages, site.headers = {"/feed": atom()}, {"/feed": {"ETag": '"1"'}}
    job = configure(world, f"{site.url}/feed")
    job.run()
    later(world, job)
    assert states(world)["s1"].etag == '"1"'
    assert states(world)["s1"].failed_at is None


@pytest.mark.parametrize("kind", ["atom", "rss", "alone"])
def test_messages_inside_the_feed(world: CapWorld, site: Site, kind: str) -> None:
    inside = message(world.clock[0]).decode().partition("?>")[2]
    pages = {
        "atom": atom(f'<entry><content type="text/xml">{inside}</content></entry>'),
        "rss": f"<rss><channel><item><title>x</title>{inside}</item></channel></rss>".encode(),
        "alone": inside.encode(),
    }
    site.pages = {"/feed": pages[kind]}
    configure(world, f"{site.url}/feed").run()
    assert len(world.in_force()) == 1


def test_rss_with_plain_links(world: CapWorld, site: Site) -> None:
    items = f"<item><link>{site.url}/m1</link><pubDate>x</pubDate></item><item><link> </link></item>"
    site.pages = {"/feed": f"<rss><channel>{items}</channel></rss>".encode(), "/m1": message(world.clock[0])}
    configure(world, f"{site.url}/feed").run()
    assert len(world.in_force()) == 1


def test_the_oldest_entry_comes_first(world: CapWorld, site: Site) -> None:
    now = world.clock[0]
    cancel = message(now, "M-2", msgType="Cancel", references=[("M-1", now)], infos=[])
    site.pages = {"/feed": atom(entry("m2"), entry("m1")), "/m1": message(now), "/m2": cancel}
    configure(world, f"{site.url}/feed").run()
    assert [row.verdict for row in world.messages()] == ["fired", "applied"]


def test_a_bad_feed_holds_up_no_other(world: CapWorld, site: Site) -> None:
    bomb = b'<!DOCTYPE feed [<!ENTITY a "x">]>' + atom()
    site.pages = {
        "/bomb": bomb,
        "/html": b"<html><p>not a feed",
        "/huge": b" " * 5_000_001,
        "/gzip": gzip.compress(b" " * 50_000_000),
        "/bad-link": atom(entry("http://[oops"), entry("m1")),
        "/m1": message(world.clock[0], "M-0", status="Test"),
        "/good": atom(entry("m2")),
        "/m2": message(world.clock[0]),
    }
    site.headers = {"/gzip": {"Content-Encoding": "gzip"}}
    site.statuses = {"/broken": 500}
    names = ("bomb", "html", "huge", "gzip", "broken", "missing", "bad-link", "good")
    configure(world, "http://127.0.0.1:1/refused", *(f"{site.url}/{name}" for name in names)).run()
    found = states(world)
    failed = {name for number, name in enumerate(("refused", *names), 1) if found[f"s{number}"].failure}
    assert failed == {"refused", "bomb", "html", "huge", "gzip", "broken", "missing"}
    assert {row.reason for row in world.messages()} == {"cap.is_test", None}
    assert len(world.in_force()) == 1


def test_a_slow_feed_holds_up_no_other(world: CapWorld, site: Site) -> None:
    """It answers only when the other's message sounds."""
    release = threading.Event()
    site.pages = {"/slow": atom(), "/good": atom(entry("m1")), "/m1": message(world.clock[0])}
    site.held = {"/slow": release}
    job = configure(world, f"{site.url}/slow", f"{site.url}/good")
    running = threading.Thread(target=job.run)
    running.start()
    try:
        eventually(lambda: world.in_force() or None, "the other feed's message sounds", within_s=8)
    finally:
        release.set()
        running.join()
    assert states(world)["s1"].failed_at is None


def test_a_mistake_in_the_file_of_sources_is_a_sentence_beside_the_job(world: CapWorld) -> None:
    job = configure(world)
    (world.context.settings.data_dir / "cap.toml").write_text('[[source]]\nname = "a"', encoding="utf-8")
    with pytest.raises(WrongSources, match="nguồn “a” ghi sai “senders”"):
        job.run()


def test_a_feed_that_comes_back_is_well_again(world: CapWorld, site: Site) -> None:
    job = configure(world, f"{site.url}/feed")
    job.run()
    assert states(world)["s1"].failed_at is not None
    site.pages = {"/feed": atom()}
    later(world, job)
    assert (states(world)["s1"].failed_at, states(world)["s1"].failure) == (None, None)


@pytest.mark.parametrize(
    "href",
    ["http://localhost:1/secret", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://169.254.169.254/meta"],
)
def test_links_to_other_hosts_are_not_followed(world: CapWorld, site: Site, href: str) -> None:
    site.pages = {"/feed": atom(entry(href))}
    configure(world, f"{site.url}/feed").run()
    assert site.asked == ["/feed"]
    assert not world.messages()


def test_nor_are_redirects_to_them(world: CapWorld, site: Site) -> None:
    site.pages = {"/feed": atom(entry("m1"), entry("m2")), "/there": message(world.clock[0])}
    site.statuses = {"/m1": 302, "/m2": 302}
    site.headers = {"/m1": {"Location": "http://localhost:1/x"}, "/m2": {"Location": "/there"}}
    configure(world, f"{site.url}/feed").run()
    assert site.asked[-2:] == ["/there", "/m1"]
    assert len(world.messages()) == 1


def test_a_message_that_could_not_be_fetched_is_tried_again(world: CapWorld, site: Site) -> None:
    site.pages, site.headers = {"/feed": atom(entry("m1"))}, {"/feed": {"ETag": '"1"'}}
    job = configure(world, f"{site.url}/feed")
    job.run()
    assert not world.messages()
    site.pages["/m1"] = message(world.clock[0])
    later(world, job)
    assert len(world.messages()) == 1


def test_an_unprotected_feed_does_not_fire(
    world: CapWorld, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Source, "feed_is_private", False)
    site.pages = {"/feed": atom(entry("m1")), "/m1": message(world.clock[0])}
    configure(world, f"{site.url}/feed").run()
    [kept] = world.messages()
    assert (kept.verdict, kept.reason) == ("proposed", "cap.doubt_way")
