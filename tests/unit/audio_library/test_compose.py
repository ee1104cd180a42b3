"""Whole programmes: chimes around recordings, joined without a jolt."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from audio_library import (
    Chime,
    IngestOptions,
    Limits,
    NothingToJoin,
    Recording,
    Store,
    TooLong,
    UnknownSound,
    compose,
    ingest,
    programme,
)
from audio_library.chimes import chime_pcm
from audio_library.edit import Clip

Samples = npt.NDArray[np.float64]
Kept = Callable[..., str]


def samples_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float64) / 32_768


def likeness(whole: Samples, part: Samples) -> tuple[float, float]:
    """Best normalised cross-correlation of a part within a whole, and where it is, in seconds."""
    size = whole.size + part.size
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    spot = int(np.argmax(product[: whole.size]))
    there = whole[spot : spot + part.size]
    score = there @ part[: there.size] / (np.linalg.norm(there) * np.linalg.norm(part))
    return float(score), spot / 48_000


@pytest.fixture
def kept(workshop: Any, store: Store) -> Kept:
    """Ingests something like speech and gives its SHA-256."""

    def make(seconds: float, seed: int = 1) -> str:
        path = workshop.speech(f"{seconds}-{seed}.wav", seconds=seconds, seed=seed)
        return ingest(path, store, Limits(), IngestOptions(), lambda _: None).sha256

    return make


@pytest.mark.parametrize("which", Chime)
def test_a_chime_is_short_soft_at_its_edges_and_as_loud_as_the_norm(workshop: Any, which: Chime) -> None:
    chime = samples_of(chime_pcm(which))
    assert 2 <= chime.size / 48_000 <= 3
    assert workshop.lufs(chime) == pytest.approx(-16, abs=1)
    assert workshop.true_peak_dbtp(chime) < -4
    assert np.abs(chime[:48]).max() < 0.05
    assert np.abs(chime[-480:]).max() < 0.01
    assert chime_pcm(which) == chime_pcm(which)


def test_the_two_chimes_are_told_apart() -> None:
    opening, closing = (samples_of(chime_pcm(which)) for which in (Chime.OPENING, Chime.CLOSING))
    assert likeness(opening, closing)[0] < 0.7


@pytest.mark.parametrize("seconds", [6, 25])
def test_a_programme_is_chime_body_chime(workshop: Any, store: Store, kept: Kept, seconds: float) -> None:
    body = kept(seconds)
    sound = compose(programme([body], opening=True, closing=True), store, Limits(), lambda _: None)

    whole = workshop.decoded(store.path_of(sound.sha256))
    opening, closing = (samples_of(chime_pcm(which)) for which in (Chime.OPENING, Chime.CLOSING))
    middle = workshop.decoded(store.path_of(body))[48_000:-48_000]
    (open_score, open_at), (body_score, body_at), (close_score, close_at) = (
        likeness(whole, part) for part in (opening, middle, closing)
    )
    assert min(open_score, body_score, close_score) > 0.9
    assert open_at < 0.02
    assert 2.8 + 0.5 < body_at < 2.8 + 0.5 + 1.1
    assert close_at > body_at + middle.size / 48_000 + 0.5
    assert close_at + closing.size / 48_000 == pytest.approx(sound.seconds, abs=0.05)
    assert sound.meets_norm
    assert sound.seconds == pytest.approx(whole.size / 48_000, abs=1e-9)


def test_a_long_body_is_not_hurt_at_its_seams(workshop: Any, store: Store, kept: Kept) -> None:
    """Where an edge edited in memory meets the middle that streams by, no sample is lost or doubled."""
    body = kept(25)
    sound = compose(programme([body], opening=True, closing=True), store, Limits(), lambda _: None)
    whole, alone = (workshop.decoded(store.path_of(sha256)) for sha256 in (sound.sha256, body))
    cuts = [round(second * 48_000) for second in (1, 3.5, 11, alone.size / 48_000 - 6.5)]
    places = [likeness(whole, alone[cut : cut + 3 * 48_000]) for cut in cuts]
    starts = np.array([spot for _, spot in places]) - np.array(cuts) / 48_000
    assert min(score for score, _ in places) > 0.9
    assert np.ptp(starts) < 0.001


def test_recordings_are_joined_in_order(workshop: Any, store: Store, kept: Kept) -> None:
    first, second, third = kept(14, seed=1), kept(4, seed=2), kept(12, seed=3)
    sound = compose(
        programme([first, second, third], opening=False, closing=False), store, Limits(), lambda _: None
    )

    whole = workshop.decoded(store.path_of(sound.sha256))
    found = [
        likeness(whole, workshop.decoded(store.path_of(part))[48_000:-48_000])
        for part in (first, second, third)
    ]
    assert min(score for score, _ in found) > 0.9
    assert [spot for _, spot in found] == sorted(spot for _, spot in found)
    assert sound.meets_norm


def test_the_same_parts_are_the_same_sound(store: Store, kept: Kept) -> None:
    parts = programme([kept(5)], opening=True, closing=False)
    assert compose(parts, store, Limits(), lambda _: None) == compose(parts, store, Limits(), lambda _: None)


def test_composing_leaves_its_parts_and_nothing_else(
    store: Store, kept: Kept, files: Callable[[Store], list[str]]
) -> None:
    body = kept(12)
    sound = compose([Recording(body), Chime.CLOSING], store, Limits(), lambda _: None)
    assert files(store) == sorted(f"{sha256[:2]}/{sha256}.opus" for sha256 in (body, sound.sha256))
    assert list(store.temp.iterdir()) == []


def test_what_cannot_be_joined(store: Store, kept: Kept) -> None:
    body = kept(3)
    with pytest.raises(NothingToJoin):
        compose([], store, Limits(), lambda _: None)
    with pytest.raises(NothingToJoin):
        compose([Recording(body)] * 21, store, Limits(), lambda _: None)
    with pytest.raises(UnknownSound):
        compose([Recording("0" * 64)], store, Limits(), lambda _: None)
    with pytest.raises(TooLong):
        compose([Recording(body)] * 4, store, replace(Limits(), max_seconds=10), lambda _: None)
    assert list(store.temp.iterdir()) == []


def test_progress_rises_to_one(store: Store, kept: Kept) -> None:
    seen: list[float] = []
    compose(programme([kept(20)], opening=True, closing=True), store, Limits(), seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_edges_lose_their_silence_and_nothing_more() -> None:
    tone = np.round(8_000 * np.sin(np.arange(48_000) * 0.06)).astype("<i2").tobytes()
    quiet = bytes(2 * 48_000)
    trimmed = Clip.of(quiet + tone + quiet).without_lead().without_tail()
    assert trimmed.samples / 48_000 == pytest.approx(1.16, abs=0.03)
    assert Clip.of(tone).then(Clip.of(tone), gap_ms=500).samples == 48_000 * 2.5
    assert Clip.nothing().then(Clip.of(tone), gap_ms=500).samples == 48_000
