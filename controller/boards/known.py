"""The newest act of each alert, found by alert and by area."""

from collections import defaultdict
from collections.abc import Iterator, KeysView, Mapping

from controller.emergency.acts import Act


class Known:
    """Not for two threads at once."""

    def __init__(self) -> None:
        self._acts: dict[str, Act] = {}
        self._by_area: defaultdict[str, dict[str, Act]] = defaultdict(dict)

    @property
    def acts(self) -> Mapping[str, Act]:
        """By the alert's id."""
        return self._acts

    @property
    def areas(self) -> KeysView[str]:
        """All that an act names."""
        return self._by_area.keys()

    def get(self, alert_id: str) -> Act | None:
        return self._acts.get(alert_id)

    def put(self, act: Act) -> None:
        self.drop(act.alert_id)
        self._acts[act.alert_id] = act
        for area_id in act.area_ids:
            self._by_area[area_id][act.alert_id] = act

    def drop(self, alert_id: str) -> None:
        act = self._acts.pop(alert_id, None)
        for area_id in set(act.area_ids) if act else ():
            here = self._by_area[area_id]
            del here[alert_id]
            if not here:
                del self._by_area[area_id]

    def at(self, area_id: str) -> Iterator[Act]:
        """Those that name this area."""
        yield from self._by_area[area_id].values() if area_id in self._by_area else ()
