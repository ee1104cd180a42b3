"""The worker as a task: woken, cancelled, and not stopped by a bad upload or a database that stumbles."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from controller.clockwork.waker import Waker
from controller.context import Context
from controller.media import service
from controller.media.recipe import Recipe
from controller.media.tables import Upload, UploadState
from controller.media.worker import UploadWorker

Add = Callable[..., str]
State = Callable[[str], Upload]


@contextlib.asynccontextmanager
async def running(context: Context, waker: Waker) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(UploadWorker(context, waker).run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], deadline_s: float = 20.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "it never happened"
        await asyncio.sleep(0.02)


async def test_what_waited_before_the_start_is_done_and_then_what_it_is_woken_for(
    context: Context, add_upload: Add, state_of: State, tmp_path: Path
) -> None:
    waker = Waker()
    text = tmp_path / "text.mp3"
    text.write_text("không phải âm thanh " * 100)
    first = add_upload(text)
    async with running(context, waker):
        await until(lambda: state_of(first).state is UploadState.REFUSED)
        second = add_upload()
        begun_s = time.monotonic()
        waker.wake("ingest")
        await until(lambda: state_of(second).state is UploadState.READY)
        assert time.monotonic() - begun_s < 4.5, "woken, not found by chance"


async def test_cancelled_in_the_middle_it_puts_the_upload_back(
    context: Context, add_upload: Add, state_of: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(*args: object) -> None:
        progress = args[-1]
        assert callable(progress)
        while True:
            begun.set()
            progress(0.1)
            time.sleep(0.005)

    monkeypatch.setattr(Recipe, "make", endless)
    upload_id = add_upload()
    async with running(context, Waker()) as task:
        await until(begun.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (state_of(upload_id).state, state_of(upload_id).attempts) == (UploadState.WAITING, 0)


async def test_a_database_that_stumbles_does_not_end_it(
    context: Context,
    add_upload: Add,
    state_of: State,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real, failed = service.work_once, threading.Event()

    def stumble(context: Context, stopping: Callable[[], bool]) -> bool:
        if not failed.is_set():
            failed.set()
            raise OperationalError("SELECT", {}, RuntimeError("gone for a moment"))
        return real(context, stopping)

    monkeypatch.setattr(service, "work_once", stumble)
    waker, upload_id = Waker(), add_upload()
    async with running(context, waker):
        await until(failed.is_set)
        waker.wake("ingest")
        await until(lambda: state_of(upload_id).state is UploadState.READY)
    assert "gone for a moment" in caplog.text
