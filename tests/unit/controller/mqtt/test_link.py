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


async def test_what_a_handler_raises_ends_the_link() -> None:
    """An unsupervised thread would die unseen; here its error comes out of `run`."""

    def broken(_message: Inbound) -> None:
        raise AssertionError("a handler that does not hold")

    from controller.mqtt.broker import EmbeddedBroker

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    broker = EmbeddedBroker("127.0.0.1", port)
    await broker.start()
    serving = asyncio.create_task(broker.run())
    link = Link("127.0.0.1", port, "controller")
    link.hear("loaban/1/#", 1, broken)
    link.greet(lambda _connection: link.offer(Publication("loaban/1/x", b"y")))
    with pytest.raises(AssertionError, match="does not hold"):
        await asyncio.wait_for(link.run(), 10)
    serving.cancel()
    await asyncio.wait([serving])
