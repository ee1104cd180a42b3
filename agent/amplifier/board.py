"""An amplifier board, as whoever carries its registers to us and back lets us reach it."""

from typing import Protocol

from agent.amplifier import registers
from agent.amplifier.registers import INPUT_COUNT, Write
from agent.clock import Clock
from agent.errors import AmplifierFailed
from wire.evidence import AmplifierState


class Bus(Protocol):
    """Both raise `AmplifierFailed` with `problem`, and never hang."""

    async def read_inputs(self, count: int) -> list[int]:
        """The first `count` input registers."""

    async def write(self, write: Write) -> None: ...

    async def close(self) -> None: ...


class BoardAmplifier:
    """The amplifier contract in words of the register map. `gain_db` is set each time that it goes on."""

    def __init__(self, bus: Bus, clock: Clock, settle_s: float, gain_db: float = 0.0) -> None:
        self._bus = bus
        self._clock = clock
        self._settle_s = settle_s
        self._gain_db = gain_db

    @property
    def settle_s(self) -> float:
        return self._settle_s

    async def read(self) -> AmplifierState:
        try:
            values = await self._bus.read_inputs(INPUT_COUNT)
            return registers.state_of(values, self._clock.now())
        except AmplifierFailed as error:
            problem = str(error.params.get("problem", error))
            return AmplifierState(at=self._clock.now(), problem=problem[:200])

    async def switch_on(self) -> None:
        await self._bus.write(registers.switch_on(self._gain_db))

    async def unmute(self) -> None:
        await self._bus.write(registers.UNMUTE)

    async def mute(self) -> None:
        await self._bus.write(registers.MUTE)

    async def switch_off(self) -> None:
        await self._bus.write(registers.SWITCH_OFF)

    async def feed(self) -> None:
        await self._bus.write(registers.FEED)

    async def forget_faults(self) -> None:
        await self._bus.write(registers.FORGET)

    async def close(self) -> None:
        await self._bus.close()
