"""A TCP port that leads to the broker and counts what goes through, as a mobile operator would."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_HEADERS_BYTES = 2 * 40
"""IPv4 and TCP headers of a segment and of its acknowledgement, without options (RFC 791, RFC 9293)."""


@dataclass
class Traffic:
    payload_bytes: int = 0
    pieces: int = 0
    _pen: threading.Lock = field(default_factory=threading.Lock)

    def add(self, count: int) -> None:
        with self._pen:
            self.payload_bytes += count
            self.pieces += 1

    @property
    def wire_bytes(self) -> int:
        """With headers, as if each piece were a segment acknowledged by itself."""
        return self.payload_bytes + self.pieces * _HEADERS_BYTES


@contextmanager
def relay_to(port: int) -> Iterator[tuple[int, Traffic]]:
    """The relay's own port, and its count."""
    traffic = Traffic()
    ends: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        thread = threading.Thread(target=_serve, args=(door, port, traffic, ends))
        thread.start()
        try:
            yield door.getsockname()[1], traffic
        finally:
            door.shutdown(socket.SHUT_RDWR)
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(door: socket.socket, port: int, traffic: Traffic, ends: list[socket.socket]) -> None:
    threads: list[threading.Thread] = []
    with suppress(OSError):
        while True:
            near, _ = door.accept()
            far = socket.create_connection(("127.0.0.1", port))
            ends += [near, far]
            for one, other in ((near, far), (far, near)):
                threads.append(threading.Thread(target=_carry, args=(one, other, traffic)))
                threads[-1].start()
    for thread in threads:
        thread.join()


def _carry(one: socket.socket, other: socket.socket, traffic: Traffic) -> None:
    with suppress(OSError):
        while block := one.recv(65_536):
            other.sendall(block)
            traffic.add(len(block))
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
