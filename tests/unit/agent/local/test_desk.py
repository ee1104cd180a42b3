"""Whoever asks how the station is never holds up the loop that plays."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from agent.local import desk
from agent.status import lines


async def test_what_the_disk_says_is_read_beside_the_loop(
    board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers: list[int] = []

    def watched(*asked: Any) -> Iterator[str]:
        readers.append(threading.get_ident())
        yield from lines(*asked)

    monkeypatch.setattr(desk, "lines", watched)
    told = await board.desk.lines()
    assert any("cum-loa-1" in line for line in told)
    assert readers
    assert threading.get_ident() not in readers
