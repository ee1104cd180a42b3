"""Sounds one after the other: to the sample as long as they are together, and as loud as each is alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_library import Chime, Limits, NothingToJoin, Recording, Signal, Store, UnknownSound, compose
from audio_library.join import Pause, Piece, join

RATE_HZ = 48_000


@pytest.fixture
def digests(store: Store) -> list[str]:
    return [compose([part], store, Limits(), lambda _done: None).sha256 for part in (*Signal, Chime.CLOSING)]


def test_they_follow_each_other_without_any_change(
    workshop: Any, store: Store, digests: list[str], tmp_path: Path
) -> None:
    pieces: list[Piece] = [Recording(digests[0]), Pause(0.75), Recording(digests[1]), Recording(digests[0])]
    target = tmp_path / "joined.opus"
    join(pieces, store, target, Limits())
    heard = workshop.decoded(target)
    meant = np.concatenate(
        [
            np.zeros(round(piece.seconds * RATE_HZ))
            if isinstance(piece, Pause)
            else workshop.decoded(store.existing(piece.sha256))
            for piece in pieces
        ]
    )
    assert heard.size == meant.size
    assert np.corrcoef(heard, meant)[0, 1] > 0.98
    assert abs(np.sqrt(np.square(heard).mean() / np.square(meant).mean()) - 1) < 0.03


def test_a_store_may_lie_anywhere(workshop: Any, tmp_path: Path) -> None:
    """Names in a list for ffmpeg have quotes of their own."""
    store = Store(tmp_path / "kho 'âm thanh' \\ số 1")
    digest = compose([Chime.CLOSING], store, Limits(), lambda _done: None).sha256
    join([Recording(digest)] * 2, store, tmp_path / "joined.opus", Limits())
    assert workshop.decoded(tmp_path / "joined.opus").size == 2 * round(2.4 * RATE_HZ)
    assert not list(store.temp.iterdir())


def test_nothing_too_much_and_what_is_not_there_are_refused(store: Store, tmp_path: Path) -> None:
    target = tmp_path / "joined.opus"
    with pytest.raises(NothingToJoin):
        join([], store, target, Limits())
    with pytest.raises(NothingToJoin):
        join([Pause(1.0)] * 2_001, store, target, Limits())
    with pytest.raises(UnknownSound):
        join([Recording("ab" * 32)], store, target, Limits())
    assert not target.exists()
    assert not list(store.temp.iterdir())
