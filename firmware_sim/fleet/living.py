"""A fleet whose boards have all their edges: what a scenario wants of them happens to them."""

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from agent.app import Station, build
from agent.clock import SystemClock
from agent.first_blocks import FirstBlocks
from agent.sound_files import SoundFiles
from firmware_sim.fleet.board import Board
from firmware_sim.fleet.card import journal_on
from firmware_sim.fleet.census import Census, census_of, take_every_second
from firmware_sim.fleet.commands import Commands
from firmware_sim.fleet.draw import Met
from firmware_sim.fleet.era import Era, Run
from firmware_sim.fleet.fleet import Fleet, NoSpeaker, station_settings, tell_when_online
from firmware_sim.fleet.installed import hand_out
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.fleet.paper import PaperPerformer
from firmware_sim.fleet.settings import FleetSettings
from firmware_sim.fleet.storage import CountedCache
from firmware_sim.fleet.truth import TruthLog
from firmware_sim.fleet.weather import Weather
from firmware_sim.network.conditions import Conditions, Trouble

log = logging.getLogger(__name__)

_UNPLUGGED = Conditions(Trouble.LINK_DOWN)


@dataclass(frozen=True, slots=True)
class PaperLife:
    """The real program on the simulated edges, from one start to its end."""

    station: Station
    performer: PaperPerformer
    cache: CountedCache


class LivingFleet(Fleet):
    """Programs that die are started again, as on a real board; `tell` hears every second how all are."""

    def __init__(
        self,
        settings: FleetSettings,
        station_ids: Iterable[str],
        commands: Commands,
        *,
        run: Run,
        drawn: Iterable[Met] = (),
        tell: Callable[[Census], None] = lambda _: None,
    ) -> None:
        super().__init__(settings, station_ids, commands)
        self.boards: dict[str, Board] = {}
        self._run = run
        self._drawn = tuple(drawn)
        self._tell = tell
        self._connects = 0
        self._truth = TruthLog(run.truth or settings.events.with_name("truth.jsonl"))

    async def run(self, stop: asyncio.Event) -> None:
        try:
            await super().run(stop)
        finally:
            self._truth.close()

    def _set_up(self) -> None:
        loop = asyncio.get_running_loop()
        self.era = Era.of(self._run, loop)
        now = self.era.now(loop.time())
        for station_id in self.station_ids:
            folder = self.settings.folder / station_id
            folder.mkdir(parents=True, exist_ok=True)
            hand_out(self.settings.folder, station_id, folder)
            chance = random.Random(station_id)  # noqa: S311 - weather, not a secret
            self.boards[station_id] = Board(station_id, folder, self.settings.broker, now, chance)

    def _helpers(self) -> list[Coroutine[Any, Any, None]]:
        weather = Weather(self.boards, self._drawn, self.era, self._truth)
        return [*super()._helpers(), weather.run(), take_every_second(self._run.rate, self._take_census)]

    async def _arrive(self) -> None:
        """In our time: to start a program costs the machine the same at any rate."""
        await asyncio.sleep(self.chance.uniform(0.0, self.settings.arrive_within_s) * self._run.rate)

    async def _live(self, station_id: str, stop: asyncio.Event) -> None:
        await self._arrive()
        await self.boards[station_id].live(stop, self._life)

    def _life(self, board: Board) -> PaperLife:
        settings = station_settings(self.settings, board.id).model_copy(
            update={"state_dir": board.card.mounted}
        )
        boot_id = uuid.uuid4().hex
        clock = SystemClock(settings.state_dir / "clock.json", board.machine)
        paper = PaperPerformer(board.id, self.events, self.settings.output_delay_s, board.loudspeaker.sounds)
        cache = CountedCache(settings.state_dir / "sound", settings.media, lambda: board.signal.carries)
        station = build(
            settings,
            NoSpeaker(),
            clock,
            link=LightLink(board.id, boot_id, settings.broker, clock, board.network),
            performer=paper,
            cache=cache,
            amplifier=board.loudspeaker.amplifier(clock),
            ear=board.loudspeaker.ear(board.powered),
            journal=journal_on(board.card),
        )
        station.health.boot_id = boot_id
        station.beginnings = FirstBlocks(SoundFiles(settings.state_dir / "sound"))
        tell_when_online(station, self._came_up)
        return PaperLife(station, paper, cache)

    def _came_up(self, station_id: str) -> None:
        super()._came_up(station_id)
        self._connects += 1

    def _plug(self, station_id: str, *, plugged: bool) -> None:
        signal = self.boards[station_id].signal
        if plugged:
            signal.lift("unplugged")
        else:
            signal.lay("unplugged", _UNPLUGGED)

    def _take_census(self, late_ms: float) -> None:
        at = self.era.now(asyncio.get_running_loop().time())
        self._tell(census_of(self.boards.values(), at, self._run.rate, self._connects, late_ms))
