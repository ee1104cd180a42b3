"""As little HTTP as a test of downloads needs, and a cache that runs meanwhile."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from agent.cache import MediaCache
from agent.settings import Media
from wire.messages import Item

OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
FAST = Media(retry_min_s=0.02, retry_max_s=0.05, reserve_mb=0, parallel=1, timeout_s=2)


def content_of(number: int, size: int = 3000) -> bytes:
    return bytes([number]) * size


def item_of(content: bytes) -> Item:
    return Item(sha256=hashlib.sha256(content).hexdigest(), seconds=1, size_bytes=len(content))


class Server:
    """As little HTTP as a test needs; `raw` holds answers to be sent as they are, first of all."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.raw: list[bytes] = []
        self.asked: list[str] = []
        self.ranges: list[str] = []
        self.refused = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/media"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(4) != b"GET ":
            self.refused += 1
            writer.close()
            return
        head = "GET " + (await reader.readuntil(b"\r\n\r\n")).decode()
        sha256 = head.split()[1].rsplit("/", 1)[-1].removesuffix(".opus")
        self.asked.append(sha256)
        fields = dict(line.split(": ", 1) for line in head.lower().split("\r\n")[1:-2])
        self.ranges.append(fields.get("range", ""))
        if self.raw:
            writer.write(self.raw.pop(0))
        elif sha256 in self.contents:
            body = self.contents[sha256]
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body
            )
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running(cache: MediaCache) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(cache.run())
        yield
        task.cancel()


async def until(look: Callable[[], Any], within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.answer, "127.0.0.1", 0, ssl=tls)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
