"""The controller's connection to a broker: one paho client at a time, in a thread of its own."""

import asyncio
import logging
import random
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from controller.context import system_now

_log = logging.getLogger(__name__)

_KEEPALIVE_S = 30
_CONNECT_TIMEOUT_S = 5.0
_IN_FLIGHT_MESSAGES = 200
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0
_SLICE_S = 0.2


@dataclass(frozen=True)
class Inbound:
    topic: str
    payload: bytes
    retained: bool
    received_at: datetime
    connection: int
    """The number of the connection that it came on."""


@dataclass(frozen=True)
class Publication:
    topic: str
    payload: bytes
    retain: bool = False
    qos: int = 1


@dataclass(frozen=True)
class Connection:
    """One life of the link: a new number each time. `since_s` is on the monotonic clock."""

    number: int
    since_s: float


Handler = Callable[[Inbound], None]


class Sending:
    """What was handed to the link at one moment, in this order."""

    def __init__(self, acknowledged: Sequence[Callable[[float], bool]]) -> None:
        self._acknowledged = acknowledged

    def wait(self, timeout_s: float) -> list[bool]:
        """Which of them the broker has acknowledged on the connection of that moment."""
        deadline_s = time.monotonic() + timeout_s
        return [acknowledged(deadline_s) for acknowledged in self._acknowledged]


