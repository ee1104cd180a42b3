"""The way from a station to its centre under conditions that change; every connection on it is a `Wire`."""

import asyncio
import errno
import os
import random
import socket
from collections.abc import Callable

from firmware_sim.network.captive_portal import page
from firmware_sim.network.conditions import CUTTING, SMOOTH, Conditions, Trouble
from firmware_sim.network.lane import Lane


class Wire(asyncio.Protocol):
    """One connection: the station's end puts in and is told, the far end is a real socket, or nobody.

    `arrived` gets bytes for the station, `b""` when the far side has no more; `cut` says that it is torn.
    """

    def __init__(
        self,
        path: "Path",
        arrived: Callable[[bytes], None],
        cut: Callable[[], None],
        wait: Callable[[bool], None],
    ) -> None:
        self._path = path
        self._cut = cut
        self._far: asyncio.Transport | None = None
        self._dead = path.conditions.trouble is Trouble.HALF_OPEN
        self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._out = Lane(lambda: path.conditions, path.chance, self._to_far, wait)
        self._in = Lane(lambda: path.conditions, path.chance, arrived, self._far_waits)

    def put(self, data: bytes) -> None:
        """From the station; `b""` where it has no more to say."""
        if self._dead or self._over:
            return
        if self._path.conditions.trouble is Trouble.CAPTIVE_PORTAL:
            self._in.put(page())
            self._in.put(b"")
        else:
            self._out.put(data)

    def finish(self) -> None:
        """The station has gone; what it said before still arrives."""
        if self._dead or self._far is None:
            self.close()
        else:
            self.put(b"")

    def die(self) -> None:
        """Nothing travels any more, nobody is told."""
        self._dead = True
        self._out.close()
        self._in.close()

    def close(self) -> None:
        """Torn, at both ends; only the far one may still have to learn of it."""
        if self._over:
            return
        self._over = True
        self.die()
        if self._timer is not None:
            self._timer.cancel()
        if self._far is not None:
            self._far.abort()
        self._path.forget(self)

    def tear(self) -> None:
        """As `close`, and the station is told."""
        if not self._over:
            self.close()
            self._cut()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._far = transport
        if self._over:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._in.put(data)
        conditions = self._path.conditions
        if conditions.trouble is Trouble.BROKER_DROPS and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(conditions.drops_after_s, self.tear)

    def eof_received(self) -> bool:
        self._in.put(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._far = None
        if exc is not None and not self._dead:
            self.tear()

    def _to_far(self, data: bytes) -> None:
        if self._far is None:
            return
        if data:
            self._far.write(data)
        elif self._far.can_write_eof():
            self._far.write_eof()

    def _far_waits(self, full: bool) -> None:
        if self._far is None or self._far.is_closing():
            return
        if full:
            self._far.pause_reading()
        else:
            self._far.resume_reading()


class Path:
    """`set` changes the conditions, at once and for everything on the way."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self.chance = chance or random.Random()  # noqa: S311 - weather, not a secret
        self.conditions = SMOOTH
        self.opened = 0
        """How many connections were asked for so far."""
        self._wires: set[Wire] = set()

    def set(self, conditions: Conditions) -> None:
        """Connections that were half open stay so: whoever kept their state has forgotten them."""
        changed = conditions.trouble is not self.conditions.trouble
        self.conditions = conditions
        for wire in tuple(self._wires) if changed else ():
            if conditions.trouble is Trouble.HALF_OPEN:
                wire.die()
            elif conditions.trouble in CUTTING:
                wire.tear()

    async def open(
        self,
        host: str,
        port: int,
        arrived: Callable[[bytes], None],
        cut: Callable[[], None],
        wait: Callable[[bool], None],
    ) -> Wire:
        """Raises OSError where the conditions, or the other side, allow no connection."""
        self.opened += 1
        self._refuse()
        wire = Wire(self, arrived, cut, wait)
        self._wires.add(wire)
        if self.conditions.trouble in (Trouble.HALF_OPEN, Trouble.CAPTIVE_PORTAL):
            return wire
        try:
            await asyncio.sleep(2 * self.conditions.latency_s)
            await asyncio.get_running_loop().create_connection(lambda: wire, host, port)
        except (OSError, asyncio.CancelledError):
            wire.close()
            raise
        return wire

    def forget(self, wire: Wire) -> None:
        self._wires.discard(wire)

    def close(self) -> None:
        """Tears all that is on it."""
        for wire in tuple(self._wires):
            wire.tear()

    def _refuse(self) -> None:
        """Raises OSError."""
        trouble = self.conditions.trouble
        if trouble is Trouble.LINK_DOWN:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        if trouble is Trouble.REFUSED:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if trouble is Trouble.DNS_FAILURE:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
