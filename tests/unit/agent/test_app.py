"""A whole station put together, without running it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.amplifier.board import BoardAmplifier
from agent.amplifier.none import NoAmplifier
from agent.app import amplifier_of, build
from agent.clock import AssumedClock
from agent.settings import AmplifierSettings, Settings
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.inprocess import in_process_amplifier
from firmware_sim.wav_speaker import WavSpeaker
from wire.ids import ClockTrust, Outcome
from wire.messages import PlaybackReport
from wire.signing import SigningKey

NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)
ENDED = PlaybackReport(id="r1", occurrence="a@20261123T053000Z", outcome=Outcome.PLAYED)


class FarAhead(AssumedClock):
    """Three years ahead, and believed only as told."""

    def __init__(self) -> None:
        self.believed = ClockTrust.UNKNOWN

    def now(self) -> datetime:
        return NOW + timedelta(days=1000)

    def trust(self) -> ClockTrust:
        return self.believed


async def test_ends_are_forgotten_only_by_a_clock_that_is_trusted(tmp_path: Path, key: SigningKey) -> None:
    settings = Settings(station="cum-loa-1", state_dir=tmp_path, controller_keys=(key.public_jwk(),))
    clock = FarAhead()
    station = build(settings, WavSpeaker(tmp_path / "heard"), clock)
    station.journal.end([ENDED], NOW)
    await station.tidy()
    assert station.journal.ended() == {ENDED.occurrence}
    clock.believed = ClockTrust.TRUSTED
    await station.tidy()
    assert station.journal.ended() == frozenset()
    station.journal.close()


async def test_the_amplifier_is_the_one_that_the_settings_or_the_caller_name(
    tmp_path: Path, key: SigningKey
) -> None:
    settings = Settings(station="cum-loa-1", state_dir=tmp_path, controller_keys=(key.public_jwk(),))
    clock = AssumedClock()
    assert isinstance(amplifier_of(settings, clock), NoAmplifier)
    wired = settings.model_copy(update={"amplifier": AmplifierSettings(port="/dev/nothing", settle_s=0.3)})
    named = amplifier_of(wired, clock)
    assert isinstance(named, BoardAmplifier) and named.settle_s == 0.3
    assert (await named.read()).problem == "no_port"

    given = in_process_amplifier(Board(line_count=3), clock)
    station = build(wired, WavSpeaker(tmp_path / "heard"), clock, amplifier=given)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        told = asyncio.Event()
        station.amplifier.on_change = told.set
        running = group.create_task(station.amplifier.run())
        await told.wait()
        beat = await station.health.heartbeat()
        running.cancel()
    assert beat.amplifier is not None and len(beat.amplifier.lines) == 3
    station.journal.close()
