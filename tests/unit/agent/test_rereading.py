"""Flipped bits are found before the sound is needed."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cache import Grade, MediaCache
from agent.rereading import Rereading
from agent.settings import Media
from agent.sound_files import SoundFiles
from tests.support.media_server import MediaServer, serving
from tests.support.sounds import encoded
from wire.messages import Item


@pytest.fixture
def media(tmp_path: Path) -> Iterator[MediaServer]:
    with serving(tmp_path / "media") as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path, media: MediaServer) -> MediaCache:
    settings = Media(reserve_mb=0, retry_min_s=0.05, retry_max_s=0.1)
    return MediaCache(SoundFiles(tmp_path / "sound"), settings)


async def until(holds: Callable[[], Any], within_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


def rot(files: SoundFiles, item: Item) -> bytes:
    content = bytearray(files.path(item.sha256).read_bytes())
    content[len(content) // 2] ^= 4
    files.path(item.sha256).write_bytes(content)
    return bytes(content)


async def test_a_rotted_sound_is_found_fetched_anew_and_held_until_then(
    cache: MediaCache, media: MediaServer
) -> None:
    items = [encoded(media.folder, 0.5, seed) for seed in (1, 2, 3)]
    cache.want(media.url, {Grade.PLAN: items})
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(cache.run())]
        await until(lambda: cache.state().held == 3)
        away = {
            item: (media.folder / f"{item.sha256}.opus").rename(media.folder / "away") for item in items[1:2]
        }
        damaged = rot(cache.files, items[1])
        tasks.append(group.create_task(Rereading(cache, lambda: False, round_s=0.1).run()))
        await until(lambda: cache.files.damaged == 1)
        await until(lambda: cache.state().missing == (items[1].sha256,))
        assert cache.files.has(items[1].sha256), "a rotted one is still better than silence"
        assert cache.files.path(items[1].sha256).read_bytes() == damaged
        away[items[1]].rename(media.folder / f"{items[1].sha256}.opus")
        await until(lambda: cache.state().held == 3)
        for task in tasks:
            task.cancel()
    assert cache.files.reread(items[1].sha256)
    assert cache.files.damaged == 1


async def test_nothing_is_read_while_something_sounds(
    cache: MediaCache, media: MediaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = encoded(cache.files.path("x").parent, 0.5, 1)
    cache.want(media.url, {Grade.PLAN: [item]})
    read: list[str] = []
    asked: list[bool] = []

    async def reread(sha256: str) -> None:
        read.append(sha256)

    def is_busy() -> bool:
        asked.append(len(asked) < 3)
        return asked[-1]

    monkeypatch.setattr(cache, "reread", reread)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(Rereading(cache, is_busy, round_s=0.02).run())
        await until(lambda: read)
        task.cancel()
    assert asked[:4] == [True, True, True, False]


def test_a_file_that_cannot_be_read_is_wanted_anew(
    cache: MediaCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = encoded(cache.files.path("x").parent, 0.5, 1)

    def bad_block(*_: object) -> str:
        raise OSError(5, "input/output error")

    assert cache.files.is_good(item.sha256)
    monkeypatch.setattr("agent.sound_files.hash_of", bad_block)
    assert not cache.files.reread(item.sha256)
    assert cache.files.has(item.sha256)
    assert not cache.files.is_good(item.sha256)
