"""The signals of alerts: at the norm, the same every time, and not to be taken for each other."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audio_library import NORM, Chime, IngestOptions, Limits, Signal, Store, compose, ingest
from audio_library.signals import signal_pcm

RATE_HZ = 48_000
PARTS = (*Signal, Chime.CLOSING)
SECONDS = {Signal.ATTENTION: 8.0, Signal.DRILL: 6.0, Signal.ALL_CLEAR: 5.0}


def samples_of(which: Signal) -> Any:
    return np.frombuffer(signal_pcm(which), "<i2").astype(np.float64) / 32_768


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.value)
def test_encoded_it_is_at_the_norm_and_always_the_same_file(
    workshop: Any, store: Store, tmp_path: Path, part: Signal | Chime
) -> None:
    made = compose([part], store, Limits(), lambda _done: None)
    again = compose([part], Store(tmp_path / "another"), Limits(), lambda _done: None)
    heard = workshop.decoded(store.existing(made.sha256))
    assert made.sha256 == again.sha256
    assert abs(workshop.lufs(heard) - NORM.lufs) <= NORM.tolerance_lu
    assert workshop.true_peak_dbtp(heard) <= NORM.max_true_peak_dbtp


@pytest.mark.parametrize("which", Signal, ids=lambda which: which.value)
def test_it_survives_the_encoder(workshop: Any, store: Store, which: Signal) -> None:
    """The speech codec turns a glide of two tones into bursts; this is what is heard, not how loud it is."""
    made = compose([which], store, Limits(), lambda _done: None)
    heard, meant = workshop.decoded(store.existing(made.sha256)), samples_of(which)
    assert abs(heard.size - meant.size) <= RATE_HZ // 100
    size = min(heard.size, meant.size)
    assert np.corrcoef(heard[:size], meant[:size])[0, 1] > 0.97


@pytest.mark.parametrize("which", Signal, ids=lambda which: which.value)
def test_it_lies_where_horns_are_loud_and_ends_in_silence(which: Signal) -> None:
    samples = samples_of(which)
    power = np.abs(np.fft.rfft(samples)) ** 2
    pitch_hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    assert power[(pitch_hz > 450) & (pitch_hz < 4_500)].sum() > 0.99 * power.sum()
    assert samples.size / RATE_HZ == SECONDS[which]
    assert np.abs(samples[:5]).max() < 0.01
    assert np.abs(samples[-5:]).max() < 0.01


@pytest.mark.parametrize("pair", [*combinations(Signal, 2)], ids=lambda pair: "-".join(s.value for s in pair))
def test_no_two_sound_alike(pair: tuple[Signal, Signal]) -> None:
    one, other = (spectrum_of(samples_of(which)) for which in pair)
    assert float(one @ other) < 0.5


def test_the_alert_moves_without_rest_the_drill_pauses_and_the_all_clear_stands() -> None:
    """By ear in the dark: pitch glides by more than an octave; loudness stops; neither of them."""
    glides = {which: pitch_range(samples_of(which)) for which in Signal}
    rests = {which: quiet_share(samples_of(which)) for which in Signal}
    assert glides[Signal.ATTENTION] > 2.0
    assert glides[Signal.DRILL] < 1.2
    assert glides[Signal.ALL_CLEAR] < 1.6
    assert rests[Signal.DRILL] > 0.2
    assert max(rests[Signal.ATTENTION], rests[Signal.ALL_CLEAR]) < 0.1


def spectrum_of(samples: Any) -> Any:
    """Power in thirds of a tone, as a vector of length one."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    pitch_hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    edges = 300 * 2 ** (np.arange(60) / 12)
    bands = np.sqrt(np.histogram(pitch_hz, edges, weights=power)[0])
    return bands / np.linalg.norm(bands)


def pitch_range(samples: Any) -> float:
    """The highest strongest tone over the lowest, in pieces of 100 ms that are loud."""
    pieces = samples[: samples.size // 4_800 * 4_800].reshape(-1, 4_800) * np.hanning(4_800)
    loud = pieces[np.abs(pieces).max(axis=1) > 0.2 * np.abs(samples).max()]
    strongest = np.abs(np.fft.rfft(loud, axis=1)).argmax(axis=1)
    return float(strongest.max() / strongest.min())


def quiet_share(samples: Any) -> float:
    """How much of the time it is 12 dB below its loudest, the last fifth left out."""
    pieces = samples[: samples.size // 4_800 * 4_800].reshape(-1, 4_800)
    level = np.sqrt(np.square(pieces).mean(axis=1))[: len(pieces) * 4 // 5]
    return float((level < level.max() / 4).mean())


@pytest.mark.parametrize("horn_band", [True, False])
def test_a_siren_that_somebody_uploads_is_at_the_norm_too(
    workshop: Any, store: Store, limits: Limits, horn_band: bool
) -> None:
    """Without the shaping for horns the speech codec cannot hold it, so it is encoded as tones."""
    siren = samples_of(Signal.ATTENTION)
    path = workshop.save(workshop.folder / "siren.wav", siren, rate_hz=RATE_HZ)
    made = ingest(path, store, limits, IngestOptions(horn_band=horn_band), lambda _done: None)
    heard = workshop.decoded(store.existing(made.sha256))
    assert abs(workshop.lufs(heard) - NORM.lufs) <= NORM.tolerance_lu
    assert workshop.true_peak_dbtp(heard) <= NORM.max_true_peak_dbtp
    assert np.corrcoef(np.abs(np.fft.rfft(heard, siren.size)), np.abs(np.fft.rfft(siren)))[0, 1] > 0.8
