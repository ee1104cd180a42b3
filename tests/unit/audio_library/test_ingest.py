"""Anything that people record goes in; one kind of sound comes out."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from audio_library import NORM, Ingested, IngestOptions, Limits, Store, ingest

KINDS = {
    "mp3 with cover art": ("x.mp3", "mp3", 1, 44_100),
    "stereo 44.1 kHz": ("x.wav", "pcm_s16le", 2, 44_100),
    "telephone": ("x.wav", "pcm_s16le", 1, 8_000),
    "m4a": ("x.m4a", "aac", 1, 44_100),
    "mp4 film": ("x.mp4", "aac", 1, 44_100),
    "flac": ("x.flac", "flac", 1, 44_100),
    "ogg vorbis": ("x.ogg", "vorbis", 2, 44_100),
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "mp3 with cover art": (
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x64:d=0.04",
        "-map",
        "0",
        "-map",
        "1",
        "-c:v",
        "png",
    ),
    "stereo 44.1 kHz": ("-ac", "2"),
    "telephone": ("-ar", "8000"),
    "m4a": ("-c:a", "aac"),
    "mp4 film": ("-f", "lavfi", "-i", "testsrc=s=64x64:d=12", "-map", "0", "-map", "1"),
    "flac": ("-c:a", "flac"),
    "ogg vorbis": ("-ac", "2", "-c:a", "libvorbis"),
}


def taken_in(path: Path, store: Store, **options: bool) -> Ingested:
    return ingest(path, store, Limits(), IngestOptions(**options), lambda _: None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_recording_becomes_mono_opus_at_the_norm(workshop: Any, store: Store, kind: str) -> None:
    name, codec, channels, rate_hz = KINDS[kind]
    sound = taken_in(workshop.converted("from-" + name, *OPTIONS[kind]), store)

    assert (sound.source.codec, sound.source.channels, sound.source.rate_hz) == (codec, channels, rate_hz)
    assert sound.source.has_cover_art == (kind == "mp3 with cover art")
    samples = workshop.decoded(store.path_of(sound.sha256))
    assert workshop.lufs(samples) == pytest.approx(NORM.lufs, abs=NORM.tolerance_lu)
    assert workshop.true_peak_dbtp(samples) <= NORM.max_true_peak_dbtp + 0.1
    assert sound.after.lufs == pytest.approx(workshop.lufs(samples), abs=0.2)
    assert sound.seconds == pytest.approx(samples.size / 48_000, abs=1e-9)
    assert sound.meets_norm


def test_the_file_is_ogg_opus_without_a_trace_of_the_upload(workshop: Any, store: Store) -> None:
    upload = workshop.converted(
        "tagged.mp3", "-metadata", "title=Nguyễn Văn A", "-metadata", "comment=secret"
    )
    sound = taken_in(upload, store)

    content = store.path_of(sound.sha256).read_bytes()
    assert content.startswith(b"OggS")
    assert b"OpusHead" in content[:100]
    assert b"secret" not in content
    assert "Nguyễn".encode() not in content
    assert len(content) == sound.size_bytes
    assert sound.size_bytes * 8 / sound.seconds < 30_000


def test_content_is_its_own_name_and_the_same_upload_gives_the_same_sound(
    workshop: Any, store: Store, files: Callable[[Store], list[str]]
) -> None:
    upload = workshop.speech()
    first = taken_in(upload, store)
    again = taken_in(upload.rename(upload.with_name("other name.wav")), store)

    assert first == again
    path = store.path_of(first.sha256)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == first.sha256
    assert files(store) == [f"{first.sha256[:2]}/{first.sha256}.opus"]
    assert first.source_sha256 == hashlib.sha256(upload.with_name("other name.wav").read_bytes()).hexdigest()


@pytest.mark.parametrize("level", [0.005, 0.05, 0.99])
def test_a_whisper_and_a_shout_end_equally_loud(workshop: Any, store: Store, level: float) -> None:
    sound = taken_in(workshop.speech(level=level), store)
    assert sound.meets_norm
    assert sound.before.true_peak_dbtp == pytest.approx(20 * np.log10(level), abs=1.0)


def test_a_voice_full_of_spikes_still_reaches_the_norm(workshop: Any, store: Store) -> None:
    voice = workshop.voice(8)
    clicks = np.zeros_like(voice)
    clicks[2_000::11_025] = 1.0
    sound = taken_in(
        workshop.save(workshop.folder / "spikes.wav", np.clip(voice * 0.2 + clicks, -1, 1)), store
    )
    assert sound.meets_norm


def test_silence_at_both_ends_goes_and_the_pause_inside_stays(workshop: Any, store: Store) -> None:
    voice, quiet = workshop.voice(4), workshop.silence
    whole = np.concatenate([quiet(3), voice, quiet(2), voice, quiet(4)])
    upload = workshop.save(workshop.folder / "pauses.wav", whole)

    trimmed = taken_in(upload, store)
    kept = taken_in(upload, store, trim_silence=False)

    assert kept.seconds == pytest.approx(17, abs=0.05)
    assert 9.5 < trimmed.seconds < 10.7
    assert trimmed.source_seconds == pytest.approx(17, abs=0.05)
    assert 0 in trimmed.peaks[len(trimmed.peaks) // 3 : 2 * len(trimmed.peaks) // 3]


def test_hum_below_the_horns_band_goes(workshop: Any, store: Store) -> None:
    voice = workshop.voice(8)
    hum = 0.4 * np.sin(2 * np.pi * 50 * np.arange(voice.size) / 44_100)
    sound = taken_in(workshop.save(workshop.folder / "hum.wav", voice * 0.5 + hum), store)

    power = np.square(np.abs(np.fft.rfft(workshop.decoded(store.path_of(sound.sha256)))))
    hertz = np.fft.rfftfreq((power.size - 1) * 2, 1 / 48_000)
    assert power[hertz < 100].sum() < power[(hertz > 300) & (hertz < 6_500)].sum() / 100


def test_stereo_with_one_channel_turned_over_is_not_lost(workshop: Any, store: Store) -> None:
    voice = workshop.voice(8)
    sound = taken_in(workshop.save(workshop.folder / "opposite.wav", voice, -voice), store)
    assert sound.meets_norm


def test_peaks_draw_the_sound(workshop: Any, store: Store) -> None:
    voice, quiet = workshop.voice(5), workshop.silence(5)
    upload = workshop.save(workshop.folder / "gap.wav", np.concatenate([voice, quiet, voice]))
    peaks = np.array(taken_in(upload, store).peaks)

    assert 300 < peaks.size <= 1000
    assert peaks.max() > 50
    assert peaks[int(peaks.size * 0.4) : int(peaks.size * 0.6)].max() <= 1


def test_progress_rises_to_one(workshop: Any, store: Store) -> None:
    seen: list[float] = []
    ingest(workshop.speech(seconds=20), store, Limits(), IngestOptions(), seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert len(seen) > 5


def test_an_operator_can_stop_it(workshop: Any, store: Store, files: Callable[[Store], list[str]]) -> None:
    class StoppedError(Exception):
        pass

    def stop_at_the_encoder(done: float) -> None:
        if done > 0.5:
            raise StoppedError

    with pytest.raises(StoppedError):
        ingest(workshop.speech(seconds=20), store, Limits(), IngestOptions(), stop_at_the_encoder)
    assert files(store) == []
    assert list(store.temp.iterdir()) == []
    assert psutil.Process().children(recursive=True) == []


def test_a_killed_process_leaves_nothing_running_and_nothing_in_the_store_proper(
    workshop: Any, store: Store, files: Callable[[Store], list[str]]
) -> None:
    script = (
        "import sys; from pathlib import Path; from audio_library import *\n"
        "tell = lambda done: print(done, flush=True)\n"
        "ingest(Path(sys.argv[1]), Store(Path(sys.argv[2])), Limits(), IngestOptions(), tell)\n"
    )
    long = workshop.save(workshop.folder / "long.wav", np.tile(workshop.voice(8), 25))
    command = [sys.executable, "-c", script, str(long), str(store.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            if float(line) > 0.5:
                break
        helpers = psutil.Process(worker.pid).children(recursive=True)
        os.kill(worker.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(helpers, timeout=10)

    assert helpers
    assert alive == []
    assert all(name.startswith("temp/") for name in files(store))
    assert store.clean_temp(older_than_s=3600) == 0
    assert store.clean_temp(older_than_s=0) == 1
    assert files(store) == []
