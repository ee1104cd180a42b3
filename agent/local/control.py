"""The running program answers questions at a socket in its state folder: one JSON line in, one out.

Whoever may open the socket may ask: its owner, and root.
"""

import asyncio
import json
import logging
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from agent.errors import AgentError
from agent.local.errors import ProgramSilent

log = logging.getLogger(__name__)

SOCKET: Final = "control.sock"
LINE_BYTES: Final = 65_536
ASK_WITHIN_S: Final = 10.0

Answer = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""From a question to an answer. Raises AgentError."""


async def serve(folder: Path, answer: Answer) -> None:
    """Until cancelled. Where the folder takes nothing, the program runs on without being asked."""
    try:
        async with _listening(folder, answer) as server:
            await server.serve_forever()
    except OSError as error:
        log.warning("nobody can ask this program, its socket cannot be made: problem=%s", error)
        await asyncio.Event().wait()


@asynccontextmanager
async def _listening(folder: Path, answer: Answer) -> AsyncIterator[asyncio.Server]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _talk(reader, writer, answer)
        except (OSError, ValueError, TimeoutError) as error:
            log.warning("question not answered: problem=%s", error)
        finally:
            writer.close()

    (folder / SOCKET).unlink(missing_ok=True)
    with _reachable(folder) as address:
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(address)
        (folder / SOCKET).chmod(0o600)
    server = await asyncio.start_unix_server(talk, sock=bound, limit=LINE_BYTES)
    try:
        yield server
    finally:
        server.close()
        with suppress(OSError):
            (folder / SOCKET).unlink(missing_ok=True)


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
    async with asyncio.timeout(ASK_WITHIN_S):
        line = await reader.readline()
    try:
        told = await answer(json.loads(line))
    except AgentError as error:
        told = {"error": error.key, "params": {name: str(value) for name, value in error.params.items()}}
    except sqlite3.Error as error:
        told = {"error": "error.state_unreadable", "params": {"folder": "", "problem": str(error)}}
    writer.write(json.dumps(told).encode() + b"\n")
    await writer.drain()


def ask(folder: Path, question: Mapping[str, Any], within_s: float) -> dict[str, Any]:
    """The answer of the program that runs on `folder`. Raises `ProgramSilent`, or what it refused with."""
    try:
        with _reachable(folder) as address, socket.socket(socket.AF_UNIX) as line:
            line.settimeout(within_s)
            line.connect(address)
            line.sendall(json.dumps(question).encode() + b"\n")
            told = b"".join(iter(lambda: line.recv(LINE_BYTES), b""))
        answer: dict[str, Any] = json.loads(told)
    except (OSError, ValueError) as error:
        raise ProgramSilent(folder=folder, problem=error) from error
    if "error" in answer:
        raise Refused(answer["error"], answer.get("params", {}))
    return answer


class Refused(AgentError):
    """What the running program said no with."""

    def __init__(self, key: str, params: dict[str, Any]) -> None:
        self.key = key
        super().__init__(**params)


@contextmanager
def _reachable(folder: Path) -> Iterator[str]:
    """The socket's address, however long the folder's name: a Unix address holds about a hundred bytes."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET}"
    finally:
        os.close(handle)