class Link:
    """Connects, subscribes, and connects again after a random pause, until cancelled.

    Handlers are called in the link's thread and must be quick. A new client serves each connection, so that
    nothing published before a break is sent again behind a newer version.
    """

    def __init__(
        self, host: str, port: int, client_id: str, now: Callable[[], datetime] = system_now
    ) -> None:
        self._address = host, port
        self._client_id = client_id
        self._now = now
        self._handlers: dict[str, tuple[int, Handler]] = {}
        self._greeters: list[Callable[[Connection], None]] = []
        self._client: paho.Client | None = None
        self._connection: Connection | None = None
        self._connections = 0
        self._failures = 0
        self._stopping = threading.Event()
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)

    @property
    def connection(self) -> Connection | None:
        """The present connection, once the broker has confirmed the subscriptions."""
        return self._connection

    def hear(self, topic_filter: str, qos: int, handler: Handler) -> None:
        """Subscribe on every connection. Before `run`."""
        self._handlers[topic_filter] = qos, handler

    def greet(self, greeter: Callable[[Connection], None]) -> None:
        """Be told of every new connection, in the link's thread. Before `run`."""
        self._greeters.append(greeter)

    def publish(self, publications: Sequence[Publication], timeout_s: float) -> list[bool]:
        """Publish at QoS 1 and wait; which of them the broker has acknowledged on this connection."""
        return self.begin(publications).wait(timeout_s)

    def begin(self, publications: Sequence[Publication]) -> Sending:
        """Publish at QoS 1 in this order, without waiting yet."""
        client, connection = self._client, self._connection
        if client is None or connection is None:
            return Sending([lambda _deadline_s: False] * len(publications))
        sent = [self._send(client, publication) for publication in publications]
        return Sending([partial(self._acknowledged, info, connection) for info in sent])

    def offer(self, publication: Publication) -> None:
        """Publish without waiting; lost if the link is down."""
        client = self._client
        if client is not None and self._connection is not None:
            self._send(client, publication)

    async def run(self) -> None:
        """Returns only by cancellation. What a handler raises is logged: no message may end the program."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="mqtt-link")
        serving = asyncio.get_running_loop().run_in_executor(pool, self._serve)
        try:
            await asyncio.shield(serving)
        finally:
            self._stopping.set()
            self._rouse()
            await asyncio.wait([serving])
            pool.shutdown(wait=False)
            self._awake.close()
            self._wake.close()

    def _send(self, client: paho.Client, publication: Publication) -> paho.MQTTMessageInfo:
        info = client.publish(
            publication.topic, publication.payload, qos=publication.qos, retain=publication.retain
        )
        self._rouse()
        return info

    def _acknowledged(self, info: paho.MQTTMessageInfo, connection: Connection, deadline_s: float) -> bool:
        while info.rc == paho.MQTT_ERR_SUCCESS and not info.is_published():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or self._connection != connection:
                return False
            info.wait_for_publish(min(left_s, _SLICE_S))
        return info.rc == paho.MQTT_ERR_SUCCESS

    def _rouse(self) -> None:
        try:
            self._wake.send(b"!")
        except OSError:
            return  # Full: it has plenty of calls to wake up from already. Closed: the link has ended.

    def _serve(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            client = self._new_client()
            self._connections += 1
            served = self._connected(client) and self._pump(client)
            failures = 0 if served else failures + 1
            self._stopping.wait(_pause_s(failures))

    def _connected(self, client: paho.Client) -> bool:
        try:
            client.connect(*self._address, keepalive=_KEEPALIVE_S)
        except OSError as error:
            _log.warning("no broker at %s:%s: %s", *self._address, error)
            return False
        self._client = client
        return True

    def _pump(self, client: paho.Client) -> bool:
        """Move bytes until the connection is lost or the link is to stop; whether it ever stood."""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._awake, selectors.EVENT_READ)
                selector.register(client.socket(), selectors.EVENT_READ)  # type: ignore[arg-type]
                while not self._stopping.is_set() and self._step(client, selector):
                    pass
            return self._connection is not None
        finally:
            self._part(client)

    def _step(self, client: paho.Client, selector: selectors.BaseSelector) -> bool:
        sock = client.socket()
        if sock is None:
            return False
        write = selectors.EVENT_WRITE if client.want_write() else 0
        selector.modify(sock, selectors.EVENT_READ | write)
        for key, events in selector.select(timeout=1.0):
            if key.fileobj is self._awake:
                self._awake.recv(4096)
            elif not _moved(client, events):
                return False
        if client.want_write() and client.loop_write() != paho.MQTT_ERR_SUCCESS:
            return False
        return client.loop_misc() == paho.MQTT_ERR_SUCCESS

    def _part(self, client: paho.Client) -> None:
        was = self._connection
        self._connection = self._client = None
        client.disconnect()
        if client.socket() is not None:
            client.loop_write()
        if was is not None and not self._stopping.is_set():
            _log.warning("the broker at %s:%s is gone", *self._address)

    def _new_client(self) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id)
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(_IN_FLIGHT_MESSAGES)
        client.on_socket_register_write = lambda *_: None  # Only the link's thread writes.
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        for topic_filter, (_, handler) in self._handlers.items():
            client.message_callback_add(topic_filter, self._on_message(handler))
        return client

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _props: Any) -> None:
        if reason.is_failure:
            _log.warning("the broker refuses the controller: %s", reason)
            client.disconnect()
            return
        client.subscribe([(topic_filter, qos) for topic_filter, (qos, _) in self._handlers.items()])

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, _reasons: Any, _props: Any) -> None:
        connection = Connection(self._connections, time.monotonic())
        self._connection = connection
        _log.info("connected to the broker at %s:%s", *self._address)
        for greeter in self._greeters:
            greeter(connection)

    def _on_message(self, handler: Handler) -> Callable[[paho.Client, Any, paho.MQTTMessage], None]:
        def take(_client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
            payload, now = bytes(message.payload), self._now()
            try:
                handler(Inbound(message.topic, payload, message.retain, now, self._connections))
            except Exception:  # noqa: BLE001  (anybody may have written it; the next message is heard)
                self._note_failure(message.topic)

        return take

    def _note_failure(self, topic: str) -> None:
        self._failures += 1
        if self._failures == 1 or self._failures % 1000 == 0:
            _log.exception("a message on %s broke its handler (%d such so far)", topic[:160], self._failures)


def _moved(client: paho.Client, events: int) -> bool:
    if events & selectors.EVENT_READ and client.loop_read() != paho.MQTT_ERR_SUCCESS:
        return False
    return not events & selectors.EVENT_WRITE or client.loop_write() == paho.MQTT_ERR_SUCCESS


def _pause_s(failures: int) -> float:
    """Full jitter: anything up to a bound that doubles with each failure."""
    bound_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(failures, 10))
    return random.SystemRandom().uniform(0, bound_s)
