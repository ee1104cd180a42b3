"""The one MQTT connection of a station: presence, subscriptions made anew, return with full jitter."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent import PROGRAM_VERSION
from agent.backoff import Backoff
from agent.clock import Clock
from agent.errors import NoMqtt
from agent.mailbox import Incoming, Mailbox
from agent.names import Names
from agent.settings import Broker
from wire import topics
from wire.evidence import LinkState
from wire.messages import Presence

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
UP_WITHIN_S = 20.0
"""From the first packet to the broker's answer; what takes longer leads nowhere, such as a captive portal."""
GOODBYE_S = 1.0


class Connection(Protocol):
    """What a station needs of its broker; `Link` is the real one, a simulated fleet shares a lighter one."""

    mailbox: Mailbox
    on_up: Callable[[], None] | None

    @property
    def connected(self) -> bool:
        """True only after the broker has accepted us."""

    def follow(self, areas: Iterable[str]) -> None:
        """Listen to the plans, boards and standing sounds of exactly these areas, now and from now on."""

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        """Hand a message to the connection; False when there is none. Nothing is queued for later."""

    def state(self) -> LinkState:
        """How it has fared since the program started."""

    async def run(self) -> None:
        """Keep a connection for ever; what arrives goes into the mailbox."""


def check_every_s(keepalive_s: int) -> int:
    """Silence for so long makes us ask, and as much again without an answer is a connection that is gone.

    Together less than 1.5 × the keep-alive, which is what a broker grants us (MQTT 3.1.1, section 3.1.2.10).
    """
    return max(1, int(keepalive_s * 0.7))


def backoff_of(broker: Broker) -> Backoff:
    return Backoff(broker.retry_min_s, broker.retry_max_s, first_s=broker.retry_first_s)


def wanted_topics(station: str, areas: Iterable[str]) -> frozenset[str]:
    """All that a station whose chain is `areas` listens to."""
    own = {topics.card(station), topics.ack(station), topics.TIME}
    leaves = (topics.alerts, topics.plan, topics.standing)
    return frozenset(own | {leaf(area) for area in areas for leaf in leaves})


class Link:
    """`run` keeps a connection for ever; everything but paho's own callbacks happens in the event loop."""

    def __init__(self, station: str, boot_id: str, broker: Broker, clock: Clock) -> None:
        self._station = station
        self._boot_id = boot_id
        self._broker = broker
        self._clock = clock
        self._wanted = wanted_topics(station, ())
        self._client: mqtt.Client | None = None
        self._backoff = backoff_of(broker)
        self._names = Names()
        self._tries = 0
        self._connects = 0
        self._up_at_s = 0.0
        self.mailbox = Mailbox()
        self.on_up: Callable[[], None] | None = None

    @property
    def connected(self) -> bool:
        return self._client is not None

    def follow(self, areas: Iterable[str]) -> None:
        wanted = wanted_topics(self._station, areas)
        added, dropped = wanted - self._wanted, self._wanted - wanted
        self._wanted = wanted
        if self._client is not None and added:
            self._client.subscribe([(topic, 1) for topic in sorted(added)])
        if self._client is not None and dropped:
            self._client.unsubscribe(sorted(dropped))

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        if self._client is None:
            return False
        return (
            self._client.publish(topic, payload, qos=qos, retain=retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        )

    def state(self) -> LinkState:
        return LinkState(connects=self._connects, up_s=self._up_s())

    def _up_s(self) -> float:
        return 0.0 if self._client is None else round(self._clock.monotonic_s() - self._up_at_s, 1)

    async def run(self) -> None:
        await asyncio.sleep(self._backoff.start_s())
        while True:
            lasted_s = await self._one_connection()
            pause_s = self._backoff.after_s(lasted_s)
            log.info("link down: lasted_s=%.0f next_try_s=%.1f", lasted_s, pause_s)
            await asyncio.sleep(pause_s)

    async def _one_connection(self) -> float:
        """Connect and stay until the connection ends; how long the broker had us, in seconds."""
        try:
            return await self._stay(await self._address())
        except (OSError, ValueError, NoMqtt) as error:
            log.warning("broker not reached: host=%s problem=%s", self._broker.host, error)
        return 0.0

    async def _address(self) -> str:
        """Where the broker is; another of its addresses at each try. Raises OSError."""
        addresses = await self._names.addresses_of(self._broker.host, CONNECT_TIMEOUT_S)
        self._tries += 1
        return addresses[self._tries % len(addresses)]

    async def _stay(self, address: str) -> float:
        """Until the connection ends. Raises OSError, ValueError or `NoMqtt` where there is no broker."""
        session = _Session(self, self._new_client(), asyncio.get_running_loop())
        ended = session.start(address, self._broker)
        lasted_s = 0.0
        try:
            await session.until_up(UP_WITHIN_S)
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            await self._say_goodbye(session, ended)
            raise
        finally:
            lasted_s = self._up_s()
            self._client = None
        return lasted_s

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._station,
            clean_session=True,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.will_set(topics.presence(self._station), self._presence(online=False), qos=1, retain=True)
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password.get_secret_value())
        return client

    def _presence(self, *, online: bool, dated: bool = False) -> bytes:
        return Presence(
            station=self._station,
            online=online,
            boot_id=self._boot_id,
            program_version=PROGRAM_VERSION,
            at=self._clock.now() if dated else None,
        ).encode()

    async def _say_goodbye(self, session: "_Session", ended: "asyncio.Future[None]") -> None:
        client, self._client = self._client, None
        if client is None:
            return
        presence = self._presence(online=False, dated=True)
        said = client.publish(topics.presence(self._station), presence, qos=1, retain=True)
        await asyncio.to_thread(said.wait_for_publish, GOODBYE_S)
        client.disconnect()
        await asyncio.wait([ended], timeout=GOODBYE_S)
        log.info("link closed: said_goodbye=%s", said.is_published())

    def came_up(self, client: mqtt.Client) -> None:
        self._client = client
        self._connects += 1
        self._up_at_s = self._clock.monotonic_s()
        presence = self._presence(online=True, dated=True)
        client.publish(topics.presence(self._station), presence, qos=1, retain=True)
        client.subscribe([(topic, 1) for topic in sorted(self._wanted)])
        log.info(
            "link up: host=%s port=%d topics=%d", self._broker.host, self._broker.port, len(self._wanted)
        )
        if self.on_up is not None:
            self.on_up()

    def arrived(self, client: mqtt.Client, incoming: Incoming) -> None:
        """Brokers may send what nobody asked for (amqtt does at each connect): it is passed over."""
        if incoming.topic not in self._wanted:
            return
        try:
            self.mailbox.put(incoming)
        except asyncio.QueueFull:
            log.warning("flooded: connection given up, state is read again at the next one")
            client.disconnect()


