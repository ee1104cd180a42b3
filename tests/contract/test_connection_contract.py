"""A board's link and a fleet's light link keep the same promises on the same bad networks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from agent.clock import AssumedClock
from agent.link import Connection, Link
from agent.settings import Broker as BrokerSettings
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.network.conditions import FAR, LOSSY, SMOOTH, THIN, Conditions, Trouble
from firmware_sim.network.names import Answering, NameServer
from firmware_sim.network.network import Network
from firmware_sim.network.proxy import Proxy
from tests.support.broker import Broker
from tests.support.waiting import free_port
from wire import topics

BOARD = topics.alerts("lao-cai")
KEEPALIVE_S = 5
CUT_WITHIN_S = 1.5 * KEEPALIVE_S + 1.0
"""One second is how often a board's link looks."""
ENDING = (Trouble.LINK_DOWN, Trouble.REFUSED, Trouble.CAPTIVE_PORTAL)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker("mosquitto", "127.0.0.1", free_port(), tmp_path / "mosquitto.conf")
    made.start()
    yield made
    made.stop()


class Way(Protocol):
    """From the station to the broker."""

    @property
    def port(self) -> int: ...

    @property
    def opened(self) -> int:
        """Connections that were asked for so far."""

    async def set(self, conditions: Conditions) -> None: ...

    def link(self, settings: BrokerSettings) -> Connection: ...


@dataclass
class Proxied:
    """A real board's way: real sockets, with a proxy between."""

    proxy: Proxy

    @property
    def port(self) -> int:
        return self.proxy.port

    @property
    def opened(self) -> int:
        return self.proxy.path.opened

    async def set(self, conditions: Conditions) -> None:
        await self.proxy.set(conditions)

    def link(self, settings: BrokerSettings) -> Connection:
        return Link("cum-loa-1", "boot-1", settings, AssumedClock())


@dataclass
class Simulated:
    """A fleet's way: the same conditions inside the process."""

    broker_port: int
    network: Network = field(default_factory=Network)

    @property
    def port(self) -> int:
        return self.broker_port

    @property
    def opened(self) -> int:
        return self.network.opened

    async def set(self, conditions: Conditions) -> None:
        self.network.set(conditions)

    def link(self, settings: BrokerSettings) -> Connection:
        return LightLink("cum-loa-1", "boot-1", settings, AssumedClock(), self.network)


@pytest.fixture(params=["board", "fleet"])
async def way(request: pytest.FixtureRequest, broker: Broker) -> AsyncIterator[Way]:
    if request.param == "fleet":
        yield Simulated(broker.port)
        return
    proxy, listening = Proxy("127.0.0.1", broker.port), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(proxy.run(listening))
        await listening.wait()
        yield Proxied(proxy)
        task.cancel()


def link_on(way: Way, keepalive_s: int = KEEPALIVE_S, host: str = "127.0.0.1", port: int = 0) -> Connection:
    settings = BrokerSettings(
        host=host,
        port=port or way.port,
        keepalive_s=keepalive_s,
        retry_min_s=0.05,
        retry_first_s=0.1,
        retry_max_s=0.2,
    )
    return way.link(settings)


@asynccontextmanager
async def running(link: Connection) -> AsyncIterator[Connection]:
    link.follow(["lao-cai"])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(link.run())
        try:
            yield link
        finally:
            task.cancel()


async def until(holds: Callable[[], bool], within_s: float = 20.0) -> float:
    """How long it took, in seconds."""
    began_s = time.monotonic()
    while not holds():
        assert time.monotonic() - began_s < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - began_s


async def hears_again(link: Connection) -> None:
    """It is up, and what the broker is told now comes to it."""
    await until(lambda: link.connected)
    link.send(BOARD, b"heard", qos=1, retain=True)
    async with asyncio.timeout(30):
        while (await link.mailbox.urgent.get()).payload != b"heard":
            continue


async def test_a_connection_that_goes_half_open_is_left_within_one_and_a_half_keepalives(way: Way) -> None:
    async with running(link_on(way)) as link:
        await until(lambda: link.connected)
        await way.set(Conditions(Trouble.HALF_OPEN))
        await until(lambda: not link.connected, CUT_WITHIN_S)
        await way.set(SMOOTH)
        await hears_again(link)
        assert link.state().connects == 2


async def test_somebody_who_takes_the_connection_and_says_nothing_is_given_up(way: Way) -> None:
    await way.set(Conditions(Trouble.HALF_OPEN))
    async with running(link_on(way)) as link:
        await until(lambda: way.opened >= 2)
        assert not link.connected
        await way.set(SMOOTH)
        await hears_again(link)


@pytest.mark.parametrize("trouble", ENDING)
async def test_what_ends_the_connection_is_outlived(way: Way, trouble: Trouble) -> None:
    async with running(link_on(way)) as link:
        await until(lambda: link.connected)
        await way.set(Conditions(trouble))
        await until(lambda: not link.connected)
        assert not link.send("t", b"", qos=0)
        assert link.state().up_s == 0
        await way.set(SMOOTH)
        await hears_again(link)


async def test_a_page_instead_of_a_broker_is_no_connection_however_often_it_comes(way: Way) -> None:
    await way.set(Conditions(Trouble.CAPTIVE_PORTAL))
    async with running(link_on(way)) as link:
        await until(lambda: way.opened >= 5)
        assert link.state().connects == 0


async def test_a_broker_that_accepts_and_drops_is_tried_again_and_again(way: Way) -> None:
    await way.set(Conditions(Trouble.BROKER_DROPS, drops_after_s=0.1))
    async with running(link_on(way)) as link:
        await until(lambda: link.state().connects >= 4)
        await way.set(SMOOTH)
        await hears_again(link)


@pytest.mark.parametrize("conditions", [FAR, THIN, LOSSY], ids=["2 s", "16 kbit/s", "loss"])
async def test_a_bad_line_is_enough(way: Way, conditions: Conditions) -> None:
    await way.set(conditions)
    async with running(link_on(way, 30)) as link:
        await hears_again(link)


@pytest.mark.parametrize("answering", [Answering.NOT_FOUND, Answering.NEVER])
async def test_names_that_are_not_found_are_asked_for_again(
    way: Way, broker: Broker, answering: Answering
) -> None:
    names = NameServer()
    names.answering = answering
    with names.in_charge():
        async with running(link_on(way, host="localhost", port=broker.port)) as link:
            await until(lambda: names.asked >= (1 if answering is Answering.NEVER else 3))
            assert not link.connected
            names.answering = Answering.WELL
            names.let_go()
            await hears_again(link)


async def test_the_state_tells_how_often_and_how_long(way: Way) -> None:
    link = link_on(way)
    assert (link.state().connects, link.state().up_s) == (0, 0)
    async with running(link):
        await until(lambda: link.state().up_s > 0.2)
        assert link.state().connects == 1
