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
    villages, stations_, reachable = look.under(set(known))
    return Reach(
        villages=villages,
        stations=stations_,
        reachable=reachable,
        areas=tuple(look.area(area_id) for area_id in known),
        at=now,
    )


@dataclass(frozen=True)
class _Look:
    """`stations` are the installed ones: the area, and whether it can be reached now."""

    tree: AreaTree
    stations: list[tuple[str, bool]]

    @classmethod
    def of(cls, session: Session, now: datetime, timeout_s: float) -> "_Look":
        places = stations.places(session)
        judged = {
            station_id: judge(picture, now, timeout_s).state
            for station_id, picture in stations.evidence(session).items()
            if picture.installed
        }
        found = [(places[station_id], state is StationState.OK) for station_id, state in judged.items()]
        return cls(AreaTree.read(session), found)

    def under(self, chosen: set[str]) -> tuple[int, int, int]:
        """Villages, stations, reachable ones."""
        villages = sum(
            area.level is AreaLevel.VILLAGE and self._is_in(area.id, chosen)
            for area in self.tree.areas.values()
        )
        here = [reachable for area_id, reachable in self.stations if self._is_in(area_id, chosen)]
        return villages, len(here), sum(here)

    def area(self, area_id: str) -> AreaReach:
        area = self.tree.areas[area_id]
        villages, stations_, reachable = self.under({area_id})
        return AreaReach(
            id=area_id,
            name=area.name,
            level=area.level,
            villages=villages,
            stations=stations_,
            reachable=reachable,
        )

    def _is_in(self, area_id: str, chosen: set[str]) -> bool:
        return not chosen.isdisjoint(self.tree.chain(area_id))