class _Session:
    """One connection's life in paho's network loop, in a thread of ours whose end we always learn."""

    def __init__(self, link: Link, client: mqtt.Client, loop: asyncio.AbstractEventLoop) -> None:
        self._link = link
        self._client = client
        self._loop = loop
        self._answered = asyncio.Event()
        self._ended: asyncio.Future[None] = loop.create_future()
        client.on_connect = self._on_connect
        client.on_message = self._on_message

    def start(self, address: str, broker: Broker) -> "asyncio.Future[None]":
        live = (address, broker.port, check_every_s(broker.keepalive_s))
        thread = threading.Thread(target=self._live, args=live, name="mqtt", daemon=True)
        thread.start()
        return self._ended

    async def until_up(self, within_s: float) -> None:
        """Until the broker has accepted us or it is over; what takes longer is cut off."""
        try:
            async with asyncio.timeout(within_s):
                await self._answered.wait()
        except TimeoutError:
            log.warning("broker does not answer, given up: within_s=%.0f", within_s)
            self._cut_off()

    def _cut_off(self) -> None:
        """paho's loop sees the end at once. Without a socket yet it ends by its own time limits."""
        connected = self._client.socket()
        if isinstance(connected, socket.socket):
            with suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _live(self, address: str, port: int, keepalive_s: int) -> None:
        problem: BaseException | None = None
        try:
            self._client.connect(address, port, keepalive=keepalive_s)
            self._listen()
        except BaseException as error:  # noqa: BLE001 - handed to the task that waits, which decides
            problem = error
        self._in_loop(self._finish, problem)

    def _listen(self) -> None:
        """Raises OSError, or `NoMqtt` where paho stumbles over what it reads."""
        try:
            self._client.loop_forever(retry_first_connection=False)
        except OSError:
            raise
        except Exception as error:
            raise NoMqtt(problem=repr(error)) from error

    def _finish(self, problem: BaseException | None) -> None:
        self._answered.set()
        if self._ended.done():
            return
        if problem is None:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(problem)

    def _in_loop(self, call: Callable[..., None], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *args)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _props: Properties | None
    ) -> None:
        if code.is_failure:
            log.warning("broker refused us: reason=%s", code)
            return
        self._in_loop(self._accepted)

    def _accepted(self) -> None:
        self._answered.set()
        if not self._ended.done():
            self._link.came_up(self._client)

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._in_loop(self._link.arrived, client, Incoming(message.topic, bytes(message.payload)))
