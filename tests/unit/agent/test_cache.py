"""Which sound is fetched when, and what a full disk or a lying server does."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.cache import Grade, MediaCache
from agent.errors import FetchFailed
from agent.sound_files import SoundFiles
from tests.support.small_server import FAST, OK, Server, content_of, item_of, running, serving, until
from wire.messages import Item


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


async def test_sound_comes_in_the_order_of_first_use(tmp_path: Path, server: Server) -> None:
    items = [item_of(content_of(number)) for number in range(4)]
    server.contents = {one.sha256: content_of(number) for number, one in enumerate(items)}
    arrivals: list[int] = []
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.arrived = lambda: arrivals.append(1)
    cache.want(server.url + "/", {Grade.PLAN: [*items, items[0]]})
    assert (cache.state().held, cache.state().wanted) == (0, 4)
    async with running(cache):
        await until(lambda: len(arrivals) == 4)
    assert cache.state().held == 4
    assert server.asked == [one.sha256 for one in items]
    assert cache.state().bytes_held == 4 * 3000
    assert not any(cache.files.part(one.sha256).exists() for one in items)


async def test_one_that_fails_does_not_hold_up_the_others(tmp_path: Path, server: Server) -> None:
    lost, found = item_of(content_of(1)), item_of(content_of(2))
    server.contents = {found.sha256: content_of(2)}
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.want(server.url, {Grade.PLAN: [lost, found]})
    async with running(cache):
        await until(lambda: cache.state().held == 1)
        await until(lambda: server.asked.count(lost.sha256) >= 3)
    assert cache.state().missing == (lost.sha256,)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 9000\r\n\r\n" + content_of(1, 9000),
        OK + b"Content-Length: 3000\r\n\r\n" + content_of(9),
        OK + b"Content-Length: 3000\r\n\r\n" + content_of(1, 100),
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 7-2999/3000\r\nContent-Length: 2993\r\n\r\n"
        + content_of(1, 2993),
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"not http at all\r\n\r\n",
    ],
    ids=["too much", "other bytes", "cut off", "wrong range", "sent elsewhere", "no http"],
)
async def test_a_lying_server_is_asked_again_and_nothing_false_is_kept(
    tmp_path: Path, server: Server, raw: bytes
) -> None:
    item = item_of(content_of(1))
    server.contents = {item.sha256: content_of(1)}
    server.raw = [raw]
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.want(server.url, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: cache.state().held == 1)
    assert cache.files.path(item.sha256).read_bytes() == content_of(1)
    assert len(server.asked) >= 2


@pytest.mark.parametrize(
    "address",
    ["http://host:80a80/media", "http://127.0.0.1:99999999/media", "http://[::1/media", "http:///media", ""],
)
async def test_an_address_with_a_typing_error_is_tried_again_and_ends_nothing(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    item = item_of(content_of(1))
    server.contents = {item.sha256: content_of(1)}
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    cache.want(address, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: caplog.text.count("sound not fetched") >= 2)
        cache.want(server.url, {Grade.PLAN: [item]})
        await until(lambda: cache.state().held == 1)


async def test_a_full_disk_keeps_it_missing_until_there_is_room(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = item_of(content_of(1))
    server.contents = {item.sha256: content_of(1)}
    cache = MediaCache(SoundFiles(tmp_path), FAST)
    old = tmp_path / ("c" * 64 + ".opus")
    old.write_bytes(b"nobody wants this any more")
    room = [0]
    monkeypatch.setattr(SoundFiles, "bytes_free", lambda _: room[0])
    cache.want(server.url, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: not old.exists())
        assert cache.state().missing == (item.sha256,)
        assert cache.state().bytes_free == 0
        assert server.asked == []
        room[0] = 10_000
        await until(lambda: cache.state().held == 1)


async def test_a_sound_dropped_and_wanted_again_while_it_comes_is_fetched_once(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, other = item_of(content_of(1)), item_of(content_of(2))
    begun: list[str] = []
    may_end = asyncio.Event()

    async def slow(_client: object, url: str, part: Path, _size_bytes: int) -> None:
        begun.append(part.stem)
        await may_end.wait()
        content = content_of(1 if part.stem == item.sha256 else 2)
        await asyncio.to_thread(part.write_bytes, content)

    monkeypatch.setattr("agent.cache.fetch", slow)
    cache = MediaCache(SoundFiles(tmp_path), FAST.model_copy(update={"parallel": 2}))
    cache.want(server.url, {Grade.PLAN: [item]})
    async with running(cache):
        await until(lambda: begun)
        cache.want(server.url, {Grade.PLAN: []})
        cache.want(server.url, {Grade.PLAN: [item, other]})
        await until(lambda: len(begun) == 2)
        may_end.set()
        await until(lambda: cache.state().held == 2)
    assert begun == [item.sha256, other.sha256]


def test_a_file_that_goes_while_the_folder_is_read_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to nothing is listed and cannot be looked at, as a file just removed."""
    files = SoundFiles(tmp_path)
    files.path("a" * 64).symlink_to(tmp_path / "gone")
    files.path("b" * 64).write_bytes(b"four")
    assert files.bytes_held() == 4
    monkeypatch.setattr(SoundFiles, "has", lambda *_: True)
    files.touch(frozenset({"a" * 64}))
    assert files.remove_unwanted(frozenset(), keep_s=-60.0) == 1


