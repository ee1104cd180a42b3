"""The whole area tree in memory, for work that asks for many chains at once."""

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.orm import Session

from controller.areas import queries as area_queries
from controller.areas.queries import AreaLine


@dataclass(frozen=True)
class AreaTree:
    areas: dict[str, AreaLine]

    @classmethod
    def read(cls, session: Session) -> "AreaTree":
        return cls({area.id: area for area in area_queries.lines(session)})

    def name(self, area_id: str) -> str:
        area = self.areas.get(area_id)
        return area.name if area else area_id

    def chain(self, area_id: str) -> tuple[str, ...]:
        """The area and all that contain it, the root first; empty for an area that is not there."""
        found = self._chains.get(area_id)
        if found is None:
            found = self._chains[area_id] = self._walk(area_id)
        return found

    def depth(self, area_id: str) -> int:
        """0 for a root."""
        return max(0, len(self.chain(area_id)) - 1)

    def related(self, area_id: str) -> set[str]:
        """Areas that share stations with it: those that contain it, itself, and those below it."""
        below = {other for other in self.areas if area_id in self.chain(other)}
        return below | set(self.chain(area_id))

    def languages(self, area_id: str) -> tuple[str, ...]:
        """What alerts are said in there, in order: as the nearest area above decides, else Vietnamese."""
        chain = reversed(self.chain(area_id))
        decided = next((languages for one in chain if (languages := self.areas[one].languages)), ["vi"])
        return tuple(decided)

    @cached_property
    def _chains(self) -> dict[str, tuple[str, ...]]:
        return {}

    def _walk(self, area_id: str) -> tuple[str, ...]:
        found: list[str] = []
        step: str | None = area_id
        while step in self.areas and step not in found:
            found.append(step)
            step = self.areas[step].parent_id
        return tuple(reversed(found))
