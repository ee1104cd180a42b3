"""Serves the page in the station's own event loop, a few visitors at a time and briefly."""

import asyncio
import ipaddress
import logging
import socket
import sqlite3
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from agent.local.desk import TONE, Desk
from agent.page.pin import Pin, PinAnswer
from agent.page.render import POLICY, page, sentence
from agent.page.request import HEAD_BYTES, BadRequest, Request, read_request
from agent.settings import PageSettings

log = logging.getLogger(__name__)

VISIT_S: Final = 10.0
VISITORS: Final = 4
LINES_FOR_S: Final = 2.0
RETRY_S: Final = 10.0
OFFERED: Final = frozenset({TONE, "electrical"})
_HEADERS: Final = (
    f"Content-Security-Policy: {POLICY}",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: same-origin",
    "Cache-Control: no-store",
    "Connection: close",
)

Answer = tuple[int, str, str | None]
"""Status, body, and where to go instead."""


class Page:
    """Nothing that a visitor does can hold up the station: everything has a limit, and no thread is taken."""

    def __init__(self, settings: PageSettings, desk: Desk, pin: Pin) -> None:
        self._settings = settings
        self._desk = desk
        self._pin = pin
        self._visitors = 0
        self._asked: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        self._running = False
        self._told: str | None = None
        self._lines: tuple[float, list[str]] | None = None
        self.port: int | None = None
        """Where it listens, once it does."""

    async def run(self) -> None:
        """Until cancelled. An address that cannot be had is tried again: the network may come later."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make_tests(), name="tests from the page")
            while True:
                try:
                    await self._serve()
                except OSError as error:
                    log.warning("no page: host=%s problem=%s", self._settings.host, error)
                await asyncio.sleep(RETRY_S)

    async def _serve(self) -> None:
        server = await asyncio.start_server(
            self._visit, self._settings.host, self._settings.port, limit=HEAD_BYTES
        )
        self.port = server.sockets[0].getsockname()[1]
        log.info("page: host=%s port=%d", self._settings.host, self.port)
        async with server:
            await server.serve_forever()

    async def _make_tests(self) -> None:
        while True:
            what = await self._asked.get()
            self._running = True
            try:
                self._told = await self._desk.try_test(what)
            finally:
                self._running = False

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visitors += 1
        try:
            if self._visitors <= VISITORS:
                async with asyncio.timeout(VISIT_S):
                    await self._talk(reader, writer)
        except (OSError, EOFError, TimeoutError) as error:
            log.debug("visitor left: problem=%r", error)
        finally:
            self._visitors -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await read_request(reader)
            answer = await self._answer(request)
        except BadRequest as error:
            answer = error.status, "", None
        writer.write(encoded(answer))
        await writer.drain()

    async def _answer(self, request: Request) -> Answer:
        if not is_ours(request.headers["host"], self._settings.names):
            raise BadRequest(HTTPStatus.MISDIRECTED_REQUEST)
        match request.method, request.path:
            case "GET", "/":
                return HTTPStatus.OK, await self._page(), None
            case "POST", "/test":
                return await self._test(request)
            case _, "/" | "/test":
                raise BadRequest(HTTPStatus.METHOD_NOT_ALLOWED)
        raise BadRequest(HTTPStatus.NOT_FOUND)

    async def _page(self) -> str:
        running = self._running or not self._asked.empty()
        return page(
            self._desk.say,
            self._desk.settings.station,
            await self._fresh_lines(),
            self._told,
            running=running,
            pin=self._pin.is_set,
        )

    async def _fresh_lines(self) -> list[str]:
        """At most once in two seconds, however many ask: they are read from the memory card."""
        now_s = asyncio.get_running_loop().time()
        if self._lines is None or now_s - self._lines[0] >= LINES_FOR_S:
            try:
                found = await self._desk.lines()
            except (OSError, sqlite3.Error) as error:
                log.warning("page without lines: problem=%s", error)
                found = [self._desk.say("page.unreadable")]
            self._lines = now_s, found
        return self._lines[1]

    async def _test(self, request: Request) -> Answer:
        if request.is_from_elsewhere or not self._pin.is_set:
            raise BadRequest(HTTPStatus.FORBIDDEN)
        what = request.form.get("what", "")
        if what not in OFFERED:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        match self._pin.check(request.form.get("pin", "")):
            case PinAnswer.WRONG:
                log.warning("wrong PIN at the page")
                return HTTPStatus.FORBIDDEN, self._sentence("page.wrong_pin"), None
            case PinAnswer.TOO_MANY:
                return HTTPStatus.TOO_MANY_REQUESTS, self._sentence("page.too_many"), None
        if self._running or self._asked.full():
            return HTTPStatus.CONFLICT, self._sentence("test.busy"), None
        self._asked.put_nowait(what)
        return HTTPStatus.SEE_OTHER, "", "/"

    def _sentence(self, key: str) -> str:
        return sentence(self._desk.say, self._desk.settings.station, self._desk.say(key))


def is_ours(host: str, names: Iterable[str]) -> bool:
    """An address, or a name of this board: a foreign name that points here belongs to somebody's trick."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower().rstrip(".")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        return name in {"localhost", own, f"{own}.local", *(one.lower() for one in names)}
    return True


def encoded(answer: Answer) -> bytes:
    status, text, location = answer
    body = text.encode() or HTTPStatus(status).phrase.encode()
    kind = "text/html; charset=utf-8" if text else "text/plain; charset=utf-8"
    lines = [
        f"HTTP/1.1 {int(status)} {HTTPStatus(status).phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *_HEADERS,
        *([f"Location: {location}"] if location else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
