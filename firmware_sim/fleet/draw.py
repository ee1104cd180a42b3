"""Who meets what, and when: drawn from a scenario, the same for the same seed and stations. Pure."""

import math
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle

from firmware_sim.fleet.faults import Fault, Makes
from firmware_sim.fleet.scenario import Event, Scenario, Who
from wire.ids import StationKind

_PARTS = 9
"""Lào Cai had nine districts; a fleet that names none is divided into as many."""


@dataclass(frozen=True, slots=True)
class Stations:
    """All of a fleet, in its order, and what is known of them."""

    ids: tuple[str, ...]
    kinds: Mapping[StationKind, frozenset[str]] = field(default_factory=dict)
    """A station that has no kind here may be drawn as any."""
    districts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def by_district(self) -> dict[str, tuple[str, ...]]:
        """Without any of their own, nine runs of neighbours."""
        if self.districts:
            known = set(self.ids)
            named = {name: tuple(id_ for id_ in ids if id_ in known) for name, ids in self.districts.items()}
            return {name: ids for name, ids in named.items() if ids}
        size = max(math.ceil(len(self.ids) / _PARTS), 1)
        runs = (self.ids[begin : begin + size] for begin in range(0, len(self.ids), size))
        return {f"district-{number}": run for number, run in enumerate(runs, 1)}

    def of_kind(self, kind: StationKind) -> frozenset[str]:
        return self.kinds.get(kind, frozenset()) if self.kinds else frozenset(self.ids)


@dataclass(frozen=True, slots=True)
class Met:
    """A station meets a fault, in seconds after the start; `ends_s` None is never."""

    station: str
    fault: Fault
    event: str
    makes: Makes
    begins_s: float
    ends_s: float | None


def draw(scenario: Scenario, stations: Stations) -> tuple[Met, ...]:
    """In the order of beginning.

    Stations that one event makes broken or underperforming are left alone by others that would do so too:
    a survey counts each station once.
    """
    damaged: set[str] = set()
    met: list[Met] = []
    for event in scenario.events:
        chance = random.Random(f"{scenario.seed}/{event.name}")  # noqa: S311 - weather, not a secret
        for at_s in _instants(event, scenario.lasts):
            met += _strike(event, at_s, chance, stations, damaged)
    in_time = (one for one in met if one.begins_s <= scenario.lasts)
    return tuple(sorted(in_time, key=lambda one: (one.begins_s, one.station)))


def _instants(event: Event, lasts_s: float) -> Iterator[float]:
    if event.every is None:
        yield event.at
        return
    for number in count():
        at_s = event.at + number * event.every
        if at_s >= lasts_s:
            return
        yield at_s


def _strike(
    event: Event, at_s: float, chance: random.Random, stations: Stations, damaged: set[str]
) -> Iterator[Met]:
    does_damage = _worst(event) in (Makes.UNDERPERFORMING, Makes.BROKEN)
    struck = _drawn(event.who, chance, stations, damaged if does_damage else frozenset())
    if does_damage:
        damaged.update(struck)
    causes = cycle(event.one_of)
    for station in struck:
        faults = event.all_of or (next(causes),)
        begins_s = at_s + chance.uniform(0.0, event.within)
        ends_s = _end_s(event, at_s if event.ends_together else begins_s, chance)
        for fault in faults:
            yield Met(station, fault, event.name, event.makes or fault.makes, begins_s, ends_s)


def _end_s(event: Event, counted_from_s: float, chance: random.Random) -> float | None:
    late_s = chance.uniform(0.0, event.back_within)
    return None if event.lasts is None else counted_from_s + event.lasts + late_s


def _worst(event: Event) -> Makes:
    if event.makes is not None:
        return event.makes
    order = list(Makes)
    return max((fault.makes for fault in (*event.all_of, *event.one_of)), key=order.index)


def _drawn(who: Who, chance: random.Random, stations: Stations, spared: Collection[str]) -> list[str]:
    candidates = [id_ for id_ in _named(who, chance, stations) if id_ not in spared]
    wanted = len(candidates)
    if who.count is not None:
        wanted = min(who.count, wanted)
    elif who.share is not None:
        wanted = min(math.ceil(who.share * wanted), wanted)
    drawn = set(chance.sample(candidates, wanted))
    in_order = [id_ for id_ in candidates if id_ in drawn]
    chance.shuffle(in_order)
    return in_order


def _named(who: Who, chance: random.Random, stations: Stations) -> Sequence[str]:
    among = set(who.stations) if who.stations else set(stations.ids)
    if who.kind is not None:
        among &= stations.of_kind(who.kind)
    districts = stations.by_district()
    if who.district is not None:
        among &= set(districts.get(who.district, ()))
    if who.districts is not None:
        names = chance.sample(sorted(districts), min(who.districts, len(districts)))
        among &= {id_ for name in names for id_ in districts[name]}
    return [id_ for id_ in stations.ids if id_ in among]
