"""One MQTT connection over asyncio's own transport: no thread, no task, one small object."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable

from firmware_sim.fleet import packets
from firmware_sim.fleet.packets import Kind, Packet, ProtocolBroken, Reader

log = logging.getLogger(__name__)

_IDS = 65_535


class Connection(asyncio.Protocol):
    """Says CONNECT as soon as the socket stands. `ended` is done when it is over.

    `accepted` is called once after the broker's CONNACK, `arrived` with each message.
    """

    def __init__(
        self,
        hello: bytes,
        accepted: Callable[["Connection"], None],
        arrived: Callable[["Connection", str, bytes], None],
    ) -> None:
        self._hello = hello
        self._accepted = accepted
        self._arrived = arrived
        self._reader = Reader()
        self._transport: asyncio.Transport | None = None
        self._ids = itertools.cycle(range(1, _IDS + 1))
        self._unacknowledged: set[int] = set()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.is_accepted = False
        self.pings_owed = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._hello)

    def data_received(self, data: bytes) -> None:
        try:
            for packet in self._reader.feed(data):
                self._take(packet)
        except ProtocolBroken as error:
            log.warning("broker speaks no MQTT 3.1.1: problem=%s", error)
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if exc is not None:
            log.warning("connection broken: problem=%s", exc)
        if not self.ended.done():
            self.ended.set_result(None)

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """False when the socket is gone."""
        number = next(self._ids) if qos else 0
        if not self._write(packets.publish(topic, payload, qos=qos, retain=retain, packet_id=number)):
            return False
        if qos:
            self._unacknowledged.add(number)
            self._quiet.clear()
        return True

    def subscribe(self, topics: Iterable[str]) -> None:
        self._write(packets.subscribe(next(self._ids), topics))

    def unsubscribe(self, topics: Iterable[str]) -> None:
        self._write(packets.unsubscribe(next(self._ids), topics))

    def ping(self) -> bool:
        """False when the broker has not answered the last one: it is not there any more."""
        if self.pings_owed:
            return False
        self.pings_owed += 1
        return self._write(packets.PINGREQ)

    async def all_acknowledged(self) -> None:
        """Returns when the broker has every message of QoS 1."""
        await self._quiet.wait()

    def leave(self) -> None:
        """DISCONNECT: the broker forgets the will."""
        self._write(packets.DISCONNECT)
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """As if the cable were cut: the broker speaks the will."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def _take(self, packet: Packet) -> None:
        if packet.kind == Kind.PUBLISH:
            self._take_message(packet)
        elif packet.kind == Kind.PUBACK:
            self._take_acknowledgement(packets.number_of(packet))
        elif packet.kind == Kind.CONNACK:
            self._take_answer(packets.return_code(packet))
        elif packet.kind == Kind.PINGRESP:
            self.pings_owed = 0
        elif packet.kind not in (Kind.SUBACK, Kind.UNSUBACK):
            raise ProtocolBroken(f"packet of type {packet.kind} from a broker")

    def _take_message(self, packet: Packet) -> None:
        message = packets.published(packet)
        if message.packet_id:
            self._write(packets.puback(message.packet_id))
        self._arrived(self, message.topic, message.payload)

    def _take_acknowledgement(self, number: int) -> None:
        self._unacknowledged.discard(number)
        if not self._unacknowledged:
            self._quiet.set()

    def _take_answer(self, code: int) -> None:
        if self.is_accepted:
            raise ProtocolBroken("a second CONNACK")
        if code:
            log.warning("broker refused us: code=%d", code)
            self.abort()
            return
        self.is_accepted = True
        self._accepted(self)
