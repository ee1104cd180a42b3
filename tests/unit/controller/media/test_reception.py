"""A multipart body, however it is cut into blocks."""

import hashlib
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_library.errors import TooLarge
from controller.errors import Invalid
from controller.media.inbox import Arrived
from controller.media.reception import BLOCK_BYTES, Reception, blocks

KIND = 'multipart/form-data; boundary="ranh gioi"'


def body(data: bytes, name: str = "Bản tin.mp3") -> bytes:
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode()
    field = b'--ranh gioi\r\nContent-Disposition: form-data; name="closing_chime"\r\n\r\noff\r\n'
    part = b"--ranh gioi\r\n" + head + b"Content-Type: audio/mpeg\r\n\r\n" + data + b"\r\n"
    return field + part + b"--ranh gioi--\r\n"


def feed(reception: Reception, data: bytes, block: int) -> Arrived:
    for start in range(0, len(data), block):
        reception.take(data[start : start + block])
    return reception.finish()


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400) | st.just(b"\r\n--ranh gio\r\n-"), block=st.integers(1, 90))
def test_any_bytes_in_any_blocks_arrive_whole(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, block: int
) -> None:
    path = tmp_path_factory.mktemp("in") / "new"
    with Reception(KIND, path, 1000) as reception:
        arrived = feed(reception, body(data), block)
        assert path.read_bytes() == data
        assert arrived == Arrived(path, "Bản tin.mp3", len(data), hashlib.sha256(data).hexdigest())
        assert reception.fields == {"closing_chime": "off"}
    assert not path.exists(), "nobody took it"


def test_the_last_byte_allowed_and_the_first_too_many(tmp_path: Path) -> None:
    with Reception(KIND, tmp_path / "a", 1000) as reception:
        assert feed(reception, body(bytes(1000)), 100).size_bytes == 1000
    with Reception(KIND, tmp_path / "b", 1000) as reception, pytest.raises(TooLarge):
        feed(reception, body(bytes(1001)), 100)
    assert list(tmp_path.iterdir()) == []


def test_a_form_that_never_ends_is_refused_though_its_file_is_small(tmp_path: Path) -> None:
    with Reception(KIND, tmp_path / "a", 1000) as reception, pytest.raises(TooLarge):
        reception.take(body(b"small"))
        for _ in range(200):
            reception.take(bytes(1000))


def test_what_was_moved_away_stays(tmp_path: Path) -> None:
    with Reception(KIND, tmp_path / "new", 1000) as reception:
        feed(reception, body(b"sound"), 7).path.replace(tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == b"sound"


def test_a_form_cut_off_anywhere_leaves_nothing(tmp_path: Path) -> None:
    whole = body(b"sound " * 20)
    for length in range(1, len(whole) - 4, 9):
        with Reception(KIND, tmp_path / "new", 1000) as reception, pytest.raises(Invalid):
            feed(reception, whole[:length], 50)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["", "text/plain", "multipart/form-data", "multipart/form-data; boundary="])
def test_other_kinds_of_body(tmp_path: Path, kind: str) -> None:
    with pytest.raises(Invalid, match="not_a_form"):
        Reception(kind, tmp_path / "new", 1000)


async def test_blocks_are_large_and_complete() -> None:
    async def dribble() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 40_000

    sizes = [len(block) async for block in blocks(dribble())]
    assert sum(sizes) == 4_000_000
    assert all(size >= BLOCK_BYTES for size in sizes[:-1])


def test_a_large_file_is_never_whole_in_memory(tmp_path: Path) -> None:
    with Reception(KIND, tmp_path / "new", 100_000_000) as reception:
        whole_head, whole_tail = body(b"|").split(b"|")
        tracemalloc.start()
        reception.take(whole_head)
        for _ in range(60):
            reception.take(bytes(1_000_000))
        reception.take(whole_tail)
        arrived = reception.finish()
        _now_bytes, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert arrived.size_bytes == 60_000_000
    assert peak_bytes < 5_000_000
