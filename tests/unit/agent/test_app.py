"""A whole station put together, without running it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.app import build
from agent.clock import AssumedClock
from agent.settings import Settings
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
