"""A recording that can be read at any moment, also after a kill."""

import json
import time
import wave
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from firmware_sim.wav_file import WavFile
from firmware_sim.wav_speaker import WavSpeaker

FIRST = datetime(2026, 11, 23, 5, 30, 0, 125, tzinfo=UTC)


def read(file: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(file)) as recording:
        form = (recording.getnchannels(), recording.getsampwidth(), recording.getframerate())
        assert form == (1, 2, 48_000)
        count = recording.getnframes()
        return count, np.frombuffer(recording.readframes(count), dtype=np.int16)


def test_the_name_is_the_instant_of_the_first_frame(tmp_path: Path) -> None:
    file = WavFile(tmp_path, FIRST, "a@20261123T053000Z")
    assert file.path.name == "20261123T053000.000125Z.wav"
    record = json.loads(file.sidecar.read_text())
    assert record == {
        "occurrence": "a@20261123T053000Z",
        "first_frame_at": "2026-11-23T05:30:00.000125+00:00",
        "frames": 0,
        "silent_frames": 0,
        "over": False,
    }


def test_only_what_was_played_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    file = WavFile(tmp_path, FIRST, "a")
    sound = np.arange(1000, dtype=np.int16)
    file.append(sound)
    file.sync(600, 550, over=False)
    count, samples = read(file.path)
    assert count == 600
    assert np.array_equal(samples, sound[:600])
    file.append(sound)
    file.close(1500, 1450)
    count, samples = read(file.path)
    assert np.array_equal(samples, np.concatenate([sound, sound[:500]]))
    record = json.loads(file.sidecar.read_text())
    assert (record["frames"], record["silent_frames"], record["over"]) == (1450, 50, True)


def test_a_sounding_that_nobody_heard_leaves_no_file(tmp_path: Path) -> None:
    file = WavFile(tmp_path, FIRST, "a")
    file.append(np.ones(100, dtype=np.int16))
    file.close(0, 0)
    assert list(tmp_path.iterdir()) == []


async def test_a_recording_that_is_never_closed_is_readable(tmp_path: Path) -> None:
    speaker = WavSpeaker(tmp_path)
    sounding = await speaker.begin(time.monotonic(), "a")
    for _ in range(8):
        await sounding.write(np.full(12_000, 7, dtype=np.int16))
    count, samples = the_only_recording(tmp_path)
    assert count > 40_000
    assert set(samples) == {7}
    await speaker.close()


def the_only_recording(folder: Path) -> tuple[int, np.ndarray]:
    (file,) = folder.glob("*.wav")
    return read(file)
