"""The link of a board and the light link of a fleet keep the same promises, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agent.clock import AssumedClock
from agent.link import Connection, Link
from agent.mailbox import Incoming
from agent.settings import Broker as BrokerSettings
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.network.network import Network
from tests.support.broker import Broker
from wire import topics
from wire.messages import Presence

BOARD, PLAN = topics.alerts("lao-cai"), topics.plan("lao-cai")
Make = Callable[[str], Connection]


@pytest.fixture(params=["board", "fleet"])
def make(request: pytest.FixtureRequest, broker: Broker) -> Make:
    settings = BrokerSettings(port=broker.port, retry_min_s=0.05, retry_max_s=0.2)

    def of(station: str) -> Connection:
        if request.param == "board":
            return Link(station, f"boot-{station}", settings, AssumedClock())
        return LightLink(station, f"boot-{station}", settings, AssumedClock(), Network())

    return of


class Presences:
    """What the broker says of one station."""

    def __init__(self, port: int) -> None:
        self._heard: list[Presence] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="observer")
        self._client.on_connect = lambda client, *_: client.subscribe(topics.presence("cum-loa-1"), qos=1)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    async def next(self) -> Presence:
        await until(lambda: bool(self._heard))
        return self._heard.pop(0)

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard.append(Presence.decode(bytes(message.payload)))


@pytest.fixture
def presences(broker: Broker) -> Iterator[Presences]:
    made = Presences(broker.port)
    yield made
    made.close()


@asynccontextmanager
async def running(*links: Connection) -> AsyncIterator[None]:
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(link.run()) for link in links]
        try:
            for link in links:
                await until(partial(_is_connected, link))
            yield
        finally:
            for task in tasks:
                task.cancel()


def _is_connected(link: Connection) -> bool:
    return link.connected


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.01)


async def next_of(lane: "asyncio.Queue[Incoming]", payload: bytes) -> Incoming:
    """Passes over what else comes."""
    while (incoming := await lane.get()).payload != payload:
        continue
    return incoming


async def test_boards_and_plans_of_the_chain_arrive_each_in_its_lane(make: Make) -> None:
    station, centre = make("cum-loa-1"), make("centre")
    station.follow(["lao-cai"])
    async with running(station, centre):
        for number in range(3):
            assert centre.send(BOARD, b"board %d" % number, qos=1, retain=True)
            assert centre.send(PLAN, b"plan %d" % number, qos=1)
        assert centre.send(topics.plan("yen-bai"), b"not ours", qos=1)
        boards = [(await station.mailbox.urgent.get()).payload for _ in range(3)]
        plans = [(await station.mailbox.ordinary.get()).payload for _ in range(3)]
    assert boards == [b"board 0", b"board 1", b"board 2"]
    assert plans == [b"plan 0", b"plan 1", b"plan 2"]


async def test_a_large_document_arrives_whole(make: Make) -> None:
    station, centre = make("cum-loa-1"), make("centre")
    station.follow(["lao-cai"])
    document = bytes(range(256)) * 4096
    async with running(station, centre):
        centre.send(PLAN, document, qos=1)
        assert (await station.mailbox.ordinary.get()).payload == document


async def test_what_is_followed_later_comes_and_what_is_left_comes_no_more(make: Make) -> None:
    station, centre = make("cum-loa-1"), make("centre")
    station.follow(["lao-cai"])
    async with running(station, centre):
        centre.send(BOARD, b"first", qos=1)
        assert (await station.mailbox.urgent.get()).payload == b"first"
        station.follow(["yen-bai"])
        centre.send(topics.alerts("yen-bai"), b"kept for whoever comes", qos=1, retain=True)
        await next_of(station.mailbox.urgent, b"kept for whoever comes")
        centre.send(BOARD, b"of the old area", qos=1)
        centre.send(topics.alerts("yen-bai"), b"last", qos=1)
        await next_of(station.mailbox.urgent, b"last")
        assert station.mailbox.urgent.empty()


async def test_after_a_restart_of_the_broker_it_is_back_and_hears_again(make: Make, broker: Broker) -> None:
    station, centre = make("cum-loa-1"), make("centre")
    ups: list[str] = []
    station.on_up = lambda: ups.append("up")
    station.follow(["lao-cai"])
    async with running(station, centre):
        broker.stop()
        await until(lambda: not station.connected)
        assert not station.send("t", b"", qos=0)
        broker.start()
        await until(lambda: station.connected and centre.connected)
        while station.mailbox.urgent.empty():
            centre.send(BOARD, b"again", qos=1)
            await asyncio.sleep(0.05)
    assert ups == ["up", "up"]


async def test_presence_is_kept_by_the_broker_and_ends_with_the_station(
    make: Make, presences: Presences
) -> None:
    async with running(make("cum-loa-1")):
        first = await presences.next()
        assert (first.online, first.boot_id) == (True, "boot-cum-loa-1")
        assert first.at is not None
    last = await presences.next()
    assert not last.online
    assert last.at is not None, "a goodbye is dated, the will is not"


async def test_one_that_is_thrown_out_said_no_goodbye_so_the_broker_speaks_its_will(
    make: Make, presences: Presences
) -> None:
    async with running(make("cum-loa-1")):
        assert (await presences.next()).online
        async with running(make("cum-loa-1")):
            while (said := await presences.next()).online:
                continue
            assert said.at is None
