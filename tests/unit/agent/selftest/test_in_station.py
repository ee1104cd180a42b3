"""A whole station put together: which tests it can make, and that heartbeats tell of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.app import Station, build
from agent.clock import AssumedClock
from agent.errors import SelfTestMissing
from agent.settings import MicrophoneSettings, Settings
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.inprocess import in_process_amplifier
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar
from firmware_sim.wav_speaker import WavSpeaker
from wire.evidence import SelfTestKind as Kind
from wire.evidence import SelfTestVerdict as Verdict
from wire.signing import SigningKey

MakeStation = Callable[..., Station]


@pytest.fixture
def make_station(tmp_path: Path, key: SigningKey) -> Any:
    made: list[Station] = []

    def make(microphone: MicrophoneSettings = MicrophoneSettings(), **parts: Any) -> Station:
        settings = Settings(
            station="cum-loa-1",
            state_dir=tmp_path / "state",
            controller_keys=(key.public_jwk(),),
            microphone=microphone,
        )
        made.append(build(settings, WavSpeaker(tmp_path / "heard"), AssumedClock(), **parts))
        return made[-1]

    yield make
    for station in made:
        station.journal.close()


async def test_heartbeats_tell_of_the_last_tests(make_station: MakeStation) -> None:
    station = make_station(ear=HornEar(Horn(5)))
    assert (await station.health.heartbeat()).electrical_test is None
    await station.self_test.now(Kind.ELECTRICAL)
    await station.self_test.now(Kind.ACOUSTIC)
    beat = await station.health.heartbeat()
    assert beat.electrical_test is not None
    assert beat.acoustic_test is not None
    assert beat.electrical_test.verdict is beat.acoustic_test.verdict is Verdict.CALIBRATED
    assert beat == type(beat).model_validate_json(beat.encode())


async def test_a_board_without_parts_tests_nothing(make_station: MakeStation) -> None:
    station = make_station()
    for kind in Kind:
        with pytest.raises(SelfTestMissing):
            await station.self_test.now(kind)


async def test_a_microphone_is_named_in_the_settings(make_station: MakeStation) -> None:
    station = make_station(MicrophoneSettings(enabled=True, device="no such card"))
    assert (await station.self_test.now(Kind.ACOUSTIC)).verdict is Verdict.INCONCLUSIVE


async def test_the_amplifier_boards_own_meters_are_read(make_station: MakeStation) -> None:
    board = Board(line_count=2, input_rms=0.07)
    station = make_station(amplifier=in_process_amplifier(board, AssumedClock()))
    async with asyncio.TaskGroup() as group:
        guard = group.create_task(station.amplifier.run())
        learned = await station.self_test.now(Kind.ELECTRICAL)
        guard.cancel()
    assert (learned.verdict, len(learned.line_ma)) == (Verdict.CALIBRATED, 2)
    assert min(learned.line_ma) > 5
