"""The amplifier board on a serial port: Modbus RTU."""

import asyncio
import termios
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.pdu import ModbusPDU

from agent.amplifier.registers import Write
from agent.errors import AmplifierFailed
from agent.settings import AmplifierSettings
from wire.evidence import AmplifierProblem

T = TypeVar("T")

QUIET_S = 0.05
"""After a failure the line is left alone for so long, so that an answer that is late finds nobody."""

_FINAL = {AmplifierProblem.NO_PORT, AmplifierProblem.REFUSED}
"""Asking again would change nothing."""
_WRITE_ONE, _WRITE_SEVERAL = 6, 16


class ModbusBus:
    """Opens the port when it is first needed, and again after it was lost (a USB adapter pulled out).

    The `problem` of what it raises is an `AmplifierProblem`.
    """

    def __init__(self, settings: AmplifierSettings) -> None:
        self._settings = settings
        self._client: AsyncModbusSerialClient | None = None
        self._line = asyncio.Lock()

    async def read_inputs(self, count: int) -> list[int]:
        async def ask(client: AsyncModbusSerialClient) -> list[int]:
            answer = await client.read_input_registers(0, count=count, device_id=self._settings.unit)
            registers = list(_sound(answer).registers)
            if len(registers) != count:
                raise AmplifierFailed(problem=AmplifierProblem.WRONG_ANSWER)
            return registers

        return await self._try(ask)

    async def write(self, write: Write) -> None:
        async def ask(client: AsyncModbusSerialClient) -> None:
            unit, values = self._settings.unit, list(write.values)
            if len(values) == 1:
                answer = _sound(await client.write_register(write.address, values[0], device_id=unit))
                fits = answer.function_code == _WRITE_ONE and list(answer.registers) == values
            else:
                answer = _sound(await client.write_registers(write.address, values, device_id=unit))
                fits = answer.function_code == _WRITE_SEVERAL and answer.count == len(values)
            if not fits or answer.address != write.address:
                raise AmplifierFailed(problem=AmplifierProblem.WRONG_ANSWER)

        await self._try(ask)

    async def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _try(self, ask: Callable[[AsyncModbusSerialClient], Awaitable[T]]) -> T:
        """Twice, if need be."""
        async with self._line:
            try:
                return await self._ask(ask)
            except AmplifierFailed as error:
                if error.params["problem"] in _FINAL:
                    raise
            return await self._ask(ask)

    async def _ask(self, ask: Callable[[AsyncModbusSerialClient], Awaitable[T]]) -> T:
        client = await self._open()
        try:
            return await ask(client)
        except (AmplifierFailed, ModbusException, OSError) as error:
            await asyncio.sleep(QUIET_S)
            if isinstance(error, AmplifierFailed):
                raise
            raise AmplifierFailed(problem=AmplifierProblem.NO_ANSWER, detail=str(error)) from error

    async def _open(self) -> AsyncModbusSerialClient:
        if self._client is not None and self._client.connected:
            return self._client
        await self.close()
        settings = self._settings
        client = AsyncModbusSerialClient(
            settings.port,
            baudrate=settings.baud,
            parity=settings.parity,
            timeout=settings.answer_s,
            reconnect_delay=0,
            retries=0,
        )
        try:
            connected = await client.connect()
        except (termios.error, ValueError) as error:
            raise AmplifierFailed(
                problem=AmplifierProblem.NO_PORT, port=settings.port, detail=str(error)
            ) from error
        if not connected:
            raise AmplifierFailed(problem=AmplifierProblem.NO_PORT, port=settings.port)
        self._client = client
        return client


def _sound(answer: ModbusPDU) -> ModbusPDU:
    """Raises `AmplifierFailed` where the board answered that it will not."""
    if answer.isError():
        raise AmplifierFailed(problem=AmplifierProblem.REFUSED, code=answer.exception_code)
    return answer
