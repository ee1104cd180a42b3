"""A broker in virtual time: MQTT 3.1.1 as stations speak it, over connections that need no socket.

It keeps retained messages, grants QoS 0, speaks wills, throws out an older client of one id, and gives up
whoever is silent for 1.5 × the keep-alive.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from firmware_sim.fleet import packets
from firmware_sim.fleet.packets import Kind, Packet, Reader, Will
from firmware_sim.scaled_loop import VirtualLoop

Listener = Callable[[str, bytes], None]


@dataclass
class VillageBroker:
    """`listeners` hear every message of a client, as a subscription to `#` would."""

    listeners: list[Listener] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)
    clients: dict[str, "Session"] = field(default_factory=dict)
    connects: int = 0

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        if retain:
            self.retained[topic] = payload
        for session in list(self.clients.values()):
            if topic in session.topics:
                session.deliver(topic, payload)

    def hear(self, topic: str, payload: bytes, *, retain: bool) -> None:
        self.publish(topic, payload, retain=retain)
        for listener in self.listeners:
            listener(topic, payload)

    def join(self, session: "Session") -> None:
        older = self.clients.pop(session.id, None)
        if older is not None:
            older.drop()
        self.connects += 1
        self.clients[session.id] = session

    def leave(self, session: "Session") -> None:
        if self.clients.get(session.id) is session:
            del self.clients[session.id]


class Session:
    """One client."""

    def __init__(self, broker: VillageBroker, socket: "_Socket") -> None:
        self.id = ""
        self.topics: set[str] = set()
        self._broker = broker
        self._socket = socket
        self._reader = Reader()
        self._will: Will | None = None
        self._silence_s = 60.0
        self._watch: asyncio.TimerHandle | None = None

    def take(self, data: bytes) -> None:
        self._heard()
        for packet in self._reader.feed(data):
            self._obey(packet)

    def deliver(self, topic: str, payload: bytes) -> None:
        self._socket.bring(packets.publish(topic, payload, qos=0, retain=False))

    def drop(self) -> None:
        """The broker ends it, and speaks the will."""
        self.lost()
        self._socket.end()

    def lost(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._broker.leave(self)
        will, self._will = self._will, None
        if will is not None:
            self._broker.hear(will.topic, will.payload, retain=True)

    def _heard(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.get_running_loop().call_later(self._silence_s, self.drop)

    def _obey(self, packet: Packet) -> None:
        match packet.kind:
            case Kind.CONNECT:
                self._connect(packet.body)
            case Kind.SUBSCRIBE:
                self._subscribe(packet.body)
            case Kind.UNSUBSCRIBE:
                self.topics -= set(_texts(packet.body[2:], 0))
                self._socket.bring(bytes((Kind.UNSUBACK << 4, 2)) + packet.body[:2])
            case Kind.PUBLISH:
                message = packets.published(packet)
                if message.packet_id:
                    self._socket.bring(packets.puback(message.packet_id))
                self._broker.hear(message.topic, message.payload, retain=bool(packet.flags & 1))
            case Kind.PINGREQ:
                self._socket.bring(bytes((Kind.PINGRESP << 4, 0)))
            case Kind.DISCONNECT:
                self._will = None
                self.drop()

    def _connect(self, body: bytes) -> None:
        flags, rest = body[7], body[10:]
        self._silence_s = 1.5 * int.from_bytes(body[8:10], "big")
        self.id, rest = _text(rest)
        if flags & 0b100:
            topic, rest = _text(rest)
            size = int.from_bytes(rest[:2], "big")
            self._will = Will(topic, rest[2 : 2 + size])
        self._broker.join(self)
        self._heard()
        self._socket.bring(bytes((Kind.CONNACK << 4, 2, 0, 0)))

    def _subscribe(self, body: bytes) -> None:
        wanted = list(_texts(body[2:], 1))
        self.topics |= set(wanted)
        granted = body[:2] + bytes(len(wanted))
        assert len(granted) < 128, "more topics than one byte of length can tell"
        self._socket.bring(bytes((Kind.SUBACK << 4, len(granted))) + granted)
        for topic in wanted:
            if topic in self._broker.retained:
                self.deliver(topic, self._broker.retained[topic])


class _Socket(asyncio.Transport):
    """The client's end of a connection that is nothing but calls."""

    def __init__(self, broker: VillageBroker, client: asyncio.Protocol) -> None:
        super().__init__()
        self._client = client
        self._session = Session(broker, self)
        self._is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._is_over:
            asyncio.get_running_loop().call_soon(self._session.take, bytes(data))

    def bring(self, data: bytes) -> None:
        """From the broker."""
        if not self._is_over:
            asyncio.get_running_loop().call_soon(self._client.data_received, data)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.abort()

    def is_closing(self) -> bool:
        return self._is_over

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._is_over:
            asyncio.get_running_loop().call_soon(self._session.lost)
            self.end()

    def end(self) -> None:
        if not self._is_over:
            self._is_over = True
            asyncio.get_running_loop().call_soon(self._client.eof_received)
            asyncio.get_running_loop().call_soon(self._client.connection_lost, None)

    def pause_reading(self) -> None:
        """Nothing here is large enough to matter."""

    def resume_reading(self) -> None:
        """As `pause_reading`."""


class VillageLoop(VirtualLoop):
    """Virtual time, in which every address leads to one broker."""

    def __init__(self, broker: VillageBroker) -> None:
        super().__init__()
        self._broker = broker

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.Protocol], *_address: Any, **_more: Any
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        protocol = protocol_factory()
        socket = _Socket(self._broker, protocol)
        protocol.connection_made(socket)
        return socket, protocol


def _text(body: bytes) -> tuple[str, bytes]:
    end = 2 + int.from_bytes(body[:2], "big")
    return body[2:end].decode(), body[end:]


def _texts(body: bytes, bytes_between: int) -> list[str]:
    found = []
    while body:
        text, body = _text(body)
        found.append(text)
        body = body[bytes_between:]
    return found
