"""A small fleet under a scenario, in virtual time with a centre and a broker in it, and what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from firmware_sim.fleet.board import Board
from firmware_sim.fleet.commands import Command
from firmware_sim.fleet.draw import Met, draw
from firmware_sim.fleet.era import Run
from firmware_sim.fleet.events import Event, Happened, read
from firmware_sim.fleet.living import LivingFleet
from firmware_sim.fleet.scenario import Scenario
from firmware_sim.fleet.settings import FleetSettings
from firmware_sim.fleet.truth import Truth
from firmware_sim.fleet.truth import read as read_truth
from tests.support.village_broker import VillageBroker, VillageLoop
from wire import topics
from wire.base import Message
from wire.ids import LatenessRule, StationKind
from wire.messages import (
    Ack,
    Heartbeat,
    Item,
    Lateness,
    PlanLayer,
    PlannedOccurrence,
    PlaybackReport,
    ReportBatch,
    StationCard,
)
from wire.signing import SigningKey

SOUNDS_S = 15.0
FIRST_AT_S = 40.0


class _NoCommands:
    async def __aiter__(self) -> AsyncIterator[Command]:
        await asyncio.Event().wait()
        yield Command(stations=(), plugged=True)


@dataclass(frozen=True)
class Sounding:
    """One run at one loudspeaker: from where in it, and how much of it came out. Times in fleet seconds."""

    occurrence: str
    began_s: float
    from_s: float
    sounded_s: float


@dataclass
class Story:
    """What a fleet has lived through. Times in seconds after its beginning, by the village's clock."""

    stations: tuple[str, ...]
    occurrences: tuple[PlannedOccurrence, ...]
    began_at: datetime
    lasted_s: float
    drawn: tuple[Met, ...]
    events: list[Event]
    truths: list[Truth]
    boards: dict[str, Board]
    online: set[str]
    """At the end, a moment before it was stopped."""
    samples: list[dict[str, tuple[bool, bool]]] = field(default_factory=list)
    """Now and then, by station: does it sound, is its amplifier on."""

    def struck_by(self, *faults: str) -> set[str]:
        """By a fault that began before the end."""
        return {
            met.station for met in self.drawn if met.fault.fault in faults and met.begins_s < self.lasted_s
        }

    def soundings(self, station: str) -> list[Sounding]:
        """In their order."""
        begun: dict[str, Event] = {}
        found = []
        for event in (one for one in self.events if one.station == station):
            if event.happened is Happened.FIRST_FRAME:
                begun[event.sounding] = event
            elif event.happened in (Happened.STOPPED, Happened.ENDED) and event.sounding in begun:
                first = begun.pop(event.sounding)
                found.append(Sounding(event.sounding, first.at_s, first.from_s, event.sounded_s))
        return found

    def heard(self, station: str) -> set[str]:
        return {one.occurrence for one in self.soundings(station)}

    def due(self, begin_s: float, end_s: float) -> list[str]:
        """Occurrences whose whole sound lies between."""
        return [
            one.id
            for one in self.occurrences
            if begin_s <= (one.start - self.began_at).total_seconds()
            and (one.start - self.began_at).total_seconds() + one.seconds <= end_s
        ]

    def heard_twice(self) -> list[tuple[str, Sounding, Sounding]]:
        """Any second of any occurrence that came out of one loudspeaker more than once."""
        twice = []
        for station in self.stations:
            runs: dict[str, list[Sounding]] = defaultdict(list)
            for one in self.soundings(station):
                runs[one.occurrence].append(one)
            for of_one in runs.values():
                ordered = sorted(of_one, key=lambda one: one.from_s)
                twice += [
                    (station, one, other)
                    for one, other in pairwise(ordered)
                    if one.from_s + one.sounded_s > other.from_s + 1.0
                ]
        return twice


