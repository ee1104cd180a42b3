"""The simulated network of one station of a fleet: the proxy's conditions, without a port of its own."""

import asyncio
import random
from collections.abc import Callable
from typing import TypeVar

from firmware_sim.network.conditions import SMOOTH, Conditions, Trouble
from firmware_sim.network.path import Path, Wire

ProtocolT = TypeVar("ProtocolT", bound=asyncio.Protocol)

_DOWN = Conditions(Trouble.LINK_DOWN)


class Network:
    """`unplug` cuts what it carries without a word, as a lost mobile signal does; `plug` makes all well."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._path = Path(chance)
        self._flap: asyncio.TimerHandle | None = None

    @property
    def plugged(self) -> bool:
        return self._path.conditions.trouble is not Trouble.LINK_DOWN

    @property
    def conditions(self) -> Conditions:
        return self._path.conditions

    @property
    def opened(self) -> int:
        """How many connections were asked for so far."""
        return self._path.opened

    def set(self, conditions: Conditions) -> None:
        """From now on; ends any flapping."""
        self._stop_flapping()
        self._path.set(conditions)

    def unplug(self) -> None:
        self.set(_DOWN)

    def plug(self) -> None:
        self.set(SMOOTH)

    def flap(self, up_s: float, down_s: float, conditions: Conditions = SMOOTH) -> None:
        """Comes and goes until the next `set`; each spell is 0.5 to 1.5 times what is said."""
        self.set(conditions)
        self._flap_later(up_s, lambda: self._drop_out(up_s, down_s, conditions))

    async def connect(self, make: Callable[[], ProtocolT], host: str, port: int) -> ProtocolT:
        """As a loop's `create_connection`. Raises OSError."""
        made = make()
        end = _End(made)
        end.wire = await self._path.open(host, port, end.arrived, end.torn, end.wait)
        if end.is_closing():
            raise ConnectionResetError("the network went while we connected")
        made.connection_made(end)
        return made

    def _drop_out(self, up_s: float, down_s: float, conditions: Conditions) -> None:
        self._path.set(_DOWN)
        self._flap_later(down_s, lambda: self.flap(up_s, down_s, conditions))

    def _flap_later(self, mean_s: float, then: Callable[[], None]) -> None:
        spell_s = mean_s * self._path.chance.uniform(0.5, 1.5)
        self._flap = asyncio.get_running_loop().call_later(spell_s, then)

    def _stop_flapping(self) -> None:
        if self._flap is not None:
            self._flap.cancel()
            self._flap = None


class _End(asyncio.Transport):
    """The station's end of a wire, as its protocol knows transports."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._protocol = protocol
        self._closing = False
        self.wire: Wire | None = None

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.wire is not None and not self._closing:
            self.wire.put(bytes(data))

    def close(self) -> None:
        """What was written still goes out: the far end is closed behind it."""
        if self.wire is not None and not self._closing:
            self.wire.finish()
        self._end()

    def abort(self) -> None:
        if self.wire is not None:
            self.wire.close()
        self._end()

    def arrived(self, data: bytes) -> None:
        if not data:
            self.abort()
        elif not self._closing:
            self._protocol.data_received(data)

    def torn(self) -> None:
        self._end()

    def wait(self, full: bool) -> None:
        (self._protocol.pause_writing if full else self._protocol.resume_writing)()

    def _end(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)
