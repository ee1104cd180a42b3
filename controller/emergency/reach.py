"""Whom an alert would reach at this moment, before anybody presses."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.areas.tables import AreaLevel
from controller.dispatch.tree import AreaTree
from controller.emergency.schemas import AreaReach, Reach
from controller.stations import queries as stations
from controller.stations.rules import HEARTBEAT_TIMEOUT_S, StationState, judge


def of(
    session: Session,
    now: datetime,
    area_ids: Collection[str],
    heartbeat_timeout_s: float = HEARTBEAT_TIMEOUT_S,
) -> Reach:
    """Villages and installed stations under the areas, each once. Areas that are not there add nothing."""
    look = _Look.of(session, now, heartbeat_timeout_s)
    known = [area_id for area_id in dict.fromkeys(area_ids) if area_id in look.tree.areas]
    whole = look.under(set(known))
    return Reach(
        villages=whole.villages,
        stations=whole.stations,
        reachable=whole.reachable,
        fed=whole.fed,
        areas=tuple(look.area(area_id, set(known)) for area_id in known),
        at=now,
    )


@dataclass(frozen=True)
class _Place:
    """An installed station, and where the old clusters that repeat it hang."""

    area_id: str
    reachable: bool
    fed: tuple[str, ...]


@dataclass(frozen=True)
class _Under:
    villages: int
    stations: int
    reachable: int
    fed: int


@dataclass(frozen=True)
class _Look:
    tree: AreaTree
    places: list[_Place]

    @classmethod
    def of(cls, session: Session, now: datetime, timeout_s: float) -> "_Look":
        areas, fed = stations.places(session), stations.fed(session)
        found = [
            _Place(
                areas[id_],
                judge(picture, now, timeout_s).state is StationState.OK,
                tuple(one.area_id for one in fed.get(id_, ())),
            )
            for id_, picture in stations.evidence(session).items()
            if picture.installed
        ]
        return cls(AreaTree.read(session), found)

    def under(self, chosen: set[str]) -> _Under:
        villages = sum(
            area.level is AreaLevel.VILLAGE and self._is_in(area.id, chosen)
            for area in self.tree.areas.values()
        )
        here = [place for place in self.places if self._is_in(place.area_id, chosen)]
        return _Under(
            villages,
            len(here),
            sum(place.reachable for place in here),
            sum(len(place.fed) for place in here),
        )

    def area(self, area_id: str, chosen: set[str]) -> AreaReach:
        """`chosen` are all that the alert would go to."""
        area, under = self.tree.areas[area_id], self.under({area_id})
        return AreaReach(
            id=area_id,
            name=area.name,
            level=area.level,
            villages=under.villages,
            stations=under.stations,
            reachable=under.reachable,
            fed=under.fed,
            fed_from_outside=self._fed_from_outside(area_id, chosen),
        )

    def _fed_from_outside(self, area_id: str, chosen: set[str]) -> int:
        return sum(
            self._is_in(hangs_at, {area_id})
            for place in self.places
            if place.fed and not self._is_in(place.area_id, chosen)
            for hangs_at in place.fed
        )

    def _is_in(self, area_id: str, chosen: set[str]) -> bool:
        return not chosen.isdisjoint(self.tree.chain(area_id))
