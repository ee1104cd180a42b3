"""The light link against a broker that we play ourselves, badly where that is what is tried."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agent.clock import AssumedClock
from agent.settings import Broker
from firmware_sim.fleet import packets
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.fleet.packets import Kind, Packet, Reader
from firmware_sim.network.network import Network
from wire import topics
from wire.messages import Presence

CONNACK = b"\x20\x02\x00\x00"
BOARD = topics.alerts("lao-cai")


@dataclass
class Client:
    """One connection as the broker sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    parser: Reader = field(default_factory=Reader)
    waiting: list[Packet] = field(default_factory=list)

    async def next(self) -> Packet | None:
        """None when the station has gone."""
        while not self.waiting:
            try:
                data = await self.reader.read(4096)
            except ConnectionError:
                return None
            if not data:
                return None
            self.waiting += self.parser.feed(data)
        return self.waiting.pop(0)

    async def expect(self, kind: Kind) -> Packet:
        while (packet := await self.next()) is not None:
            if packet.kind == kind:
                return packet
        raise AssertionError(f"gone before {kind.name}")

    def send(self, data: bytes) -> None:
        self.writer.write(data)


class FakeBroker:
    def __init__(self) -> None:
        self.clients: asyncio.Queue[Client] = asyncio.Queue()
        self.port = 0

    async def accept(self, *, answer: bytes = CONNACK) -> Client:
        client = await self.clients.get()
        await client.expect(Kind.CONNECT)
        client.send(answer)
        return client

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.clients.put(Client(reader, writer))


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    fake = FakeBroker()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    yield fake
    server.close()
    while not fake.clients.empty():
        fake.clients.get_nowait().writer.close()


@asynccontextmanager
async def running(
    broker: FakeBroker, keepalive_s: int = 30, network: Network | None = None, *, polite: bool = False
) -> AsyncIterator[LightLink]:
    """Where it is not `polite` it leaves without a goodbye, for which our broker would let it wait."""
    network = network or Network()
    settings = Broker(port=broker.port, keepalive_s=5, retry_min_s=0.01, retry_max_s=0.02)
    settings = settings.model_copy(update={"keepalive_s": keepalive_s})
    link = LightLink("cum-loa-1", "boot-1", settings, AssumedClock(), network)
    link.follow(["lao-cai"])
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(link.run())
        try:
            yield link
        finally:
            if not polite:
                network.unplug()
            task.cancel()


async def test_the_will_says_offline_and_the_station_then_says_online(broker: FakeBroker) -> None:
    async with running(broker):
        client = await broker.clients.get()
        hello = await client.expect(Kind.CONNECT)
        assert topics.presence("cum-loa-1").encode() in hello.body
        assert b'"online":false' in hello.body
        client.send(CONNACK)
        said = packets.published(await client.expect(Kind.PUBLISH))
        assert Presence.decode(said.payload).online
        wanted = await client.expect(Kind.SUBSCRIBE)
        for topic in (BOARD, topics.plan("lao-cai"), topics.card("cum-loa-1"), topics.ack("cum-loa-1")):
            assert topic.encode() in wanted.body


async def test_a_message_in_single_bytes_arrives_whole_and_is_acknowledged(broker: FakeBroker) -> None:
    async with running(broker) as link:
        client = await broker.accept()
        for byte in packets.publish(BOARD, b"board", qos=1, retain=True, packet_id=513):
            client.send(bytes([byte]))
            await client.writer.drain()
        incoming = await link.mailbox.urgent.get()
        assert (incoming.topic, incoming.payload) == (BOARD, b"board")
        assert packets.number_of(await client.expect(Kind.PUBACK)) == 513


async def test_what_nobody_asked_for_is_acknowledged_and_passed_over(broker: FakeBroker) -> None:
    async with running(broker) as link:
        client = await broker.accept()
        client.send(packets.publish(topics.alerts("elsewhere"), b"no", qos=1, retain=False, packet_id=1))
        client.send(packets.publish(BOARD, b"yes", qos=0, retain=False))
        assert (await link.mailbox.urgent.get()).payload == b"yes"
        assert packets.number_of(await client.expect(Kind.PUBACK)) == 1


async def gone(client: Client) -> None:
    while await client.next() is not None:
        pass


@pytest.mark.parametrize(
    "nonsense",
    [b"\x00\x00", b"\x34\x05\x00\x01t\x00\x01", CONNACK, b"\xff\xff\xff\xff\xff"],
    ids=["packet of no kind", "qos 2", "a second CONNACK", "an impossible length"],
)
async def test_a_broker_that_speaks_nonsense_is_left_and_tried_again(
    broker: FakeBroker, nonsense: bytes
) -> None:
    async with running(broker):
        client = await broker.accept()
        client.send(nonsense)
        await gone(client)
        await broker.accept()


async def test_a_refusal_is_no_connection(broker: FakeBroker) -> None:
    async with running(broker) as link:
        client = await broker.accept(answer=b"\x20\x02\x00\x05")
        await gone(client)
        assert not link.connected
        assert not link.send("t", b"", qos=0)


async def test_pings_that_are_answered_keep_the_connection(broker: FakeBroker) -> None:
    async with running(broker, keepalive_s=1) as link:
        client = await broker.accept()
        for _ in range(2):
            await client.expect(Kind.PINGREQ)
            client.send(b"\xd0\x00")
        assert link.connected


async def test_a_broker_that_answers_no_ping_is_left_and_tried_again(broker: FakeBroker) -> None:
    async with running(broker, keepalive_s=1):
        client = await broker.accept()
        await client.expect(Kind.PINGREQ)
        await gone(client)
        await broker.accept()


async def test_unplugged_it_is_gone_without_a_word_and_returns_when_plugged(broker: FakeBroker) -> None:
    network = Network()
    async with running(broker, network=network) as link:
        client = await broker.accept()
        await client.expect(Kind.SUBSCRIBE)
        network.unplug()
        rest = [packet async for packet in remaining(client)]
        assert Kind.DISCONNECT not in [packet.kind for packet in rest]
        assert not link.connected
        network.plug()
        await broker.accept()


async def remaining(client: Client) -> AsyncIterator[Packet]:
    while (packet := await client.next()) is not None:
        yield packet


async def test_the_goodbye_is_said_acknowledged_and_followed_by_a_disconnect(broker: FakeBroker) -> None:
    async with asyncio.TaskGroup() as group, running(broker, polite=True):
        client = await broker.accept()
        online = packets.published(await client.expect(Kind.PUBLISH))
        client.send(packets.puback(online.packet_id))
        await client.expect(Kind.SUBSCRIBE)
        goodbye = group.create_task(heard_goodbye(client))
    assert goodbye.result() == [Kind.PUBLISH, Kind.DISCONNECT]


async def heard_goodbye(client: Client) -> list[int]:
    kinds: list[int] = []
    async for packet in remaining(client):
        kinds.append(packet.kind)
        if packet.kind == Kind.PUBLISH:
            said = packets.published(packet)
            assert not Presence.decode(said.payload).online
            client.send(packets.puback(said.packet_id))
    return kinds
