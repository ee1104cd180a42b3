"""A bad network for real processes: a TCP port that leads to another one, under conditions that change."""

import asyncio
import logging
import random

from firmware_sim.network.conditions import Conditions, Trouble
from firmware_sim.network.path import Path, Wire

log = logging.getLogger(__name__)

_CLOSED = frozenset({Trouble.REFUSED, Trouble.LINK_DOWN})


class Proxy:
    """Between a station and `host:target_port`. `run` serves until cancelled; `set` may come at any time."""

    def __init__(
        self,
        host: str,
        target_port: int,
        chance: random.Random | None = None,
        *,
        listen_on: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._listen_on = listen_on
        self.path = Path(chance)
        self.port = port
        self._host = host
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._opening: asyncio.TaskGroup | None = None

    async def run(self, listening: asyncio.Event | None = None) -> None:
        """Raises OSError when its port cannot be had again."""
        try:
            async with asyncio.TaskGroup() as self._opening:
                await self._listen()
                if listening is not None:
                    listening.set()
                await asyncio.Event().wait()
        finally:
            self.path.close()
            self._close_port()

    async def set(self, conditions: Conditions) -> None:
        """Returns when it is so for everybody who tries. Raises OSError as `run` does."""
        self.path.set(conditions)
        if conditions.trouble in _CLOSED:
            self._close_port()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Near(self), self._listen_on, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _close_port(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def lead_on(self, near: "_Near") -> None:
        assert self._opening is not None
        self._opening.create_task(self._lead_on(near))

    async def _lead_on(self, near: "_Near") -> None:
        try:
            wire = await self.path.open(self._host, self._target_port, near.arrived, near.abort, near.wait)
        except OSError as error:
            log.info("not led on: port=%d problem=%s", self._target_port, error)
            near.abort()
            return
        near.take(wire)


class _Near(asyncio.Protocol):
    """The station's end of one connection."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._wire: Wire | None = None
        self._early: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._proxy.lead_on(self)

    def take(self, wire: Wire) -> None:
        """It stands; what the station has said meanwhile goes first."""
        self._wire = wire
        if self._transport is None:
            wire.close()
            return
        for data in self._early:
            wire.put(data)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self._wire is None:
            self._early.append(data)
        else:
            self._wire.put(data)

    def eof_received(self) -> bool:
        self.data_received(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._wire is not None:
            self._wire.close()

    def arrived(self, data: bytes) -> None:
        if self._transport is None:
            return
        if data:
            self._transport.write(data)
        else:
            self._transport.close()

    def wait(self, full: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if full:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
