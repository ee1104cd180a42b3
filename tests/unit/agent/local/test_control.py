"""The running program answers at its socket, and survives whoever asks nonsense."""

import asyncio
import json
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.local.control import SOCKET, Refused, ask, serve
from agent.local.errors import Busy, ProgramSilent


async def echo(question: Mapping[str, Any]) -> dict[str, Any]:
    if question.get("do") == "refuse":
        raise Busy
    return {"said": question.get("do")}


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve(folder, echo))
        async with asyncio.timeout(10):
            while not (folder / SOCKET).exists() or not await asyncio.to_thread(listens, folder):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield
        server.cancel()


def listens(folder: Path) -> bool:
    try:
        return bool(ask(folder, {}, 5))
    except ProgramSilent:
        return False


async def test_questions_and_refusals(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert await asyncio.to_thread(ask, tmp_path, {"do": "hello"}, 5) == {"said": "hello"}
        with pytest.raises(Refused) as refused:
            await asyncio.to_thread(ask, tmp_path, {"do": "refuse"}, 5)
        assert refused.value.key == "test.busy"
    assert not (tmp_path / SOCKET).exists()


async def test_only_its_owner_may_ask(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert stat.S_IMODE((tmp_path / SOCKET).stat().st_mode) == 0o600


async def test_a_folder_with_a_long_name(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200)
    folder.mkdir()
    async with serving(folder):
        assert await asyncio.to_thread(ask, folder, {"do": "hello"}, 5) == {"said": "hello"}


@pytest.mark.parametrize("line", [b"\n", b"not json\n", b"[" * 70_000 + b"\n", b""])
async def test_nonsense_is_not_answered_and_does_no_harm(tmp_path: Path, line: bytes) -> None:
    async with serving(tmp_path):
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
        writer.write(line)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        assert await asyncio.to_thread(ask, tmp_path, {"do": "hello"}, 5) == {"said": "hello"}


async def test_a_socket_left_by_the_last_life_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(tmp_path / SOCKET))
    async with serving(tmp_path):
        assert await asyncio.to_thread(ask, tmp_path, {"do": "hello"}, 5) == {"said": "hello"}


async def test_where_no_socket_can_be_made_the_program_runs_on(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        server = group.create_task(serve(tmp_path / "none", echo))
        done, _ = await asyncio.wait([server], timeout=0.2)
        assert not done
        server.cancel()


def test_nobody_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ProgramSilent):
            ask(folder, {"do": "status"}, 1)


def test_an_answer_that_is_none(tmp_path: Path) -> None:
    (tmp_path / SOCKET).write_text(json.dumps({}))
    with pytest.raises(ProgramSilent):
        ask(tmp_path, {"do": "status"}, 1)
