"""Whatever answers where the broker should be, or nobody names it: the link finds it in the end."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from agent.clock import AssumedClock
from agent.link import Link
from agent.settings import Broker
from firmware_sim.network.captive_portal import page
from firmware_sim.network.names import Answering, NameServer
from tests.support.small_server import until

CONNACK = b"\x20\x02\x00\x00"
ANSWERS = {
    "a page": page(),
    "tls": b"\x15\x03\x03\x00\x02\x02\x28",
    "ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "refused for a reason that nobody knows": b"\x20\x02\x00\x4d",
    "half an answer": b"\x20\x02",
    "an endless length": b"\x30\xff\xff\xff\xff\xff\xff",
    "a topic that is no text": CONNACK + b"\x30\x06\x00\x02\xff\xfe\x00\x00",
    "a topic longer than its message": CONNACK + b"\x30\x04\xff\xff\x61\x62",
    "an empty message": CONNACK + b"\x30\x00",
    "qos 3": CONNACK + b"\x36\x05\x00\x01t\x00\x01",
    "an answer to nothing": CONNACK + b"\x90\x03\x00\x63\x80" + b"\x40\x02\x00\x63",
    "a packet for brokers": CONNACK + b"\x82\x06\x00\x01\x00\x01t\x01",
    "two welcomes": CONNACK * 2,
    "sent away": CONNACK + b"\xe0\x00",
}


LEFT_OPEN_S = 0.05


def noise(number: int) -> bytes:
    chance = random.Random(number)
    return (CONNACK if number % 2 else b"") + chance.randbytes(chance.randrange(1, 400))


async def _leave_time(reader: asyncio.StreamReader) -> None:
    """Closing at once may take the answer back before it is read."""
    try:
        async with asyncio.timeout(LEFT_OPEN_S):
            while await reader.read(4096):
                continue
    except (TimeoutError, ConnectionError):
        return


class Pretender:
    """Says each of `answers` once, one to a connection, and closes; then it welcomes and listens."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.port = 0
        self.welcomed = 0
        self._open: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if not self.answers:
            self.welcomed += 1
            self._open.append(writer)
            writer.write(CONNACK)
            return
        writer.write(self.answers.pop(0))
        await writer.drain()
        await _leave_time(reader)
        writer.close()

    def close(self) -> None:
        for writer in self._open:
            writer.transport.abort()


Pretend = Callable[..., Awaitable[Pretender]]


@pytest.fixture
async def pretend() -> AsyncIterator[Pretend]:
    made: list[Pretender] = []
    servers: list[asyncio.Server] = []

    async def make(*answers: bytes) -> Pretender:
        one = Pretender(list(answers))
        server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
        one.port = server.sockets[0].getsockname()[1]
        made.append(one)
        servers.append(server)
        return one

    yield make
    for one, server in zip(made, servers, strict=True):
        server.close()
        one.close()


def link_to(pretender: Pretender, host: str = "127.0.0.1") -> Link:
    settings = Broker(
        host=host,
        port=pretender.port,
        keepalive_s=5,
        retry_min_s=0.001,
        retry_first_s=0.002,
        retry_max_s=0.01,
    )
    return Link("cum-loa-1", "boot-1", settings, AssumedClock())


async def comes_through(pretender: Pretender, within_s: float) -> None:
    link = link_to(pretender)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(link.run())
        await until(lambda: pretender.welcomed > 0 and link.connected, within_s)
        pretender.close()
        await until(lambda: not link.connected or pretender.welcomed > 1, within_s)
        task.cancel()
    assert pretender.answers == []


async def test_answers_that_are_none_end_one_connection_each_and_nothing_else(
    pretend: Pretend, caplog: pytest.LogCaptureFixture
) -> None:
    await comes_through(await pretend(*ANSWERS.values()), 30)
    assert "error.no_mqtt" in caplog.text, "some of it makes the library stumble"


async def test_no_noise_kills_it(pretend: Pretend) -> None:
    await comes_through(await pretend(*map(noise, range(300))), 60)


@pytest.mark.parametrize("trouble", [Answering.NOT_FOUND, Answering.NEVER])
async def test_a_broker_that_was_found_once_is_found_without_a_name_server(
    pretend: Pretend, monkeypatch: pytest.MonkeyPatch, trouble: Answering
) -> None:
    monkeypatch.setattr("agent.link.CONNECT_TIMEOUT_S", 0.2)
    pretender, names = await pretend(), NameServer("127.0.0.1")
    names.answering = Answering.WITH_ANOTHER_ADDRESS
    link = link_to(pretender, "trung-tam.example")
    with names.in_charge():
        async with asyncio.TaskGroup() as group:
            task = group.create_task(link.run())
            await until(lambda: link.connected)
            names.answering = trouble
            pretender.close()
            await until(lambda: link.state().connects == 2, 20)
            task.cancel()