def test_what_no_plan_names_goes_after_its_time_and_what_one_names_stays(tmp_path: Path) -> None:
    files = SoundFiles(tmp_path)
    names = {name: name * 64 for name in "abc"}
    for sha256 in names.values():
        files.path(sha256).write_bytes(b"x")
    for name in "ab":
        os.utime(files.path(names[name]), (time.time() - 1000,) * 2)
    removed = files.remove_unwanted(frozenset({names["a"]}), keep_s=500)
    assert removed == 1
    assert [name for name in "abc" if files.has(names[name])] == ["a", "c"]


def test_a_file_still_named_grows_no_older(tmp_path: Path) -> None:
    files = SoundFiles(tmp_path)
    files.path("a" * 64).write_bytes(b"x")
    os.utime(files.path("a" * 64), (0, 0))
    files.touch(frozenset({"a" * 64}))
    assert files.remove_unwanted(frozenset(), keep_s=500) == 0


class Library:
    """Answers when told to; remembers what was asked, and what was given up in the middle."""

    def __init__(self, files: SoundFiles) -> None:
        self.files = files
        self.begun: list[str] = []
        self.given_up: list[str] = []
        self.missing: set[str] = set()
        self._may_end: dict[str, asyncio.Event] = {}

    def release(self, item: Item) -> None:
        self._may_end.setdefault(item.sha256, asyncio.Event()).set()

    async def fetch(self, _client: object, _url: str, part: Path, size_bytes: int) -> None:
        sha256 = part.stem
        self.begun.append(sha256)
        if sha256 in self.missing:
            raise FetchFailed(url=sha256, problem="HTTP 404")
        try:
            await self._may_end.setdefault(sha256, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.given_up.append(sha256)
            raise
        content = next(c for n in range(20) if item_of(c := content_of(n)).sha256 == sha256)
        await asyncio.to_thread(part.write_bytes, content)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    made = Library(SoundFiles(tmp_path))
    monkeypatch.setattr("agent.cache.fetch", made.fetch)
    return made


def sounds(count: int) -> list[Item]:
    return [item_of(content_of(number)) for number in range(count)]


async def test_speech_of_an_alert_comes_first_and_the_plan_is_set_aside_meanwhile(library: Library) -> None:
    bulk, later, standing, speech = sounds(4)
    cache = MediaCache(library.files, FAST)
    cache.want("http://127.0.0.1:9", {Grade.PLAN: [bulk, later]})
    async with running(cache):
        await until(lambda: library.begun == [bulk.sha256])
        wanted = {Grade.PLAN: [bulk, later], Grade.STANDING: [standing], Grade.ALERT: [speech]}
        cache.want("http://127.0.0.1:9", wanted)
        await until(lambda: len(library.begun) == 3)
        assert library.given_up == [bulk.sha256]
        assert set(library.begun[1:]) == {speech.sha256, standing.sha256}
        library.release(speech)
        await until(lambda: cache.state(Grade.ALERT).held == 1)
        assert len(library.begun) == 3
        library.release(standing)
        await until(lambda: library.begun[3:] == [bulk.sha256])
        for one in (bulk, later):
            library.release(one)
        await until(lambda: cache.state().held == 2)
    assert (cache.state(Grade.STANDING).held, cache.state(Grade.STANDING).wanted) == (1, 1)


async def test_an_urgent_sound_that_cannot_be_had_does_not_hold_up_the_plan_for_ever(
    library: Library,
) -> None:
    bulk, lost = sounds(2)
    library.missing.add(lost.sha256)
    library.release(bulk)
    cache = MediaCache(library.files, FAST)
    cache.want("http://127.0.0.1:9", {Grade.PLAN: [bulk], Grade.STANDING: [lost]})
    async with running(cache):
        await until(lambda: cache.state().held == 1)
        await until(lambda: library.begun.count(lost.sha256) > 2)
    assert cache.state(Grade.STANDING).missing == (lost.sha256,)
    assert cache.state().missing == ()


async def test_a_sound_of_the_plan_that_an_alert_needs_goes_on_and_counts_for_both(library: Library) -> None:
    shared, other = sounds(2)
    cache = MediaCache(library.files, FAST)
    cache.want("http://127.0.0.1:9", {Grade.PLAN: [shared, other]})
    async with running(cache):
        await until(lambda: library.begun == [shared.sha256])
        cache.want("http://127.0.0.1:9", {Grade.PLAN: [shared, other], Grade.ALERT: [shared]})
        library.release(shared)
        await until(lambda: cache.state(Grade.ALERT).held == 1)
    assert shared.sha256 not in library.given_up
    assert (cache.state().held, cache.state().wanted) == (1, 2)
