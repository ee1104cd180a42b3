"""The subprocess that touches uploads: what it may do, and how it is told to stop."""

import time
from pathlib import Path
from typing import Any

import pytest

from audio_library import Budget, Loudness, ToolFailed
from audio_library.envelope import Envelope
from audio_library.loudness import read_meter
from audio_library.tool import ProgressReader, Rising, run, safe_input

PLENTY = Budget(cpu_s=20, wall_s=20, memory_bytes=1 << 30, file_bytes=1 << 20)
ENDLESS = ("-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-")


def nothing(_: bytes) -> None:
    pass


def test_its_files_cannot_grow_past_the_budget(tmp_path: Path) -> None:
    large = ("-f", "lavfi", "-i", "anullsrc", "-t", "60", str(tmp_path / "large.wav"))
    with pytest.raises(ToolFailed) as caught:
        run(large, PLENTY, nothing)
    assert "File too large" in caught.value.log
    assert (tmp_path / "large.wav").stat().st_size <= PLENTY.file_bytes


def test_it_is_killed_when_the_caller_changes_its_mind() -> None:
    class ChangedMindError(Exception):
        pass

    def change_mind(_: bytes) -> None:
        raise ChangedMindError

    started = time.monotonic()
    with pytest.raises(ChangedMindError):
        run(("-progress", "pipe:1", "-stats_period", "0.1", *ENDLESS), PLENTY, change_mind)
    assert time.monotonic() - started < 10


def test_it_opens_no_address_and_no_list(workshop: Any) -> None:
    local = workshop.speech()
    for name in ("http://127.0.0.1:9/x.wav", "tcp://127.0.0.1:9", f"concat:{local}|{local}"):
        arguments = safe_input(local)
        arguments[arguments.index("-i") + 1] = name
        with pytest.raises(ToolFailed) as caught:
            run([*arguments, "-f", "null", "-"], PLENTY, nothing)
        assert "not on whitelist" in caught.value.log


def test_pictures_are_never_decoded(workshop: Any) -> None:
    film = workshop.folder / "film.mp4"
    workshop.ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", "-t", "1", film)
    with pytest.raises(ToolFailed):
        run([*safe_input(film), "-f", "null", "-"], PLENTY, nothing)


def test_a_log_of_any_length_stays_small() -> None:
    noisy = ("-v", "trace", "-f", "lavfi", "-i", "anullsrc", "-t", "100", "-f", "null", "-")
    assert len(run(noisy, PLENTY, nothing)) <= 1 << 16


def test_progress_is_read_across_pieces() -> None:
    seen: list[float] = []
    reader = ProgressReader(10, seen.append)
    for piece in (
        b"frame=1\nout_time_us=25",
        b"00000\nprogress=continue\nout_time_us=N/A\n",
        b"out_time_us=99000000\n",
    ):
        reader(piece)
    assert seen == [0.25, 1.0]


def test_progress_never_turns_back_and_never_falls_silent() -> None:
    seen: list[float] = []
    rising = Rising(seen.append)
    for done in (0.1, 0.5, 0.3, 0.5, 0.6):
        rising(done)
    assert seen == [0.1, 0.5, 0.5, 0.5, 0.6]


def test_a_meter_is_read_by_its_name() -> None:
    block = (
        "[ebur128@{name} @ 0x1] Summary:\n\n  Integrated loudness:\n    I:   {lufs} LUFS\n  Loudness range:\n"
    )
    block += "    LRA:   2.0 LU\n  True peak:\n    Peak:  {peak} dBFS\n"
    log = block.format(name="before", lufs=-20.1, peak="-inf") + block.format(
        name="after", lufs=-16.0, peak=-1.6
    )
    assert read_meter(log, "after") == Loudness(-16.0, -1.6, 2.0)
    assert read_meter(log, "before") == Loudness(-20.1, float("-inf"), 2.0)
    with pytest.raises(ToolFailed):
        read_meter(log, "other")


def test_an_envelope_counts_every_sample_in_pieces_of_any_size() -> None:
    content = (b"\x00\x40" * 481 + b"\x00\x00" * 960 + b"\x00\xc0" * 77) * 3
    for size in (1, 3, 960, 100_000):
        envelope = Envelope()
        for start in range(0, len(content), size):
            envelope(content[start : start + size])
        envelope.finish()
        assert envelope.samples == len(content) // 2
        assert max(envelope.waveform()) == 50
        assert envelope.audible(-20) is None


def test_a_waveform_has_a_thousand_points_at_most() -> None:
    envelope = Envelope()
    for _ in range(600):
        envelope(b"\xff\x7f" * 48_000)
    envelope.finish()
    assert 400 <= len(envelope.waveform()) <= 1000
    assert set(envelope.waveform()) == {100}
    assert envelope.audible(-20) == (0.0, 600.0)
    assert Envelope().waveform() == ()
