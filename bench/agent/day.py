"""What a station writes in a day of virtual time: `python -m bench.agent.day <folder> idle|busy`."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.app import build
from agent.cache import MediaCache
from agent.clock import SystemClock
from agent.settings import Broker, Media, Settings
from agent.sound_files import bytes_written_by_this_program
from agent.store import PlanStore
from firmware_sim.clock import SimulatedClock
from firmware_sim.fleet.events import EventLog
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.fleet.paper import PaperPerformer
from firmware_sim.fleet.storage import CountedFiles
from firmware_sim.network.network import Network
from firmware_sim.scaled_loop import AT_ONCE, run_at
from firmware_sim.wav_speaker import WavSpeaker
from wire.ids import LatenessRule, StationKind
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, StationCard
from wire.signing import Keyring, SigningKey

BEGIN = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BROADCASTS, SECONDS = 18, 600.0
"""Of a busy day: three hours of sound."""


class WrittenFiles(CountedFiles):
    """Sound that counts as held, over a disk whose writes are counted all the same."""

    def bytes_written(self) -> int | None:
        return bytes_written_by_this_program()


def programme(count: int) -> tuple[PlannedOccurrence, ...]:
    item = Item(sha256="a" * 64, seconds=SECONDS, size_bytes=1_850_000)
    every = DAY / max(count, 1)
    starts = (BEGIN + every / 2 + every * number for number in range(count))
    return tuple(
        PlannedOccurrence(
            id=f"ban-tin@{start:%Y%m%dT%H%M%SZ}",
            schedule="ban-tin",
            start=start,
            items=(item,),
            lateness=Lateness(rule=LatenessRule.RESUME),
        )
        for start in starts
    )


def hold(state: Path, key: SigningKey, count: int) -> None:
    card = StationCard(
        station="cum-loa-1",
        version=1,
        issued_at=BEGIN,
        name="Cụm loa bản 1",
        kind=StationKind.VILLAGE_CLUSTER,
        areas=("lao-cai",),
        zone="Asia/Ho_Chi_Minh",
        media_url="http://127.0.0.1:9/media",
    )
    plan = PlanLayer(
        area="lao-cai",
        version=1,
        issued_at=BEGIN,
        expires_at=BEGIN + 14 * DAY,
        occurrences=programme(count),
    )
    store = PlanStore(state, Keyring.of(key.public_jwk()))
    store.keep_card(card, key.sign(card))
    store.keep_layer(plan, key.sign(plan))


async def live(folder: Path, count: int) -> int:
    """Bytes written in the station's day; its start is not counted."""
    state, key = folder / "state", SigningKey.generate()
    state.mkdir(parents=True)
    hold(state, key, count)
    machine = SimulatedClock(asyncio.get_running_loop().time, BEGIN)
    clock = SystemClock(state / "clock.json", machine)
    settings = Settings(
        station="cum-loa-1",
        state_dir=state,
        controller_keys=(key.public_jwk(),),
        broker=Broker(),
        media=Media(reserve_mb=0),
    )
    cache = MediaCache(WrittenFiles(state / "sound"), settings.media, monotonic_s=clock.monotonic_s)
    network = Network()
    network.unplug()
    station = build(
        settings,
        WavSpeaker(folder / "heard", machine.true_now, machine.monotonic_s),
        clock,
        link=LightLink("cum-loa-1", "boot", settings.broker, clock, network),
        performer=PaperPerformer("cum-loa-1", EventLog(folder / "events.jsonl"), 0.0),
        cache=cache,
    )
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        life = group.create_task(station.run(stop))
        await asyncio.sleep(120)
        before = bytes_written_by_this_program()
        await asyncio.sleep(DAY.total_seconds())
        after = bytes_written_by_this_program()
        stop.set()
        await life
    if before is None or after is None:
        raise SystemExit("the kernel does not count what this program writes")
    return after - before


if __name__ == "__main__":
    print(run_at(AT_ONCE, live(Path(sys.argv[1]), BROADCASTS if sys.argv[2] == "busy" else 0)))
