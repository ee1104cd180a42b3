"""What somebody outside may do to a running fleet: one JSON line each on its standard input."""

import asyncio
import json
import logging
import os
import stat
import sys
from collections.abc import AsyncIterator
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from wire.ids import StationId

log = logging.getLogger(__name__)


class Command(BaseModel):
    """`plugged` false takes the network away from these stations without a word, true gives it back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stations: tuple[StationId, ...]
    plugged: bool

    def line(self) -> bytes:
        return json.dumps(self.model_dump()).encode() + b"\n"


class Commands(Protocol):
    def __aiter__(self) -> AsyncIterator[Command]: ...


class StandardInput:
    """Lines of a pipe. Where standard input is none, or when it ends, no more commands come."""

    async def __aiter__(self) -> AsyncIterator[Command]:
        async for line in lines_of_standard_input():
            try:
                yield Command.model_validate_json(line)
            except ValidationError as error:
                log.warning("no command: line=%r problem=%s", line[:200], error)


async def lines_of_standard_input() -> AsyncIterator[bytes]:
    """For ever: after the last line it waits."""
    handle = sys.stdin.fileno()
    mode = os.fstat(handle).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        reader = asyncio.StreamReader(limit=4 * 1024 * 1024)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb", closefd=False)
        )
        try:
            while line := await reader.readline():
                yield line
        finally:
            transport.close()
    await asyncio.Event().wait()
