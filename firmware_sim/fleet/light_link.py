"""A station's MQTT connection that costs no thread: what `agent.link.Link` does, on asyncio alone."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from agent import PROGRAM_VERSION
from agent.clock import Clock
from agent.link import (
    CONNECT_TIMEOUT_S,
    GOODBYE_S,
    UP_WITHIN_S,
    backoff_of,
    check_every_s,
    wanted_topics,
)
from agent.mailbox import Incoming, Mailbox
from agent.settings import Broker
from firmware_sim.fleet import packets
from firmware_sim.fleet.connection import Connection
from firmware_sim.fleet.packets import Will
from firmware_sim.network.network import Network
from wire import topics
from wire.evidence import LinkState
from wire.messages import Presence

log = logging.getLogger(__name__)


class LightLink:
    """`run` keeps a connection for ever, as long as the simulated network lets it."""

    def __init__(self, station: str, boot_id: str, broker: Broker, clock: Clock, network: Network) -> None:
        self._station = station
        self._boot_id = boot_id
        self._broker = broker
        self._clock = clock
        self._network = network
        self._wanted = wanted_topics(station, ())
        self._connection: Connection | None = None
        self._backoff = backoff_of(broker)
        self._connects = 0
        self._up_at_s = 0.0
        self.mailbox = Mailbox()
        self.on_up: Callable[[], None] | None = None

    @property
    def connected(self) -> bool:
        """True only after the broker has accepted us."""
        return self._connection is not None

    def follow(self, areas: Iterable[str]) -> None:
        """Listen to the documents of exactly these areas, now and after every reconnection."""
        wanted = wanted_topics(self._station, areas)
        added, dropped = wanted - self._wanted, self._wanted - wanted
        self._wanted = wanted
        if self._connection is not None and added:
            self._connection.subscribe(sorted(added))
        if self._connection is not None and dropped:
            self._connection.unsubscribe(sorted(dropped))

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        """Hand a message to the connection; False when there is none. Nothing is queued for later."""
        if self._connection is None:
            return False
        return self._connection.publish(topic, payload, qos=qos, retain=retain)

    def state(self) -> LinkState:
        """How it has fared since the program started."""
        return LinkState(connects=self._connects, up_s=self._up_s())

    def _up_s(self) -> float:
        return 0.0 if self._connection is None else round(self._clock.monotonic_s() - self._up_at_s, 1)

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
            connection = await self._connect()
        except OSError as error:
            log.warning("broker not reached: host=%s problem=%s", self._broker.host, error)
            return 0.0
        lasted_s = 0.0
        try:
            await self._stay(connection)
        finally:
            lasted_s = self._up_s()
            self._connection = None
        return lasted_s

    async def _connect(self) -> Connection:
        """Returns once the broker has accepted us. Raises OSError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._network.connect(
                    lambda: Connection(self._hello(), self._came_up, self._arrived),
                    self._broker.host,
                    self._broker.port,
                )
        except TimeoutError as error:
            raise OSError("no connection in time") from error

    async def _stay(self, connection: Connection) -> None:
        """Until it ends, the network goes away, the broker stops answering or we are to go."""
        try:
            await self._keep_alive(connection)
        except asyncio.CancelledError:
            await self._say_goodbye(connection)
            raise
        finally:
            connection.abort()
        await connection.ended

    async def _keep_alive(self, connection: Connection) -> None:
        pause_s = float(check_every_s(self._broker.keepalive_s))
        while True:
            first_s = pause_s if connection.is_accepted else min(pause_s, UP_WITHIN_S)
            done, _ = await asyncio.wait([connection.ended], timeout=first_s)
            if done:
                return
            if not connection.is_accepted or not connection.ping():
                log.warning("broker does not answer: host=%s", self._broker.host)
                connection.abort()

    def _hello(self) -> bytes:
        will = Will(topics.presence(self._station), self._presence(online=False))
        password = self._broker.password.get_secret_value()
        return packets.connect(self._station, self._broker.keepalive_s, will, self._broker.username, password)

    def _presence(self, *, online: bool, dated: bool = False) -> bytes:
        return Presence(
            station=self._station,
            online=online,
            boot_id=self._boot_id,
            program_version=PROGRAM_VERSION,
            at=self._clock.now() if dated else None,
        ).encode()

    async def _say_goodbye(self, connection: Connection) -> None:
        had, self._connection = self._connection, None
        if had is None:
            return
        presence = self._presence(online=False, dated=True)
        if not connection.publish(topics.presence(self._station), presence, qos=1, retain=True):
            return
        try:
            async with asyncio.timeout(GOODBYE_S):
                await connection.all_acknowledged()
                connection.leave()
                await asyncio.wait([connection.ended])
        except TimeoutError:
            log.info("broker did not hear our goodbye")

    def _came_up(self, connection: Connection) -> None:
        self._connection = connection
        self._connects += 1
        self._up_at_s = self._clock.monotonic_s()
        presence = self._presence(online=True, dated=True)
        connection.publish(topics.presence(self._station), presence, qos=1, retain=True)
        connection.subscribe(sorted(self._wanted))
        log.info("link up: port=%d topics=%d", self._broker.port, len(self._wanted))
        if self.on_up is not None:
            self.on_up()

    def _arrived(self, connection: Connection, topic: str, payload: bytes) -> None:
        """What nobody asked for is passed over."""
        if topic not in self._wanted:
            return
        try:
            self.mailbox.put(Incoming(topic, payload))
        except asyncio.QueueFull:
            log.warning("flooded: connection given up, state is read again at the next one")
            connection.abort()
