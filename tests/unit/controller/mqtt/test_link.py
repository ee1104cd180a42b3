"""The link's pauses, its silence without a broker, and its end."""

import asyncio
import socket
import time

import pytest

from controller.mqtt.link import Inbound, Link, Publication, _pause_s


def test_pauses_grow_are_bounded_and_differ() -> None:
    for failures in range(40):
        assert 0 <= _pause_s(failures) <= min(10.0, 0.2 * 2**failures)
    assert len({_pause_s(20) for _ in range(20)}) == 20


async def test_without_a_broker_nothing_is_published_and_it_stops_when_told() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        link = Link("127.0.0.1", nobody.getsockname()[1], "controller")
        running = asyncio.create_task(link.run())
        await asyncio.sleep(0)
        assert link.publish([Publication("a", b"b")], timeout_s=5) == [False]
        link.offer(Publication("a", b"b"))
        assert link.connection is None
        begun_s = time.monotonic()
        running.cancel()
        await asyncio.wait([running], timeout=8)
        assert running.cancelled()
        assert time.monotonic() - begun_s < 6


async def test_a_message_that_breaks_its_handler_is_logged_and_the_next_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard: list[bytes] = []
    both = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fragile(message: Inbound) -> None:
        heard.append(message.payload)
        if len(heard) > 1:
            loop.call_soon_threadsafe(both.set)
        raise AssertionError("a handler that does not hold")

    from controller.mqtt.broker import EmbeddedBroker

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = EmbeddedBroker("127.0.0.1", port)
    await broker.start()
    serving = asyncio.create_task(broker.run())
    link = Link("127.0.0.1", port, "controller")
    link.hear("loaban/1/#", 1, fragile)
    for said in (b"a", b"b"):
        link.greet(lambda _connection, said=said: link.offer(Publication("loaban/1/x", said)))  # type: ignore[misc]
    running = asyncio.create_task(link.run())
    await asyncio.wait_for(both.wait(), 10)
    assert heard == [b"a", b"b"]
    assert not running.done()
    assert "does not hold" in caplog.text
    for task in (running, serving):
        task.cancel()
    await asyncio.wait([running, serving])
