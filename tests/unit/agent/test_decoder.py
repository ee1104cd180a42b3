from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.decoder import decode
from agent.errors import SoundUnreadable


def samples_of(file: Path, skip_s: float = 0.0) -> Any:
    return np.concatenate([np.zeros(0, dtype=np.int16), *decode(file, skip_s)])


def test_the_whole_sound_comes_out_and_no_more(tmp_path: Path, make_sound: Callable[..., Any]) -> None:
    item, original = make_sound(tmp_path, 2.5)
    decoded = samples_of(tmp_path / f"{item.sha256}.opus")
    assert decoded.dtype == np.int16
    assert len(decoded) == len(original)
    likeness = np.dot(decoded.astype(float), original) / np.linalg.norm(decoded) / np.linalg.norm(original)
    assert likeness > 0.95


@pytest.mark.parametrize("skip_s", [0.1, 0.5, 1.0, 7.123, 29.9])
def test_a_position_in_the_middle_is_exact(
    tmp_path: Path, make_sound: Callable[..., Any], skip_s: float
) -> None:
    item, _ = make_sound(tmp_path, 30.0)
    whole = samples_of(tmp_path / f"{item.sha256}.opus")
    part = samples_of(tmp_path / f"{item.sha256}.opus", skip_s)
    rest = whole[round(skip_s * 48_000) :]
    assert len(part) == len(rest)
    likeness = np.dot(part.astype(float), rest) / np.linalg.norm(part) / np.linalg.norm(rest)
    assert likeness > 0.99


def test_beyond_the_end_is_nothing(tmp_path: Path, make_sound: Callable[..., Any]) -> None:
    item, _ = make_sound(tmp_path, 1.0)
    assert len(samples_of(tmp_path / f"{item.sha256}.opus", 5.0)) == 0


@pytest.mark.parametrize("content", [b"", b"text renamed to opus", b"OggS" + bytes(500)])
def test_what_is_no_sound_is_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.opus"
    file.write_bytes(content)
    with pytest.raises(SoundUnreadable):
        samples_of(file)


def test_memory_does_not_grow_with_the_length(tmp_path: Path, make_sound: Callable[..., Any]) -> None:
    item, _ = make_sound(tmp_path, 30.0)
    longest = max(len(frames) for frames in decode(tmp_path / f"{item.sha256}.opus"))
    assert longest <= 48_000
