"""Too much for the limit or for the disk, and clients that stop in the middle."""

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select

from audio_library import Store
from audio_library.store import full_disk_is_store_full
from controller.accounts import service as accounts
from controller.context import Context, system_now
from controller.media.tables import Upload
from tests.support.uploads import (
    FORM,
    MB,
    NOW,
    PART,
    PASSWORD,
    files_below,
    finished,
    nothing_remains,
    send,
)


def form_of(megabytes: int) -> Callable[[], AsyncIterator[bytes]]:
    async def body() -> AsyncIterator[bytes]:
        yield b'--grenze\r\nContent-Disposition: form-data; name="file"; filename="to.wav"\r\n\r\n'
        for _ in range(megabytes):
            yield bytes(MB)
        yield b"\r\n--grenze--\r\n"

    return body


@pytest.mark.parametrize("claim", [None, "1000", str(201 * MB)], ids=["chunked", "lying", "honest"])
async def test_201_mb_are_refused_while_they_come_in(
    client: httpx.AsyncClient, context: Context, claim: str | None
) -> None:
    headers = FORM | ({"Content-Length": claim} if claim else {})
    answer = await client.post("/api/uploads", content=form_of(201)(), headers=headers)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:loaban:error:sound.too_large"
    assert problem["detail"].startswith("Tệp nặng 201 MB, vượt mức cho phép 200 MB.")
    assert problem["status"] == 413
    assert nothing_remains(context)
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Upload)) == 0


async def test_no_byte_beyond_the_limit_reaches_the_disk(client: httpx.AsyncClient, context: Context) -> None:
    largest = 0

    async def watched() -> AsyncIterator[bytes]:
        nonlocal largest
        async for block in form_of(201)():
            yield block
            sizes = [path.stat().st_size for path in files_below(context.settings.data_dir / "uploads")]
            largest = max([largest, *sizes])

    answer = await client.post("/api/uploads", content=watched(), headers=FORM)
    assert answer.status_code == 413
    assert 190 * MB < largest <= 200 * MB


async def test_200_mb_are_not_too_many(client: httpx.AsyncClient, context: Context) -> None:
    answer = await client.post("/api/uploads", content=form_of(200)(), headers=FORM)
    assert answer.status_code == 202
    assert answer.json()["size_bytes"] == 200 * MB


class FullDisk(Store):
    """A store whose disk has room for the first bytes of a sound only."""

    def add(self, finished: Path) -> str:
        with full_disk_is_store_full():
            finished.write_bytes(finished.read_bytes()[:100])
            raise OSError(errno.ENOSPC, "No space left on device", str(finished))


async def test_a_disk_full_in_the_middle_of_an_ingest_leaves_nothing_half_made_and_the_file_waits(
    client: httpx.AsyncClient, context: Context, recording: Path
) -> None:
    answer = await send(client, recording)
    full = Context(**{**vars(context), "store": FullDisk(context.store.root)})
    waits = await finished(client, full, answer)
    assert waits["state"] == "waiting"
    assert waits["problem"]["detail"].startswith("Máy chủ hết chỗ lưu âm thanh nên chưa xử lý được")
    assert files_below(context.store.root) == []
    later = Context(**{**vars(context), "now": lambda: system_now() + timedelta(seconds=61)})
    again = await finished(client, later, answer)
    assert (again["state"], again["problem"]) == ("ready", None), "nobody had to send it again"


async def test_a_disk_full_while_the_file_comes_in_is_said_at_once(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("controller.media.reception.os.fsync", no_room)
    answer = await client.post("/api/uploads", content=form_of(1)(), headers=FORM)
    assert answer.status_code == 507
    assert answer.json()["type"] == "urn:loaban:error:sound.store_full"
    assert nothing_remains(context)


@pytest.fixture
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The same app behind a real socket; `host:port`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        await until(lambda: server.started)
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool], deadline_s: float = 15.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "it never happened"
        await asyncio.sleep(0.02)


def token_for(context: Context) -> str:
    with context.database.write() as session:
        return accounts.sign_in(session, NOW, "hoa", PASSWORD, hours=1)


async def test_a_real_client_reads_the_refusal_of_its_201_mb(context: Context, served: str) -> None:
    headers = FORM | {"Authorization": f"Bearer {token_for(context)}"}
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(f"http://{served}/api/uploads", content=form_of(201)(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("Tệp nặng 201 MB, vượt mức cho phép 200 MB.")
    assert nothing_remains(context)


async def raw_request(
    served: str, context: Context, content_length: int, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = served.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST /api/uploads HTTP/1.1\r\nHost: {served}\r\nContent-Type: {FORM['Content-Type']}\r\n"
        f"Authorization: Bearer {token_for(context)}\r\nContent-Length: {content_length}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_length_shorter_than_the_file_cuts_it_off_and_nothing_remains(
    context: Context, served: str
) -> None:
    whole = PART + bytes(50_000) + b"\r\n--grenze--\r\n"
    reader, writer = await raw_request(served, context, 1_000, whole[:1_000])
    answer = await asyncio.wait_for(reader.read(65_536), 15)
    assert answer.startswith(b"HTTP/1.1 422 ")
    assert "Tệp chưa tải lên hết thì bị ngắt." in answer.decode()
    assert nothing_remains(context)
    writer.write(whole)
    with contextlib.suppress(ConnectionError):
        assert b"HTTP/1.1 2" not in await asyncio.wait_for(reader.read(), 15)
    writer.close()
    assert nothing_remains(context)


async def test_a_client_that_hangs_up_in_the_middle_leaves_nothing(context: Context, served: str) -> None:
    arriving = context.settings.data_dir / "uploads" / "arriving"
    _reader, writer = await raw_request(served, context, 10 * MB, PART + bytes(5 * MB))
    await until(lambda: arriving.is_dir() and any(arriving.iterdir()))
    writer.close()
    await until(lambda: not any(arriving.iterdir()))
    assert nothing_remains(context)
