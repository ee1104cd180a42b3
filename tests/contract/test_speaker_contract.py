"""Every speaker keeps the contract of `agent/speakers/contract.py`: the WAV one and a sound card.

The sound card is a PulseAudio null sink behind ALSA and PortAudio, run by the test as a private daemon.
"""

import asyncio
import shutil
import time
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.errors import SpeakerFailed, SpeakerMisuse
from agent.settings import SpeakerSettings
from agent.speakers.contract import SAMPLE_RATE_HZ, Frames, Speaker
from agent.speakers.sound_card import SoundCard
from firmware_sim.wav_speaker import WavSpeaker
from tests.support.pulse import PulseServer, at_portaudio, server_in

BUFFER_S = 0.12
"""What may still be on its way to the ear: the output's buffer and one of the sink's own."""

ATTEMPTS = 3
"""A null sink has no clock of its own: where the machine is busy, an underrun may spoil one of them."""


def noise(seconds: float, seed: int = 1) -> Frames:
    values = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ)) * 4000
    return values.astype(np.int16)


class Rig(Protocol):
    """A speaker and an ear."""

    @property
    def speaker(self) -> Speaker: ...

    def listen(self) -> None:
        """Prick up the ear: `heard` tells of what comes out from here on."""

    def heard(self) -> NDArray[np.int16]:
        """Everything that came out, silence between included."""

    def break_down(self) -> None:
        """Make the output impossible."""


@dataclass
class WavRig:
    speaker: WavSpeaker
    folder: Path

    def listen(self) -> None:
        return None

    def heard(self) -> NDArray[np.int16]:
        recordings = [read_wav(file) for file in sorted(self.folder.glob("*.wav"))]
        return np.concatenate([np.zeros(0, dtype=np.int16), *recordings])

    def break_down(self) -> None:
        shutil.rmtree(self.folder)


