"""The board behind a serial port: a pseudo-terminal that speaks Modbus RTU, on a wire that may be bad."""

import os
import pty
import random
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.rtu import answer, crc16, request_bytes

UNIT = 1
_LOOK_S = 0.02
_TORN_S = 0.1
"""What has come of a request is thrown away when nothing more comes for so long."""
_CHUNK_BYTES = 512


@dataclass
class Wire:
    """What the wire does to messages, to be changed at any time.

    `noise` is the share of answers in which a bit is flipped; `garbage` comes before every answer.
    """

    silent: bool = False
    delay_s: float = 0.0
    noise: float = 0.0
    garbage: bytes = b""
    answers_as: int = UNIT
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - noise

    def carry(self, frame: bytes) -> bytes:
        """The answer as it arrives."""
        if self.silent:
            return b""
        if self.chance.random() < self.noise:
            broken = bytearray(frame)
            broken[self.chance.randrange(len(broken))] ^= 1 << self.chance.randrange(8)
            frame = bytes(broken)
        return self.garbage + frame


class SerialBoard:
    """Serves `board` on `port` between `start` and `stop`, in a thread; use `held` to touch the board.

    `seconds` is the monotonic clock that the board lives by.
    """

    def __init__(
        self, board: Board, wire: Wire | None = None, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self.wire = wire or Wire()
        self._board = board
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="amplifier board")
        self._seconds = seconds
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The port is gone afterwards, as if the cable had been pulled out."""
        self._stop.set()
        self._thread.join()
        os.close(self._theirs)
        os.close(self._ours)

    @property
    def serves(self) -> bool:
        return self._thread.is_alive()

    @contextmanager
    def held(self) -> Iterator[Board]:
        """The board as it is now, for nobody else meanwhile."""
        with self._lock:
            self._board.advance(self._seconds())
            yield self._board

    def _serve(self) -> None:
        stream, heard_at_s = b"", 0.0
        while not self._stop.is_set():
            if time.monotonic() - heard_at_s > _TORN_S:
                stream = b""
            if select.select([self._ours], [], [], _LOOK_S)[0]:
                stream += os.read(self._ours, _CHUNK_BYTES)
                heard_at_s = time.monotonic()
                stream = self._take(stream)

    def _take(self, stream: bytes) -> bytes:
        """Answer every request in `stream`; what is left of it."""
        while (count := request_bytes(stream)) is not None and count <= len(stream):
            request, stream = stream[:count], stream[count:]
            if crc16(request[:-2]) != request[-2:]:
                return b""
            if request[0] == UNIT:
                self._answer(request)
        return stream

    def _answer(self, request: bytes) -> None:
        with self.held() as board:
            if not board.answers:
                return
            frame = bytes([self.wire.answers_as]) + answer(board, request)
        if self.wire.delay_s:
            self._stop.wait(self.wire.delay_s)
            self._overhear()
        os.write(self._ours, self.wire.carry(frame + crc16(frame)))

    def _overhear(self) -> None:
        """A board that is busy hears nothing."""
        while select.select([self._ours], [], [], 0)[0]:
            os.read(self._ours, _CHUNK_BYTES)
