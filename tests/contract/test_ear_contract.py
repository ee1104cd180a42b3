"""Every ear keeps the contract of `agent/selftest/contract.py`: the simulated horn and a real sound card.

The sound card is a PulseAudio null sink; its monitor is what the microphone hears.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from agent.clock import AssumedClock
from agent.errors import AmplifierFailed, MicrophoneFailed, SpeakerFailed
from agent.microphone import CardMicrophone
from agent.selftest.analysis import analyse
from agent.selftest.contract import LEAD_S, TAIL_S, Ear
from agent.selftest.ear import StationEar
from agent.selftest.signal import pilot, sweep
from agent.settings import MicrophoneSettings, SpeakerSettings
from agent.speakers.contract import SAMPLE_RATE_HZ
from agent.speakers.sound_card import SoundCard
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar
from firmware_sim.village_noise import Air
from tests.support.pulse import PulseServer, at_portaudio, server_in
from wire.evidence import AmplifierState, LineState

COUNT = len(sweep()) + round((LEAD_S + TAIL_S) * SAMPLE_RATE_HZ)
ATTEMPTS = 3
"""A null sink has no clock of its own: where the machine is busy, an underrun may spoil one of them."""


@dataclass
class Board:
    """An amplifier that notes what is asked of it. Its lines draw 40 and 20 mA while it is on."""

    on: bool = False
    log: list[str] = field(default_factory=list)
    lines: int = 2
    problem: str | None = None
    progress: Callable[[], float] = lambda: 0.0

    @asynccontextmanager
    async def powered(self, progress: Callable[[], float]) -> AsyncIterator[None]:
        self.progress = progress
        self.on = True
        self.log.append("on")
        try:
            yield
        finally:
            self.on = False
            self.log.append("off")

    async def read(self) -> AmplifierState:
        if self.problem is not None:
            return AmplifierState(at=datetime.now(UTC), problem=self.problem)
        drawn = (40.0, 20.0)[: self.lines]
        lines = tuple(LineState(relay_on=True, muted=False, current_ma=ma * self.on) for ma in drawn)
        return AmplifierState(at=datetime.now(UTC), power_on=self.on, lines=lines)


class Rig(Protocol):
    ear: Ear
    board: Board

    def lose_output(self) -> None: ...

    def lose_input(self) -> None: ...


@dataclass
class HornRig:
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        self.ear: Ear = HornEar(
            Horn(5, lines=2, drivers_per_line=1),
            lambda: Air(wind_ms=0.3, traffic_db=30.0, liveliness=0.0),
            pace=1.0,
            powered=self.board.powered,
        )

    def lose_output(self) -> None:
        assert isinstance(self.ear, HornEar)
        self.ear.output_gone = True

    def lose_input(self) -> None:
        assert isinstance(self.ear, HornEar)
        self.ear.input_gone = True


@dataclass
class CardRig:
    server: PulseServer
    board: Board = field(default_factory=Board)

    def __post_init__(self) -> None:
        self.ear: Ear = self._ear(SpeakerSettings(), MicrophoneSettings(enabled=True))

    def lose_output(self) -> None:
        self.ear = self._ear(SpeakerSettings(device="no such card"), MicrophoneSettings(enabled=True))

    def lose_input(self) -> None:
        self.ear = self._ear(SpeakerSettings(), MicrophoneSettings(enabled=True, device="no such card"))

    def _ear(self, speaker: SpeakerSettings, microphone: MicrophoneSettings) -> Ear:
        return StationEar(
            SoundCard(speaker),
            CardMicrophone(microphone),
            self.board.powered,
            self.board.read,
            AssumedClock(),
        )


@pytest.fixture(scope="module")
def pulse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    server = server_in(tmp_path_factory.mktemp("pulse"))
    yield server
    server.stop()


@pytest.fixture
def card(pulse_server: PulseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[CardRig]:
    monkeypatch.setenv("PULSE_SOURCE", "loa.monitor")
    with at_portaudio(pulse_server, monkeypatch):
        yield CardRig(pulse_server)


@pytest.fixture(params=["horn", "card"])
def rig(request: pytest.FixtureRequest) -> Rig:
    made: Rig = HornRig() if request.param == "horn" else request.getfixturevalue("card")
    return made


async def best_of(listen: Callable[[], Awaitable[float]], good: Callable[[float], bool]) -> float:
    for _ in range(ATTEMPTS):
        value = await listen()
        if good(value):
            break
    return value


async def until(look: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 8
    while not look():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.01)


async def test_what_is_heard_is_the_sound_with_all_around_it(rig: Rig) -> None:
    recording = await rig.ear.hear(sweep(), -18.0)
    assert recording.dtype == np.int16
    assert len(recording) == COUNT


async def test_the_sound_stands_where_it_was_played(rig: Rig) -> None:
    async def clearness_db() -> float:
        """Only a response that arrives within its window stands out of everything else."""
        heard = analyse(await rig.ear.hear(sweep(), -18.0), sweep(), -18.0)
        return heard.level_db - heard.level_noise_db

    assert await best_of(clearness_db, lambda value: value > 20) > 20


async def test_the_level_is_the_drive(rig: Rig) -> None:
    async def step_db() -> float:
        quiet = await rig.ear.hear(sweep(), -24.0)
        loud = await rig.ear.hear(sweep(), -18.0)
        return float(10 * np.log10(np.mean(loud.astype(float) ** 2) / np.mean(quiet.astype(float) ** 2)))

    def is_six(step: float) -> bool:
        return abs(step - 6.0) < 0.8

    assert is_six(await best_of(step_db, is_six))


async def test_the_amplifier_is_on_before_and_off_afterwards(rig: Rig) -> None:
    await rig.ear.hear(sweep(), -24.0)
    assert rig.board.log == ["on", "off"]


async def test_cancelled_it_is_silent_at_once_and_can_be_asked_again(rig: Rig) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(rig.ear.hear(sweep(), -24.0))
        await until(lambda: rig.board.on)
        began_s = time.monotonic()
        asked.cancel()
        await asyncio.wait([asked])
        assert time.monotonic() - began_s < 1.0
    assert rig.board.log == ["on", "off"]
    assert len(await rig.ear.hear(sweep(), -24.0)) == COUNT


async def test_an_output_that_is_gone_is_said(rig: Rig) -> None:
    rig.lose_output()
    async with asyncio.timeout(8):
        with pytest.raises(SpeakerFailed):
            await rig.ear.hear(sweep(), -24.0)
        with pytest.raises(SpeakerFailed):
            await rig.ear.lines(pilot(), -20.0)
    assert not rig.board.on


async def test_an_input_that_is_gone_is_said(rig: Rig) -> None:
    rig.lose_input()
    async with asyncio.timeout(8):
        with pytest.raises(MicrophoneFailed):
            await rig.ear.hear(sweep(), -24.0)
    assert not rig.board.on


async def test_each_line_has_its_current(rig: Rig) -> None:
    drawn = await rig.ear.lines(pilot(), -20.0)
    assert len(drawn) == 2
    assert min(drawn) > 5
    assert not rig.board.on


async def test_a_microphone_that_dies_in_the_middle_is_said(card: CardRig) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(failing(card.ear))
        await until(lambda: card.board.progress() > 0)
        card.server.stop()
        async with asyncio.timeout(12):
            assert await asked
    assert not card.board.on


async def failing(ear: Ear) -> bool:
    with pytest.raises((MicrophoneFailed, SpeakerFailed)):
        await ear.hear(sweep(), -24.0)
    return True


async def test_a_board_without_lines_draws_nothing_and_one_that_is_silent_says_so(card: CardRig) -> None:
    card.board.lines = 0
    assert await card.ear.lines(pilot(), -40.0) == ()
    card.board.problem = "no answer"
    with pytest.raises(AmplifierFailed):
        await card.ear.lines(pilot(), -40.0)


async def test_without_a_microphone_nothing_is_heard(tmp_path: Path) -> None:
    from firmware_sim.wav_speaker import WavSpeaker

    board: Any = Board()
    ear = StationEar(WavSpeaker(tmp_path), None, board.powered, board.read, AssumedClock())
    with pytest.raises(MicrophoneFailed):
        await ear.hear(sweep(), -24.0)
    assert board.log == []
    assert await ear.lines(pilot(), -20.0) == (40.0, 20.0)
