"""A server that sends a byte now and then does not hold a download for ever."""

import asyncio
from pathlib import Path

import httpx
import pytest

from agent.errors import FetchFailed
from agent.fetch import fetch

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\nConnection: close\r\n\r\n"


async def test_what_only_drips_is_given_up_and_what_came_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.fetch._DRIP_S", 0.2)
    monkeypatch.setattr("agent.fetch._DRIP_BYTES", 100)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"x" * 500)
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.01)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    part = tmp_path / "sound.part"
    async with server, asyncio.timeout(10), httpx.AsyncClient() as client:
        with pytest.raises(FetchFailed, match="drips"):
            await fetch(client, f"http://127.0.0.1:{port}/sound.opus", part, 3000)
    assert 500 <= part.stat().st_size < 3000
