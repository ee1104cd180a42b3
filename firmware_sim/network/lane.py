"""One direction of one connection: bytes go in, and come out later, in order, as the conditions have it."""

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable, Iterator

from firmware_sim.network.conditions import Conditions

PACKET_BYTES = 1400
FULL_BYTES = 32 * 1024
"""More on its way than this, and the sender is asked to wait, as a full socket buffer does."""


class Lane:
    """`deliver` gets what has arrived, `b""` after the last byte; `full` hears when to wait and to go on."""

    def __init__(
        self,
        conditions: Callable[[], Conditions],
        chance: random.Random,
        deliver: Callable[[bytes], None],
        full: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._conditions = conditions
        self._chance = chance
        self._deliver = deliver
        self._full = full
        self._travelling: deque[tuple[float, bytes]] = deque()
        self._on_the_way_bytes = 0
        self._is_full = False
        self._free_at_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def put(self, data: bytes) -> None:
        """`b""` says that nothing more will come."""
        if self._closed:
            return
        conditions = self._conditions()
        if conditions.is_smooth and not self._travelling:
            self._deliver(data)
            return
        for packet in packets_of(data):
            self._travelling.append((self._arrival_s(conditions, len(packet)), packet))
        self._on_the_way_bytes += len(data)
        self._tell_whether_full()
        self._wake()

    def close(self) -> None:
        """Nothing arrives any more, not even what is on its way."""
        self._closed = True
        self._travelling.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arrival_s(self, conditions: Conditions, size_bytes: int) -> float:
        """By the loop's clock: after what is before it, and never before that."""
        begin_s = max(self._loop.time(), self._free_at_s)
        lost = conditions.loss > 0 and self._chance.random() < conditions.loss
        spent_s = 0.0 if math.isinf(conditions.bytes_per_s) else size_bytes / conditions.bytes_per_s
        self._free_at_s = begin_s + spent_s + (conditions.resend_s if lost else 0.0)
        before_s = self._travelling[-1][0] if self._travelling else 0.0
        return max(self._free_at_s + conditions.latency_s, before_s)

    def _wake(self) -> None:
        if self._timer is None and self._travelling:
            self._timer = self._loop.call_at(self._travelling[0][0], self._arrive)

    def _arrive(self) -> None:
        self._timer = None
        while self._travelling and self._travelling[0][0] <= self._loop.time():
            packet = self._travelling.popleft()[1]
            self._on_the_way_bytes -= len(packet)
            self._deliver(packet)
        self._tell_whether_full()
        self._wake()

    def _tell_whether_full(self) -> None:
        is_full = self._on_the_way_bytes > FULL_BYTES
        if is_full != self._is_full:
            self._is_full = is_full
            self._full(is_full)


def packets_of(data: bytes) -> Iterator[bytes]:
    if not data:
        yield data
    for begin in range(0, len(data), PACKET_BYTES):
        yield data[begin : begin + PACKET_BYTES]
