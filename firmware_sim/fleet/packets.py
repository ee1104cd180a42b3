"""The few MQTT 3.1.1 packets that a station needs, as bytes (OASIS MQTT 3.1.1, chapters 2 and 3). No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

MOST_BYTES: Final = 16 * 1024 * 1024
"""A longer packet is no packet of ours: the largest signed document takes about half of this."""
_LENGTH_BYTES_MAX: Final = 4
_REMAINING_MAX: Final = 268_435_455


class ProtocolBroken(Exception):
    """Bytes that are no MQTT; the connection cannot go on."""


class Kind(IntEnum):
    """The packet types of table 2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """`flags` are the low four bits of the first byte."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Published:
    """A message from the broker. `packet_id` is 0 for QoS 0."""

    topic: str
    payload: bytes
    packet_id: int


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says in our place when we are gone: QoS 1, retained."""

    topic: str
    payload: bytes


PINGREQ: Final = bytes((Kind.PINGREQ << 4, 0))
DISCONNECT: Final = bytes((Kind.DISCONNECT << 4, 0))


class Reader:
    """Bytes in as they come, whole packets out; keeps what is not whole yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Packet]:
        """Raises `ProtocolBroken`."""
        self._buffer += data
        begin = 0
        while (found := _packet_at(self._buffer, begin)) is not None:
            packet, begin = found
            yield packet
        del self._buffer[:begin]


def _packet_at(buffer: bytearray, begin: int) -> tuple[Packet, int] | None:
    """The packet there and where the next begins; None while it is not whole."""
    head = _remaining_length(buffer, begin + 1)
    if head is None:
        return None
    length, body_at = head
    if length > MOST_BYTES:
        raise ProtocolBroken(f"packet of {length} bytes")
    end = body_at + length
    if len(buffer) < end:
        return None
    first = buffer[begin]
    return Packet(first >> 4, first & 0x0F, bytes(buffer[body_at:end])), end


def _remaining_length(buffer: bytearray, at: int) -> tuple[int, int] | None:
    """Section 2.2.3: seven bits a byte, the lowest first."""
    length = 0
    for place in range(_LENGTH_BYTES_MAX):
        if at + place >= len(buffer):
            return None
        byte = buffer[at + place]
        length |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return length, at + place + 1
    raise ProtocolBroken("remaining length of more than four bytes")


def connect(
    client_id: str, keepalive_s: int, will: Will | None = None, username: str = "", password: str = ""
) -> bytes:
    """A clean session; the will at QoS 1, retained. A password goes only with a name."""
    with_password = bool(username and password)
    flags = 0b10 | (0b0010_1100 if will else 0) | with_password << 6 | bool(username) << 7
    body = _text("MQTT") + bytes((4, flags)) + keepalive_s.to_bytes(2, "big") + _text(client_id)
    if will:
        body += _text(will.topic) + _binary(will.payload)
    if username:
        body += _text(username)
    if with_password:
        body += _text(password)
    return _whole(Kind.CONNECT, 0, body)


def publish(topic: str, payload: bytes, *, qos: int, retain: bool, packet_id: int = 0) -> bytes:
    number = packet_id.to_bytes(2, "big") if qos else b""
    return _whole(Kind.PUBLISH, qos << 1 | int(retain), _text(topic) + number + payload)


def subscribe(packet_id: int, topics: Iterable[str]) -> bytes:
    """All at QoS 1."""
    wanted = b"".join(_text(topic) + b"\x01" for topic in topics)
    return _whole(Kind.SUBSCRIBE, 0b0010, packet_id.to_bytes(2, "big") + wanted)


def unsubscribe(packet_id: int, topics: Iterable[str]) -> bytes:
    dropped = b"".join(_text(topic) for topic in topics)
    return _whole(Kind.UNSUBSCRIBE, 0b0010, packet_id.to_bytes(2, "big") + dropped)


def puback(packet_id: int) -> bytes:
    return bytes((Kind.PUBACK << 4, 2)) + packet_id.to_bytes(2, "big")


def published(packet: Packet) -> Published:
    """Raises `ProtocolBroken` for QoS 2, which is never used, and for a body that is cut short."""
    qos = packet.flags >> 1 & 0b11
    if qos > 1:
        raise ProtocolBroken(f"message of QoS {qos}")
    body = packet.body
    topic_end = 2 + int.from_bytes(body[:2], "big")
    payload_at = topic_end + 2 * qos
    if len(body) < max(payload_at, 2):
        raise ProtocolBroken("message cut short")
    try:
        topic = body[2:topic_end].decode()
    except UnicodeDecodeError as error:
        raise ProtocolBroken("topic is not UTF-8") from error
    return Published(topic, body[payload_at:], int.from_bytes(body[topic_end:payload_at], "big"))


def return_code(packet: Packet) -> int:
    """Of a CONNACK: 0 when the broker accepts us. Raises `ProtocolBroken`."""
    if len(packet.body) != 2:
        raise ProtocolBroken("CONNACK of another length")
    return packet.body[1]


def number_of(packet: Packet) -> int:
    """The packet id of an acknowledgement. Raises `ProtocolBroken`."""
    if len(packet.body) < 2:
        raise ProtocolBroken("acknowledgement without a number")
    return int.from_bytes(packet.body[:2], "big")


def _whole(kind: Kind, flags: int, body: bytes) -> bytes:
    if len(body) > _REMAINING_MAX:
        raise ValueError(f"{len(body)} bytes do not fit into a packet")
    return bytes((kind << 4 | flags,)) + _length(len(body)) + body


def _length(length: int) -> bytes:
    out = bytearray()
    while True:
        length, low = divmod(length, 128)
        out.append(low | (0x80 if length else 0))
        if not length:
            return bytes(out)


def _text(text: str) -> bytes:
    return _binary(text.encode())


def _binary(value: bytes) -> bytes:
    return len(value).to_bytes(2, "big") + value
