"""Bad uploads: each one is refused with its own sentence, and the store stays as it was."""

import struct
import time
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from audio_library import (
    BadName,
    Budget,
    IngestOptions,
    Limits,
    SoundError,
    Store,
    display_name,
    ingest,
    probe,
)

Files = Callable[[Store], list[str]]


@pytest.fixture
def refused(store: Store, files: Files) -> Callable[..., SoundError]:
    """Ingests, expects a refusal, and checks that nothing was left behind."""

    def attempt(path: Path, limits: Limits | None = None) -> SoundError:
        with pytest.raises(SoundError) as caught:
            ingest(path, store, limits or Limits(), IngestOptions(), lambda _: None)
        assert files(store) == []
        assert list(store.temp.iterdir()) == []
        return caught.value

    return attempt


def wav(path: Path, channels: int, rate_hz: int, data: bytes, announced: int | None = None) -> Path:
    size = len(data) if announced is None else announced
    bytes_per_second = rate_hz * channels * 2 & 0xFFFF_FFFF
    shape = struct.pack("<IHHIIHH", 16, 1, channels, rate_hz, bytes_per_second, channels * 2 & 0xFFFF, 16)
    head = b"RIFF" + struct.pack("<I", (36 + size) & 0xFFFF_FFFF) + b"WAVEfmt " + shape
    path.write_bytes(head + b"data" + struct.pack("<I", size) + data)
    return path


def test_empty_file(workshop: Any, refused: Any) -> None:
    empty = workshop.folder / "empty.mp3"
    empty.touch()
    assert refused(empty).key == "sound.empty_file"


def test_text_renamed_mp3(workshop: Any, refused: Any) -> None:
    text = workshop.text("song.mp3", ["Kính gửi Ủy ban nhân dân xã"] * 500)
    assert refused(text).key == "sound.not_sound"


