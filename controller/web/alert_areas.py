"""Areas to choose for an alert, what is spoken there, and which stations hear which languages."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from controller.areas.tables import Area
from controller.dispatch.tree import AreaTree
from controller.emergency import queries
from controller.emergency.schemas import ContentView


@dataclass(frozen=True, slots=True)
class Node:
    """An area in its tree, with those directly below it by name."""

    id: str
    name: str
    below: Sequence["Node"]


def nodes(areas: Iterable[Area]) -> list[Node]:
    known = {area.id: area for area in areas}
    below: dict[str | None, list[Area]] = {}
    for area in sorted(known.values(), key=lambda area: area.name):
        below.setdefault(area.parent_id if area.parent_id in known else None, []).append(area)
    return _nodes(below, None)


def _nodes(below: Mapping[str | None, list[Area]], parent: str | None) -> list[Node]:
    return [Node(area.id, area.name, _nodes(below, area.id)) for area in below.get(parent, ())]


def spoken_in(tree: AreaTree, area_ids: Collection[str]) -> tuple[str, ...]:
    """What the chosen areas speak, in their order, and then what only some place inside them does."""
    found = dict.fromkeys(language for area_id in area_ids for language in tree.languages(area_id))
    chosen = set(area_ids)
    for area in tree.areas.values():
        if area.languages and not chosen.isdisjoint(tree.chain(area.id)):
            found.update(dict.fromkeys(area.languages))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class LanguageSet:
    """What some of the stations hear: these languages, in this order."""

    languages: tuple[str, ...]
    stations: int
    address: str


def sets_of(session: Session, tree: AreaTree, alert_id: str, content: ContentView) -> list[LanguageSet]:
    """Every different sequence of languages that stations make of it, the most frequent first."""
    chosen = {area.id for area in content.areas}
    said = [voice.language for voice in content.voices]
    counted: Counter[tuple[str, ...]] = Counter()
    for station in queries.holdings(session):
        if not chosen.isdisjoint(tree.chain(station.area_id)):
            own = tuple(station.languages) or tree.languages(station.area_id)
            counted[tuple(one for one in dict.fromkeys(own) if one in said) or tuple(said)] += 1
    return [
        LanguageSet(languages, stations, _address(alert_id, languages))
        for languages, stations in counted.most_common()
        if languages
    ]


def whole(alert_id: str, content: ContentView) -> list[LanguageSet]:
    """What a station hears that has every language of it."""
    languages = tuple(voice.language for voice in content.voices)
    return [LanguageSet(languages, 0, _address(alert_id, languages))] if languages else []


def _address(alert_id: str, languages: Sequence[str]) -> str:
    return f"/api/alerts/{alert_id}/preview.opus?{urlencode({'languages': ','.join(languages)})}"
