"""MQTT packets as bytes: whole, in pieces, and broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.fleet import packets
from firmware_sim.fleet.packets import Kind, Packet, ProtocolBroken, Reader, Will

MESSAGES = st.tuples(
    st.text(min_size=1, max_size=40), st.binary(max_size=300), st.integers(0, 1), st.booleans()
)


def fed(stream: bytes, cuts: list[int]) -> list[Packet]:
    """What a reader makes of a stream that comes in pieces."""
    reader, begin = Reader(), 0
    found: list[Packet] = []
    for cut in [*sorted(cuts), len(stream)]:
        found += reader.feed(stream[begin : max(cut, begin)])
        begin = max(cut, begin)
    return found


@given(messages=st.lists(MESSAGES, max_size=8), data=st.data())
def test_packets_are_the_same_however_the_stream_is_cut(
    messages: list[tuple[str, bytes, int, bool]], data: st.DataObject
) -> None:
    stream = b"".join(
        packets.publish(topic, payload, qos=qos, retain=retain, packet_id=7 * qos)
        for topic, payload, qos, retain in messages
    )
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    found = [packets.published(packet) for packet in fed(stream, cuts)]
    assert [(one.topic, one.payload, one.packet_id) for one in found] == [
        (topic, payload, 7 * qos) for topic, payload, qos, _ in messages
    ]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 16_381, 16_384, 2_097_152])
def test_a_payload_of_any_length_arrives_byte_by_byte_or_at_once(length: int) -> None:
    stream = packets.publish("t", b"x" * length, qos=1, retain=False, packet_id=9)
    step = max(len(stream) // 50, 1)
    found = fed(stream, list(range(0, len(stream), step)))
    assert [packets.published(one).payload for one in found] == [b"x" * length]


def test_two_and_a_half_packets_are_two_until_the_rest_comes() -> None:
    one = packets.publish("a/b", b"payload", qos=0, retain=False)
    reader = Reader()
    assert len(list(reader.feed(one + one + one[:4]))) == 2
    assert list(reader.feed(b"")) == []
    assert [packets.published(packet).payload for packet in reader.feed(one[4:])] == [b"payload"]


def test_connect_carries_will_name_and_password_as_the_standard_says() -> None:
    packet = packets.connect("cum-loa-1", 30, Will("w/t", b"gone"), "user", "secret")
    (found,) = Reader().feed(packet)
    assert found.kind == Kind.CONNECT
    assert found.body == (
        b"\x00\x04MQTT\x04" + bytes([0b1110_1110]) + b"\x00\x1e"
        b"\x00\x09cum-loa-1" + b"\x00\x03w/t" + b"\x00\x04gone" + b"\x00\x04user" + b"\x00\x06secret"
    )


def test_connect_without_will_and_name_has_neither() -> None:
    (found,) = Reader().feed(packets.connect("c", 0, password="never sent without a name"))
    assert found.body == b"\x00\x04MQTT\x04\x02\x00\x00\x00\x01c"


def test_subscribe_asks_for_each_topic_at_qos_1() -> None:
    (found,) = Reader().feed(packets.subscribe(258, ["a", "b/c"]))
    assert (found.kind, found.flags) == (Kind.SUBSCRIBE, 0b0010)
    assert found.body == b"\x01\x02" + b"\x00\x01a\x01" + b"\x00\x03b/c\x01"


@pytest.mark.parametrize(
    "stream",
    [
        b"\x30\xff\xff\xff\xff\x01",
        b"\x30\xff\xff\xff\x7f",
    ],
    ids=["length of five bytes", "longer than any document"],
)
def test_an_impossible_length_breaks_the_connection(stream: bytes) -> None:
    with pytest.raises(ProtocolBroken):
        list(Reader().feed(stream))


@pytest.mark.parametrize(
    "packet",
    [
        Packet(Kind.PUBLISH, 0b0100, b"\x00\x01t\x00\x01x"),
        Packet(Kind.PUBLISH, 0b0010, b"\x00\x01t\x00"),
        Packet(Kind.PUBLISH, 0b0000, b"\x00\x05t"),
        Packet(Kind.PUBLISH, 0b0000, b"\x00"),
        Packet(Kind.PUBLISH, 0b0000, b"\x00\x02\xff\xfe"),
    ],
    ids=["qos 2", "no packet id", "topic cut short", "no topic", "topic no utf-8"],
)
def test_a_broken_message_is_refused(packet: Packet) -> None:
    with pytest.raises(ProtocolBroken):
        packets.published(packet)
