"""Lanes, proxies and a fleet's networks: what is sent arrives as the conditions have it."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.network.captive_portal import CaptivePortal, page
from firmware_sim.network.conditions import FAR, LOSSY, SMOOTH, THIN, Conditions, Trouble
from firmware_sim.network.lane import FULL_BYTES, Lane
from firmware_sim.network.network import Network
from firmware_sim.network.proxy import Proxy
from firmware_sim.scaled_loop import run_at
from tests.support.small_server import until

DOWN = Conditions(Trouble.LINK_DOWN)


class Trip:
    """What has arrived of what went into a lane, and when, in virtual seconds."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.arrived: list[tuple[float, bytes]] = []
        self.told_full: list[bool] = []
        self._began_s = asyncio.get_running_loop().time()
        self.lane = Lane(lambda: self.conditions, random.Random(1), self._arrive, self.told_full.append)

    def _arrive(self, data: bytes) -> None:
        self.arrived.append((asyncio.get_running_loop().time() - self._began_s, data))

    @property
    def whole(self) -> bytes:
        return b"".join(data for _, data in self.arrived)

    @property
    def last_s(self) -> float:
        return self.arrived[-1][0]


async def trip(conditions: Conditions, *sent: bytes) -> Trip:
    made = Trip(conditions)
    for data in sent:
        made.lane.put(data)
    await asyncio.sleep(3600)
    return made


def test_a_smooth_lane_takes_no_time() -> None:
    made = run_at(math.inf, trip(SMOOTH, b"a" * 5000, b"", b"never"))
    assert made.arrived[0] == (0.0, b"a" * 5000)


@pytest.mark.parametrize(("conditions", "seconds"), [(FAR, 1.0), (THIN, 14_000 / 2000 + 0.15)])
def test_latency_and_width_take_their_time(conditions: Conditions, seconds: float) -> None:
    made = run_at(math.inf, trip(conditions, b"x" * 14_000))
    assert made.last_s == pytest.approx(seconds, abs=0.01)
    assert made.whole == b"x" * 14_000


def test_losses_hold_up_what_is_behind_them() -> None:
    made = run_at(math.inf, trip(Conditions(loss=0.5, resend_s=1.0), b"y" * 140_000))
    assert 30 < made.last_s < 70
    assert made.whole == b"y" * 140_000


def test_a_full_lane_asks_the_sender_to_wait() -> None:
    made = run_at(math.inf, trip(THIN, b"z" * (FULL_BYTES + 1)))
    assert made.told_full == [True, False]


def test_a_closed_lane_delivers_nothing_more() -> None:
    async def closed() -> Trip:
        made = Trip(FAR)
        made.lane.put(b"on its way")
        made.lane.close()
        made.lane.put(b"later")
        await asyncio.sleep(3600)
        return made

    assert run_at(math.inf, closed()).arrived == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([SMOOTH, FAR, THIN, LOSSY]), st.binary(min_size=1, max_size=4000)),
        min_size=1,
        max_size=12,
    )
)
def test_however_the_conditions_change_nothing_is_lost_or_overtaken(
    sent: list[tuple[Conditions, bytes]],
) -> None:
    async def changing() -> Trip:
        made = Trip(SMOOTH)
        for conditions, data in sent:
            made.conditions = conditions
            made.lane.put(data)
            await asyncio.sleep(0.3)
        made.lane.put(b"")
        await asyncio.sleep(3600)
        return made

    made = run_at(math.inf, changing())
    assert made.whole == b"".join(data for _, data in sent)
    assert made.arrived[-1][1] == b"", "the end comes last"


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


@asynccontextmanager
async def echoing(make: Callable[[], asyncio.Protocol] = Echo) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def proxied() -> AsyncIterator[Proxy]:
    listening = asyncio.Event()
    async with asyncio.timeout(20), echoing() as port, asyncio.TaskGroup() as group:
        proxy = Proxy("127.0.0.1", port)
        task = group.create_task(proxy.run(listening))
        await listening.wait()
        yield proxy
        task.cancel()


