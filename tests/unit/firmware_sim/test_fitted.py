"""A station on this machine with a simulated board: what sounds is seen in the lines' current."""

import asyncio
from pathlib import Path

import numpy as np

from agent.settings import ClockMode, Settings
from firmware_sim.fitted import fitted, loudspeaker_of
from firmware_sim.fleet.installed import LINES
from firmware_sim.wav_speaker import WavSpeaker
from wire.evidence import AmplifierState
from wire.signing import SigningKey


async def test_the_board_notices_what_the_loudspeaker_writes_down(tmp_path: Path) -> None:
    settings = Settings(
        station="dai-bat-xat",
        state_dir=tmp_path,
        controller_keys=(SigningKey.generate().public_jwk(),),
        clock=ClockMode.ASSUME_TRUSTED,
    )
    loudspeaker = loudspeaker_of(settings.station)
    speaker = WavSpeaker(tmp_path / "heard", sounds=loudspeaker.sounds)
    station = fitted(loudspeaker)(settings, speaker)
    board = loudspeaker.amplifier(station.clock)
    async with asyncio.timeout(10), station.amplifier.powered(lambda: 0.0):
        silent = drawn(await board.read())
        sounding = await speaker.begin(station.clock.monotonic_s(), "thu-loa")
        await sounding.write(np.full(24_000, 8_000, dtype=np.int16))
        loud = drawn(await board.read())
        await sounding.stop()
        after = drawn(await board.read())
    assert len(silent) == LINES
    assert all(more > less + 1 for more, less in zip(loud, silent, strict=True))
    assert all(less < more for more, less in zip(loud, after, strict=True))
    station.journal.close()


def drawn(state: AmplifierState) -> list[float]:
    return [line.current_ma for line in state.lines]