@dataclass
class PulseRig:
    speaker: SoundCard
    server: PulseServer
    from_byte: int = 0

    def listen(self) -> None:
        self.from_byte = self.server.heard_bytes() // 2 * 2

    def heard(self) -> NDArray[np.int16]:
        raw = (self.server.folder / "heard.raw").read_bytes()[self.from_byte :]
        return np.frombuffer(raw[: len(raw) // 2 * 2], dtype=np.int16)

    def break_down(self) -> None:
        self.server.stop()


def read_wav(file: Path) -> NDArray[np.int16]:
    with wave.open(str(file)) as recording:
        return np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16)


@pytest.fixture(scope="module")
def pulse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    server = server_in(tmp_path_factory.mktemp("pulse"))
    yield server
    server.stop()


@pytest.fixture
def pulse(pulse_server: PulseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PulseRig]:
    with at_portaudio(pulse_server, monkeypatch):
        yield PulseRig(SoundCard(SpeakerSettings()), pulse_server)


@pytest.fixture(params=["wav", "sound_card"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    if request.param == "wav":
        made: Rig = WavRig(WavSpeaker(tmp_path / "heard"), tmp_path / "heard")
    else:
        made = request.getfixturevalue("pulse")
    yield made
    await made.speaker.close()


async def test_the_first_frame_leaves_at_its_instant(rig: Rig) -> None:
    errors_s = []
    for _ in range(ATTEMPTS):
        start_at_s = time.monotonic() + 0.5
        sounding = await rig.speaker.begin(start_at_s, "a")
        await sounding.write(noise(0.2))
        assert sounding.played_frames == 0

        await sounding.finish()

        assert sounding.first_frame_at_s is not None
        errors_s.append(sounding.first_frame_at_s - start_at_s)
    assert min(map(abs, errors_s)) <= 0.001
    assert min(errors_s) >= -0.001


async def test_finish_returns_when_the_last_frame_was_heard(rig: Rig) -> None:
    start_at_s = time.monotonic() + 0.3
    sounding = await rig.speaker.begin(start_at_s, "a")
    await sounding.write(noise(0.4))

    await sounding.finish()

    assert sounding.played_frames == int(0.4 * SAMPLE_RATE_HZ)
    assert 0.4 <= time.monotonic() - start_at_s <= 0.7


async def test_what_is_heard_is_what_was_written(rig: Rig) -> None:
    rig.listen()
    sounds = [noise(0.5, seed) for seed in range(ATTEMPTS)]
    for sound in sounds:
        sounding = await rig.speaker.begin(time.monotonic() + 0.3, "a")
        for block in np.split(sound, 10):
            await sounding.write(block)
        await sounding.finish()
    await asyncio.sleep(BUFFER_S)

    assert max(likeness(rig.heard(), sound) for sound in sounds) >= 0.98


def likeness(heard: NDArray[np.int16], sound: Frames) -> float:
    """Highest normalised cross-correlation."""
    size = 1 << (len(heard) + len(sound)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(sound, size)), size)
    shift = int(np.argmax(product))
    part = heard[shift : shift + len(sound)].astype(float)
    return float(np.dot(part, sound[: len(part)]) / np.linalg.norm(part) / np.linalg.norm(sound))


async def test_a_writer_who_is_ahead_is_held_back(rig: Rig) -> None:
    began_s = time.monotonic()
    sounding = await rig.speaker.begin(began_s, "a")
    for _ in range(8):
        await sounding.write(noise(0.2))
    assert 1.6 - 0.5 - 0.2 <= time.monotonic() - began_s <= 1.6
    await sounding.stop()


async def test_stop_is_heard_at_once(rig: Rig) -> None:
    rig.listen()
    sounding = await rig.speaker.begin(time.monotonic(), "a")
    await sounding.write(noise(0.9))
    asked_s = time.monotonic()

    await sounding.stop()

    assert time.monotonic() - asked_s <= 0.25
    assert sounding.first_frame_at_s is not None
    heard_s = sounding.played_frames / SAMPLE_RATE_HZ
    assert 0.2 <= heard_s <= time.monotonic() - sounding.first_frame_at_s
    await asyncio.sleep(2 * BUFFER_S)
    assert sounding.played_frames / SAMPLE_RATE_HZ == heard_s
    loud = np.flatnonzero(rig.heard())
    assert (loud[-1] - loud[0]) / SAMPLE_RATE_HZ <= heard_s + BUFFER_S


async def test_a_stop_before_the_instant_is_silence(rig: Rig) -> None:
    rig.listen()
    sounding = await rig.speaker.begin(time.monotonic() + 0.4, "a")
    await sounding.write(noise(0.3))
    await sounding.stop()
    await asyncio.sleep(0.6)
    assert sounding.played_frames == 0
    assert not rig.heard().any()


async def test_late_frames_begin_at_once(rig: Rig) -> None:
    now_s = time.monotonic()
    sounding = await rig.speaker.begin(now_s - 5, "a")
    await sounding.write(noise(0.2))
    await sounding.finish()
    assert sounding.first_frame_at_s is not None
    assert 0 <= sounding.first_frame_at_s - now_s <= 0.3


async def test_a_dry_buffer_is_silence_and_does_not_count(rig: Rig) -> None:
    began_s = time.monotonic()
    sounding = await rig.speaker.begin(began_s, "a")
    await sounding.write(noise(0.2))
    await asyncio.sleep(0.7)
    await sounding.write(noise(0.2))
    await sounding.finish()
    assert sounding.played_frames == 2 * int(0.2 * SAMPLE_RATE_HZ)
    assert time.monotonic() - began_s >= 0.9


async def test_one_sounding_after_another(rig: Rig) -> None:
    for label in ("a", "b"):
        sounding = await rig.speaker.begin(time.monotonic(), label)
        await sounding.write(noise(0.2))
        await sounding.finish()
        assert sounding.played_frames == int(0.2 * SAMPLE_RATE_HZ)


async def test_misuse_is_said(rig: Rig) -> None:
    sounding = await rig.speaker.begin(time.monotonic(), "a")
    with pytest.raises(SpeakerMisuse):
        await rig.speaker.begin(time.monotonic(), "b")
    with pytest.raises(SpeakerMisuse):
        await sounding.write(noise(0.1).astype(np.float32))
    await sounding.write(noise(0.1))
    await sounding.finish()
    await sounding.stop()
    with pytest.raises(SpeakerMisuse):
        await sounding.write(noise(0.1))
    with pytest.raises(SpeakerMisuse):
        await sounding.finish()


async def test_an_output_that_is_gone_is_said_and_never_waited_for(rig: Rig) -> None:
    rig.break_down()
    async with asyncio.timeout(6):
        with pytest.raises(SpeakerFailed):
            sounding = await rig.speaker.begin(time.monotonic(), "a")
            for _ in range(10):
                await sounding.write(noise(0.5))
            await sounding.finish()


async def test_an_output_that_dies_in_the_middle_is_said(pulse: PulseRig) -> None:
    sounding = await pulse.speaker.begin(time.monotonic(), "a")
    await sounding.write(noise(0.5))
    pulse.break_down()
    async with asyncio.timeout(6):
        with pytest.raises(SpeakerFailed):
            for _ in range(10):
                await sounding.write(noise(0.5))
        await sounding.stop()


async def test_an_unknown_device_is_said(pulse: PulseRig) -> None:
    with pytest.raises(SpeakerFailed):
        await SoundCard(SpeakerSettings(device="no such card")).begin(time.monotonic(), "a")
