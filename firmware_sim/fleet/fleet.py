"""One process of a fleet: its stations, each the real station program, in one event loop."""

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from agent.app import Station, build
from agent.clock import AssumedClock
from agent.errors import SpeakerMisuse
from agent.first_blocks import FirstBlocks
from agent.settings import ClockMode, Media, Settings
from agent.sound_files import SoundFiles
from agent.speakers.contract import Sounding
from firmware_sim.fleet.commands import Commands
from firmware_sim.fleet.events import Event, EventLog, Happened
from firmware_sim.fleet.light_link import LightLink
from firmware_sim.fleet.paper import PaperPerformer
from firmware_sim.fleet.settings import FleetSettings
from firmware_sim.fleet.storage import CountedCache, PatientDisk
from firmware_sim.network.network import Network

log = logging.getLogger(__name__)

_FLUSH_EVERY_S = 0.25


class NoSpeaker:
    """A paper performer needs none."""

    async def begin(self, start_at_s: float, label: str) -> Sounding:
        raise SpeakerMisuse(problem="this board has no speaker", label=label)

    async def close(self) -> None:
        return None


class Fleet:
    """`run` returns after `stop` is set and every station has said goodbye."""

    def __init__(self, settings: FleetSettings, station_ids: Iterable[str], commands: Commands) -> None:
        self.settings = settings
        self.station_ids = tuple(station_ids)
        self.events = EventLog(settings.events)
        self.chance = random.Random()  # noqa: S311 - when a board is switched on is no secret
        self._networks: dict[str, Network] = {}
        self._commands = commands

    async def run(self, stop: asyncio.Event) -> None:
        """Raises what killed a station: one that dies takes the process with it."""
        loop = asyncio.get_running_loop()
        loop.set_default_executor(PatientDisk(loop, self.settings.disk_latency_s))
        self._set_up()
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(work) for work in self._helpers()]
                lives = [
                    group.create_task(self._live(station_id, stop), name=station_id)
                    for station_id in self.station_ids
                ]
                await asyncio.wait(lives)
                for helper in helpers:
                    helper.cancel()
        finally:
            self.events.close()

    def _set_up(self) -> None:
        self._networks = {station_id: Network() for station_id in self.station_ids}

    def _helpers(self) -> list[Coroutine[Any, Any, None]]:
        return [self._flush(), self._obey()]

    async def _live(self, station_id: str, stop: asyncio.Event) -> None:
        await self._arrive()
        await self._board(station_id).run(stop)

    async def _arrive(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.0, self.settings.arrive_within_s))

    def _board(self, station_id: str) -> Station:
        """Nothing is decoded in advance: paper plays no files."""
        settings = station_settings(self.settings, station_id)
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        clock, boot_id = AssumedClock(), uuid.uuid4().hex
        station = build(
            settings,
            NoSpeaker(),
            clock,
            link=LightLink(station_id, boot_id, settings.broker, clock, self._networks[station_id]),
            performer=PaperPerformer(station_id, self.events, self.settings.output_delay_s),
            cache=CountedCache(settings.state_dir / "sound", settings.media),
        )
        station.health.boot_id = boot_id
        station.beginnings = FirstBlocks(SoundFiles(settings.state_dir / "sound"))
        tell_when_online(station, self._came_up)
        return station

    def _came_up(self, station_id: str) -> None:
        self.events.note(Event(asyncio.get_running_loop().time(), station_id, Happened.ONLINE))

    async def _obey(self) -> None:
        """Commands may name stations of other processes."""
        async for command in self._commands:
            for station_id in command.stations:
                if station_id in self.station_ids:
                    self._plug(station_id, plugged=command.plugged)

    def _plug(self, station_id: str, *, plugged: bool) -> None:
        network = self._networks[station_id]
        (network.plug if plugged else network.unplug)()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_EVERY_S)
            self.events.flush()


def tell_when_online(station: Station, came_up: Callable[[str], None]) -> None:
    """`came_up` hears the station's id each time that the broker accepts it."""
    inner = station.link.on_up

    def told() -> None:
        came_up(station.settings.station)
        if inner is not None:
            inner()

    station.link.on_up = told


def station_settings(fleet: FleetSettings, station_id: str) -> Settings:
    return Settings(
        station=station_id,
        state_dir=fleet.folder / station_id,
        controller_keys=fleet.controller_keys,
        heartbeat_s=fleet.heartbeat_s,
        clock=ClockMode.ASSUME_TRUSTED,
        broker=fleet.broker,
        reports=fleet.reports,
        media=Media(reserve_mb=0),
    )
