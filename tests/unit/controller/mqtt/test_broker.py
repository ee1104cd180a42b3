"""The embedded broker starts, says clearly when it cannot, and stops."""

import asyncio
import socket

import pytest

from controller.errors import Conflict
from controller.mqtt.broker import EmbeddedBroker
from controller.web.texts import LANGUAGES, Texts


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            await EmbeddedBroker("127.0.0.1", port).start()
    error = caught.value
    assert (error.key, error.params["port"]) == ("dispatch.broker_port_taken", port)
    assert all(str(port) in Texts().say(language, error.key, **error.params) for language in LANGUAGES)


async def test_it_serves_until_it_is_cancelled_and_gives_the_port_back() -> None:
    port = free_port()
    for _ in range(2):
        broker = EmbeddedBroker("127.0.0.1", port)
        await broker.start()
        running = asyncio.create_task(broker.run())
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        assert not running.done()
        running.cancel()
        await asyncio.wait([running], timeout=5)
        assert running.cancelled()


async def test_a_broker_that_dies_by_itself_is_noticed() -> None:
    broker = EmbeddedBroker("127.0.0.1", free_port())
    await broker.start()
    running = asyncio.create_task(broker.run())
    await asyncio.sleep(0)
    broker._broker._session_monitor_task.cancel()
    with pytest.raises(RuntimeError, match="stopped by itself"):
        await asyncio.wait_for(running, 5)