async def test_a_proxy_leads_on_and_back_and_says_when_it_is_over() -> None:
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"a" * 300_000)
        assert await reader.readexactly(300_000) == b"a" * 300_000
        await proxy.set(Conditions(bytes_per_s=200_000))
        began_s = time.monotonic()
        writer.write(b"b" * 100_000)
        assert await reader.readexactly(100_000) == b"b" * 100_000
        assert time.monotonic() - began_s >= 0.4
        writer.close()


async def test_what_was_half_open_stays_so_when_the_trouble_is_over() -> None:
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await proxy.set(Conditions(Trouble.HALF_OPEN))
        writer.write(b"into the void")
        fresh_reader, fresh_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        fresh_writer.write(b"this one too")
        await proxy.set(SMOOTH)
        third_reader, third_writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        third_writer.write(b"heard")
        assert await third_reader.readexactly(5) == b"heard"
        for silent in (reader, fresh_reader):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    pytest.fail(f"{await silent.read(1)!r} from a half-open connection")
        for each in (writer, fresh_writer, third_writer):
            each.close()


@pytest.mark.parametrize("trouble", [Trouble.LINK_DOWN, Trouble.REFUSED])
async def test_a_closed_way_lets_nobody_in_and_opens_on_the_same_port(trouble: Trouble) -> None:
    async with proxied() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await proxy.set(Conditions(trouble))
        with suppress(ConnectionError):
            assert await reader.read(1) == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        await proxy.set(SMOOTH)
        _, again = await asyncio.open_connection("127.0.0.1", proxy.port)
        for each in (writer, again):
            each.close()


async def test_the_portal_answers_whatever_it_is_asked() -> None:
    async with proxied() as proxy, echoing(CaptivePortal) as portal_port:
        await proxy.set(Conditions(Trouble.CAPTIVE_PORTAL))
        for port in (proxy.port, portal_port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\x10\x0c\x00\x04MQTT")
            assert await reader.read() == page()
            writer.close()


async def test_a_broker_that_drops_answers_first() -> None:
    async with proxied() as proxy:
        await proxy.set(Conditions(Trouble.BROKER_DROPS, drops_after_s=0.05))
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        with suppress(ConnectionError):
            assert await reader.read(1) == b""
        writer.close()


class Caller(asyncio.Protocol):
    def __init__(self) -> None:
        self.heard = b""
        self.over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()


async def test_a_network_that_flaps_cuts_and_comes_back_by_itself_until_told_otherwise() -> None:
    network = Network(random.Random(1))
    async with asyncio.timeout(20), echoing() as port:
        network.flap(up_s=0.05, down_s=0.05)
        for _ in range(3):
            caller = None
            while caller is None:
                with suppress(OSError):
                    caller = await network.connect(Caller, "127.0.0.1", port)
                await asyncio.sleep(0.005)
            await caller.over.wait()
        network.plug()
        caller = await network.connect(Caller, "127.0.0.1", port)
        caller.transport.write(b"now")
        await until(lambda: caller.heard == b"now")
        assert network.plugged
        network.unplug()
        await caller.over.wait()
        with pytest.raises(OSError):
            await network.connect(Caller, "127.0.0.1", port)


async def test_who_leaves_politely_is_heard_to_the_end() -> None:
    heard: list[bytes] = []

    class Listener(Echo):
        def data_received(self, data: bytes) -> None:
            heard.append(data)

        def eof_received(self) -> None:
            heard.append(b"")

    network = Network()
    async with asyncio.timeout(20), echoing(Listener) as port:
        network.set(Conditions(latency_s=0.05))
        caller = await network.connect(Caller, "127.0.0.1", port)
        caller.transport.write(b"goodbye")
        caller.transport.close()
        await caller.over.wait()
        await until(lambda: heard == [b"goodbye", b""])
