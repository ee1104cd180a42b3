"""The page on an open network: it shows, it asks for the PIN, and nothing that comes in does harm."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.app import build
from agent.local.assembled import desk_of, tasks_of
from agent.page import server as page_server
from agent.page.pin import WRONG_TRIES, Pin
from agent.page.server import VISITORS, Page, is_ours
from agent.settings import PageSettings, Settings
from firmware_sim.wav_speaker import WavSpeaker
from wire.signing import SigningKey

PIN = "246810"


class FakeDesk:
    """Answers at once, or when `may_end` is set."""

    def __init__(self, desk: Any) -> None:
        self.settings, self.say = desk.settings, desk.say
        self.asked: list[str] = []
        self.looks = 0
        self.line = "Đồng hồ: đúng <b>&</b>"
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.disk_is_good = True

    async def lines(self) -> list[str]:
        self.looks += 1
        if not self.disk_is_good:
            raise OSError("bad card")
        return [self.line]

    async def try_test(self, what: str) -> str:
        self.asked.append(what)
        await self.may_end.wait()
        return f"xong {what}"


@pytest.fixture
def settings(tmp_path: Path, key: SigningKey) -> Settings:
    return Settings(station="cum-loa-1", state_dir=tmp_path / "state", controller_keys=(key.public_jwk(),))


@pytest.fixture
async def desk(settings: Settings, tmp_path: Path) -> AsyncIterator[FakeDesk]:
    speaker = WavSpeaker(tmp_path / "heard")
    station = build(settings, speaker)
    yield FakeDesk(desk_of(station, speaker))
    station.journal.close()


@asynccontextmanager
async def served(desk: Any, pin: str = PIN, **wanted: Any) -> AsyncIterator[httpx.AsyncClient]:
    page = Page(
        PageSettings(host="127.0.0.1", port=0, **wanted), desk, Pin(pin, asyncio.get_running_loop().time)
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(page.run())
        async with asyncio.timeout(10):
            while page.port is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{page.port}", trust_env=False) as client:
            yield client
        task.cancel()


async def test_it_shows_the_lines_escaped_and_nothing_else_runs(desk: FakeDesk) -> None:
    async with served(desk) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "Đồng hồ: đúng &lt;b&gt;&amp;&lt;/b&gt;" in answer.text
    assert PIN not in answer.text
    assert "<script" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.content) < 4000


async def test_the_right_pin_makes_the_test_and_tells_what_came_of_it(desk: FakeDesk) -> None:
    desk.may_end.clear()
    async with served(desk) as client:
        answer = await client.post("/test", data={"pin": PIN, "what": "tone"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        running = await client.get("/")
        assert "Đang thử" in running.text
        assert 'http-equiv="refresh"' in running.text
        assert (await client.post("/test", data={"pin": PIN, "what": "tone"})).status_code == 409
        desk.may_end.set()
        async with asyncio.timeout(10):
            while "xong tone" not in (over := await client.get("/")).text:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert 'http-equiv="refresh"' not in over.text
    assert desk.asked == ["tone"]


@pytest.mark.parametrize("fields", [{}, {"pin": "000000"}, {"pin": ""}, {"pin": "24681"}])
async def test_without_the_pin_nothing_sounds(desk: FakeDesk, fields: dict[str, str]) -> None:
    async with served(desk) as client:
        answer = await client.post("/test", data={"what": "tone"} | fields)
    assert answer.status_code == 403
    assert desk.asked == []


async def test_guessing_is_stopped_for_everybody(desk: FakeDesk) -> None:
    async with served(desk) as client:
        for number in range(WRONG_TRIES):
            wrong = await client.post("/test", data={"pin": f"00000{number}", "what": "tone"})
            assert wrong.status_code == 403
        answer = await client.post("/test", data={"pin": PIN, "what": "tone"})
    assert answer.status_code == 429
    assert "loaban-agent test" in answer.text
    assert desk.asked == []


async def test_where_no_pin_is_set_the_page_only_shows(desk: FakeDesk) -> None:
    async with served(desk, pin="") as client:
        assert "<form" not in (await client.get("/")).text
        assert (await client.post("/test", data={"pin": "", "what": "tone"})).status_code == 403
    assert desk.asked == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_cannot_press_the_button(desk: FakeDesk, headers: dict[str, str]) -> None:
    async with served(desk) as client:
        answer = await client.post("/test", data={"pin": PIN, "what": "tone"}, headers=headers)
    assert answer.status_code == 403
    assert desk.asked == []


@pytest.mark.parametrize("what", ["acoustic", "reboot", ""])
async def test_only_what_the_page_offers_is_made(desk: FakeDesk, what: str) -> None:
    async with served(desk) as client:
        assert (await client.post("/test", data={"pin": PIN, "what": what})).status_code == 400
    assert desk.asked == []


async def test_a_foreign_name_that_points_here_gets_nothing(desk: FakeDesk) -> None:
    async with served(desk, names=("loa.lan",)) as client:
        assert (await client.get("/", headers={"Host": "attacker.example"})).status_code == 421
        assert (await client.get("/", headers={"Host": "loa.lan:8080"})).status_code == 200


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("192.168.1.9", True),
        ("192.168.1.9:8080", True),
        ("[fe80::1]:8080", True),
        ("[::1]", True),
        ("localhost", True),
        ("loa.lan.", True),
        ("LOA.lan:80", True),
        ("loa.lan.attacker.example", False),
        ("192.168.1.9.attacker.example", False),
        ("", False),
    ],
)
def test_whose_name_that_is(host: str, ours: bool) -> None:
    assert is_ours(host, ("loa.lan",)) is ours


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET http://x/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"DELETE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 405),
        (b"GET /../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 404),
        (b"POST /test HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 411),
        (b"POST /test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"POST /test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"POST /test HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n{", 415),
        (b"POST /test HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 400 + b"\r\n", 431),
    ],
)
async def test_what_is_no_good_request_is_refused(desk: FakeDesk, sent: bytes, status: int) -> None:
    async with served(desk) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(sent)
        assert (await reader.read()).startswith(f"HTTP/1.1 {status} ".encode())
        writer.close()
        assert (await client.get("/")).status_code == 200
    assert desk.asked == []


async def test_whoever_dawdles_is_put_out_and_others_wait_for_nobody(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_server, "VISIT_S", 0.5)
    async with served(desk) as client:
        port = client.base_url.port
        dawdlers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(VISITORS)]
        for _, writer in dawdlers:
            writer.write(b"GET / HTTP/1.1\r\n")
        async with asyncio.timeout(10):
            for reader, writer in dawdlers:
                assert await reader.read() == b""
                writer.close()
        assert (await client.get("/")).status_code == 200


async def test_many_visitors_read_the_memory_card_once(desk: FakeDesk) -> None:
    async with served(desk) as client:
        for _ in range(20):
            await client.get("/")
    assert desk.looks <= 2


async def test_a_card_that_cannot_be_read_is_told(desk: FakeDesk) -> None:
    desk.disk_is_good = False
    async with served(desk) as client:
        assert "Không đọc được thẻ nhớ" in (await client.get("/")).text


async def test_an_address_that_is_taken_is_tried_again(
    desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_server, "RETRY_S", 0.02)
    async with served(desk) as first:
        port = first.base_url.port
        second = Page(PageSettings(host="127.0.0.1", port=port or 0), desk, Pin(PIN, lambda: 0.0))  # type: ignore[arg-type]
        async with asyncio.TaskGroup() as group:
            task = group.create_task(second.run())
            done, _ = await asyncio.wait([task], timeout=0.2)
            assert not done
            task.cancel()


def test_it_listens_only_where_settings_say(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = WavSpeaker(tmp_path / "heard")
    station = build(settings, speaker)
    assert "page" not in tasks_of(station, desk_of(station, speaker))
    station.settings = settings.model_copy(update={"page": PageSettings(host="127.0.0.1")})
    assert "page" in tasks_of(station, desk_of(station, speaker))
    station.journal.close()


@pytest.mark.parametrize("pin", ["12345", "1234567890123", "abcdef", "２４６８１０", "12 456"])
def test_a_pin_that_is_none_is_refused(pin: str) -> None:
    with pytest.raises(ValueError, match="6 to 12 digits") as refused:
        PageSettings.model_validate({"pin": pin})
    assert refused.type.__name__ == "ValidationError"


def test_a_good_pin_is_not_shown() -> None:
    assert PIN not in repr(PageSettings.model_validate({"pin": PIN}))