def test_random_bytes(workshop: Any, refused: Any) -> None:
    noise = workshop.folder / "noise.mp3"
    noise.write_bytes(bytes((value * value * 31 + value // 7) % 256 for value in range(100_000)))
    assert refused(noise).key == "sound.not_sound"


def test_a_folder_is_no_sound(workshop: Any, refused: Any) -> None:
    assert refused(workshop.folder).key == "sound.not_sound"


def test_a_picture(workshop: Any, refused: Any) -> None:
    workshop.ffmpeg("-f", "lavfi", "-i", "testsrc", "-frames:v", "1", workshop.folder / "photo.png")
    assert (
        refused((workshop.folder / "photo.png").rename(workshop.folder / "photo.mp3")).key
        == "sound.not_sound"
    )


def test_a_film_without_sound(workshop: Any, refused: Any) -> None:
    film = workshop.folder / "silent.mp4"
    workshop.ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", "-t", "1", film)
    assert refused(film).key == "sound.no_audio_track"


@pytest.mark.parametrize("name", ["x.mp3", "x.m4a", "x.wav", "x.flac", "x.ogg", "x.opus"])
def test_truncated(workshop: Any, refused: Any, name: str) -> None:
    whole = workshop.converted("whole-" + name).read_bytes()
    part = workshop.folder / name
    part.write_bytes(whole[: len(whole) // 3])
    assert refused(part).key == "sound.truncated"


def test_a_truncated_film(workshop: Any, refused: Any) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x64:d=8", "-map", "0", "-map", "1")
    whole = workshop.converted("whole.mp4", *picture, "-movflags", "faststart").read_bytes()
    part = workshop.folder / "part.mp4"
    part.write_bytes(whole[: len(whole) // 2])
    assert refused(part).key == "sound.truncated"


def test_truncated_m4a_with_its_index_first(workshop: Any, refused: Any) -> None:
    whole = workshop.converted("whole.m4a", "-movflags", "faststart").read_bytes()
    part = workshop.folder / "part.m4a"
    part.write_bytes(whole[: len(whole) // 2])
    assert refused(part).key == "sound.truncated"


def test_a_wav_whose_recorder_left_the_size_open_is_welcome(workshop: Any, store: Store) -> None:
    data = workshop.speech().read_bytes()[44:]
    upload = wav(workshop.folder / "open.wav", 1, 44_100, data, announced=0xFFFF_FFFF)
    assert ingest(upload, store, Limits(), IngestOptions(), lambda _: None).meets_norm


def test_ten_hours(workshop: Any, refused: Any) -> None:
    minute = workshop.folder / "minute.mp3"
    speech = workshop.save(workshop.folder / "minute.wav", workshop.voice(60, rate_hz=8_000), rate_hz=8_000)
    workshop.ffmpeg("-i", speech, "-b:a", "8k", minute)
    long = workshop.folder / "long.mp3"
    workshop.ffmpeg("-stream_loop", "599", "-i", minute, "-c", "copy", long)

    error = refused(long)
    assert error.key == "sound.too_long"
    assert error.params == {"hours": 10.0, "limit_hours": 4.0}


def test_a_file_that_hides_its_length_is_stopped_at_the_limit(workshop: Any, refused: Any) -> None:
    hidden = workshop.folder / "hidden.mp3"
    workshop.ffmpeg("-i", workshop.speech(seconds=30), "-write_xing", "0", hidden)
    assert probe(hidden, Limits()).claimed_seconds is None
    assert refused(hidden, replace(Limits(), max_seconds=10)).key == "sound.too_long"


def test_a_recording_with_a_whole_book_in_its_tags_is_welcome(workshop: Any, store: Store) -> None:
    book = "Stream #0:0: Video: h264\n" * 4_000
    for name in ("book.mp3", "book.ogg", "book.m4a"):
        upload = workshop.converted(name, "-metadata", f"comment={book}")
        assert probe(upload, Limits()).has_film is False
        assert ingest(upload, store, Limits(), IngestOptions(), lambda _: None).meets_norm


def bomb(workshop: Any, seconds: int) -> Path:
    """Silence in FLAC: next to nothing on disk."""
    path: Path = workshop.folder / "bomb.flac"
    silence = ("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:nb_samples=65535", "-t", str(seconds))
    workshop.ffmpeg(*silence, "-c:a", "flac", "-frame_size", "65535", path)
    return path


def test_decompression_bomb(workshop: Any, refused: Any) -> None:
    path = bomb(workshop, 12 * 3600)
    assert path.stat().st_size < 5_000_000
    assert refused(path).key == "sound.bomb"


def test_a_bomb_that_claims_no_length_is_stopped_while_unpacking(workshop: Any, refused: Any) -> None:
    path = bomb(workshop, 3600)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert probe(path, Limits()).claimed_seconds is None
    assert refused(path, replace(Limits(), max_seconds=600)).key == "sound.bomb"


def test_more_megabytes_than_allowed(workshop: Any, refused: Any) -> None:
    big = workshop.folder / "big.wav"
    with big.open("wb") as file:
        file.truncate(201_000_000)
    error = refused(big)
    assert error.key == "sound.too_large"
    assert error.params == {"size_mb": 201, "limit_mb": 200}


def test_a_whole_recording_of_silence(workshop: Any, refused: Any) -> None:
    assert refused(workshop.save(workshop.folder / "mute.wav", workshop.silence(5))).key == "sound.silent"


def test_a_blink_of_sound(workshop: Any, refused: Any) -> None:
    assert refused(workshop.speech(seconds=0.2)).key == "sound.too_short"


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 1), (65_535, 8_000), (12, 48_000), (1, 768_000)])
def test_headers_that_no_recorder_writes(workshop: Any, refused: Any, channels: int, rate_hz: int) -> None:
    error = refused(wav(workshop.folder / "odd.wav", channels, rate_hz, bytes(2_000_000)))
    assert error.key == "sound.unusual_format"
    assert error.params == {"channels": channels, "rate_hz": rate_hz}


def test_lists_that_open_other_files(workshop: Any, refused: Any) -> None:
    speech = workshop.speech()
    hls = ["#EXTM3U", "#EXT-X-TARGETDURATION:8", "#EXTINF:8,", str(speech), "#EXT-X-ENDLIST"]
    concat = ["ffconcat version 1.0", f"file '{speech}'"]
    dash = ['<?xml version="1.0"?>', '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static">', "</MPD>"]
    for name, lines in (("hls", hls), ("concat", concat), ("dash", dash)):
        assert refused(workshop.text(f"{name}.mp3", lines)).key == "sound.not_sound"


def test_a_name_that_looks_like_an_option_or_an_address(workshop: Any, store: Store) -> None:
    speech = workshop.speech()
    for name in ("-i.wav", "http:example.wav", "%d.wav", "concat:a|b.wav", "pipe:0.wav"):
        odd = speech.with_name(name)
        odd.write_bytes(speech.read_bytes())
        assert ingest(odd, store, Limits(), IngestOptions(), lambda _: None).meets_norm


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.mp3", "a\\b.mp3", "..", "", "a\0b.mp3", "a\u202eb.mp3"]
)
def test_names_that_try_to_be_paths(name: str) -> None:
    with pytest.raises(BadName) as caught:
        display_name(name)
    assert caught.value.key == "sound.bad_name"


def test_a_vietnamese_name_is_kept() -> None:
    spelt_in_parts = unicodedata.normalize("NFD", "Bản tin\u00a0sáng")
    assert display_name(f" {spelt_in_parts} 23-11.mp3 ") == "Bản tin sáng 23-11.mp3"


def test_reading_stops_when_its_time_is_over(workshop: Any, refused: Any) -> None:
    stingy = Limits(probe=Budget(cpu_s=10, wall_s=0.001, memory_bytes=1 << 29, file_bytes=1 << 20))
    started = time.monotonic()
    assert refused(workshop.speech(), stingy).key == "sound.probe_timeout"
    assert time.monotonic() - started < 5


def test_processor_time_is_limited(workshop: Any, refused: Any) -> None:
    stingy = Limits(work=Budget(cpu_s=1, wall_s=60, memory_bytes=1 << 30, file_bytes=1 << 30))
    assert refused(bomb(workshop, 4 * 3600 - 60), stingy).key == "sound.probe_timeout"
