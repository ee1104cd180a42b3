"""Bare MQTT connections of the bench itself: one that listens in a thread, one that publishes."""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from firmware_sim.fleet import packets
from firmware_sim.fleet.packets import Kind, Reader

_TIMEOUT_S = 10.0


def connected(port: int, client_id: str) -> socket.socket:
    """Accepted by the broker, which asks for no pings."""
    sock = socket.create_connection(("127.0.0.1", port), _TIMEOUT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(packets.connect(client_id, keepalive_s=0))
    answer = sock.recv(4)
    if answer[3:] != b"\x00":
        raise SystemExit(f"the broker refuses {client_id}: {answer!r}")
    return sock


class Tap:
    """Calls `heard(monotonic_s, topic, payload)` in its own thread. Subscribed when the block begins."""

    def __init__(
        self, port: int, client_id: str, topics: Sequence[str], heard: Callable[[float, str, bytes], None]
    ) -> None:
        self._sock = connected(port, client_id)
        self._topics = topics
        self._heard = heard
        self._thread = threading.Thread(target=self._listen, name=client_id)

    def __enter__(self) -> Self:
        self._sock.sendall(packets.subscribe(1, self._topics))
        self._sock.settimeout(None)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._sock.close()

    def _listen(self) -> None:
        reader = Reader()
        while data := self._sock.recv(65_536):
            at_s = time.monotonic()
            for packet in reader.feed(data):
                if packet.kind != Kind.PUBLISH:
                    continue
                message = packets.published(packet)
                if message.packet_id:
                    self._sock.sendall(packets.puback(message.packet_id))
                self._heard(at_s, message.topic, message.payload)