@dataclass
class Teller:
    """A centre that lives in the fleet's time, and acknowledges every report."""

    folder: Path
    stations: tuple[str, ...]
    key: SigningKey = field(default_factory=SigningKey.generate)
    broker: VillageBroker = field(default_factory=VillageBroker)
    card: dict[str, Any] = field(default_factory=dict)
    """What every station's card says besides the usual."""
    every_s: float = 60.0
    """From one occurrence to the next."""
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    """The last of each station."""
    reports: dict[str, list[PlaybackReport]] = field(default_factory=lambda: defaultdict(list))
    """By station, each report as often as it was committed: once."""

    def __post_init__(self) -> None:
        self.broker.listeners.append(self._listen)

    def send(self, topic: str, document: Message) -> None:
        self.broker.publish(topic, self.key.sign(document), retain=True)

    def _listen(self, topic: str, payload: bytes) -> None:
        if topic.endswith("/heartbeat"):
            beat = Heartbeat.decode(payload)
            self.heartbeats[beat.station] = beat
        if not topic.endswith("/report"):
            return
        batch = ReportBatch.decode(payload)
        known = {report.id for report in self.reports[batch.station]}
        self.reports[batch.station] += [report for report in batch.reports if report.id not in known]
        ack = Ack(station=batch.station, reports=tuple(report.id for report in batch.reports))
        self.broker.publish(topics.ack(batch.station), ack.encode(), retain=False)

    def live(
        self,
        scenario: Scenario,
        lasts_s: float,
        at: Iterable[tuple[float, Callable[[datetime], None]]] = (),
    ) -> Story:
        """For `lasts_s` of fleet time; each of `at` is called when its second has come, with the time."""
        began_at = scenario.starts_at or datetime.now(UTC)
        occurrences = self._give_plan(began_at.astimezone(UTC), lasts_s)
        settings = self._settings()
        drawn = draw(scenario, settings.all_stations())

        async def main() -> Story:
            run = Run(began_at=began_at, lasts_s=lasts_s)
            fleet = LivingFleet(settings, self.stations, _NoCommands(), run=run, drawn=drawn)
            return await self._follow(fleet, occurrences, drawn, run, tuple(at))

        with asyncio.Runner(loop_factory=lambda: VillageLoop(self.broker)) as runner:
            return runner.run(main())

    async def _follow(
        self,
        fleet: LivingFleet,
        occurrences: tuple[PlannedOccurrence, ...],
        drawn: tuple[Met, ...],
        run: Run,
        at: tuple[tuple[float, Callable[[datetime], None]], ...],
    ) -> Story:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        samples: list[dict[str, tuple[bool, bool]]] = []
        assert run.lasts_s is not None
        async with asyncio.TaskGroup() as group:
            living = group.create_task(fleet.run(stop))
            await asyncio.sleep(0)
            sampling = group.create_task(_sample(fleet, samples))
            for second, act in at:
                await asyncio.sleep(fleet.era.loop_s(second) - loop.time())
                act(fleet.era.now(loop.time()))
            await asyncio.sleep(fleet.era.loop_s(run.lasts_s) - loop.time())
            lives = {id_: board.life for id_, board in fleet.boards.items()}
            online = {id_ for id_, life in lives.items() if life and life.station.link.connected}
            sampling.cancel()
            stop.set()
            await living
        events, _ = read(self.folder / "events.jsonl")
        return Story(
            self.stations,
            occurrences,
            run.began_at,
            run.lasts_s,
            drawn,
            [_in_fleet_time(event, fleet.era.began_loop_s) for event in events],
            list(read_truth(self.folder / "truth.jsonl")),
            fleet.boards,
            online,
            samples,
        )

    def _settings(self) -> FleetSettings:
        return FleetSettings(
            stations=self.stations,
            folder=self.folder / "state",
            events=self.folder / "events.jsonl",
            controller_keys=(self.key.public_jwk(),),
            arrive_within_s=2.0,
        )

    def _give_plan(self, began_at: datetime, lasts_s: float) -> tuple[PlannedOccurrence, ...]:
        """One every so often, of either lateness rule in turn."""
        count = int((lasts_s - FIRST_AT_S) // self.every_s) + 1
        rules = (LatenessRule.RESUME, LatenessRule.SKIP)
        starts = (began_at + timedelta(seconds=FIRST_AT_S + self.every_s * number) for number in range(count))
        occurrences = tuple(
            _occurrence(start.replace(microsecond=0), rules[number % 2])
            for number, start in enumerate(starts)
        )
        issued_at = began_at - timedelta(hours=1)
        for station in self.stations:
            usual: dict[str, Any] = {
                "station": station,
                "version": 1,
                "issued_at": issued_at,
                "name": station,
                "kind": StationKind.VILLAGE_CLUSTER,
                "areas": ("lao-cai", "ta-van"),
                "zone": "Asia/Ho_Chi_Minh",
                "media_url": "http://127.0.0.1:1/media",
            }
            self.send(topics.card(station), StationCard(**(usual | self.card)))
        layer = PlanLayer(
            area="ta-van",
            version=1,
            issued_at=issued_at,
            expires_at=began_at + timedelta(days=14),
            occurrences=occurrences,
        )
        self.send(topics.plan("ta-van"), layer)
        return occurrences


async def _sample(fleet: LivingFleet, samples: list[dict[str, tuple[bool, bool]]]) -> None:
    while True:
        await asyncio.sleep(3.0)
        samples.append(
            {
                id_: (board.life.station.conductor.stage.run is not None, board.loudspeaker.board.power_on)
                for id_, board in fleet.boards.items()
                if board.life is not None
            }
        )


def _occurrence(start: datetime, rule: LatenessRule) -> PlannedOccurrence:
    schedule = f"ban-tin-{rule}"
    return PlannedOccurrence(
        id=f"{schedule}@{start:%Y%m%dT%H%M%SZ}",
        schedule=schedule,
        start=start,
        items=(Item(sha256="a" * 64, seconds=SOUNDS_S, size_bytes=40_000),),
        lateness=Lateness(rule=rule),
    )


def _in_fleet_time(event: Event, began_s: float) -> Event:
    return Event(
        event.at_s - began_s,
        event.station,
        event.happened,
        event.sounding,
        event.from_s,
        event.sounded_s,
    )
