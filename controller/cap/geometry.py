"""Which of our areas a message means. Pure.

An area is meant when its middle lies inside the polygon or circle. Where none does, those are meant whose
boundary is known and touched by the shape; else the one with the nearest middle, which is never certain.
"""

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from controller.areas.boundaries import Boundary
from controller.areas.rules import short_slug
from controller.cap.model import CapArea, Circle, Polygon

Numbers: TypeAlias = NDArray[np.float64]

NEAREST_KM: Final = 15.0
GEOCODE_NAME: Final = "VN-GSO"
"""How we call the state's codes of administrative units in our own messages."""
_OURS: Final = frozenset({GEOCODE_NAME, "GSO", "DVHC", "VN-DVHC", "MA-DVHC", "VN.GSO", "GSO-VN", "VN:GSO"})
_FOREIGN: Final = ("SAME", "UGC", "FIPS", "EMMA", "NUTS", "WARNCELLID", "PROFILE:CAP-CP", "LAYER:", "LGD")
"""Lists of other countries, whose numbers may look like ours."""
_KM_PER_DEGREE: Final = 111.195
"""Of a meridian on a sphere of 6,371 km."""


@dataclass(frozen=True)
class Place:
    """One of our areas as far as geometry goes; `wide` ones (a province) are never found by their middle."""

    id: str
    parent_id: str | None
    name: str
    code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    wide: bool = False
    boundary: Boundary | None = None


@dataclass(frozen=True)
class Meant:
    """`uncertain` where something was only near, or named in words: an officer has to look."""

    area_ids: tuple[str, ...] = ()
    uncertain: bool = False
    unreadable: int = 0
    """Polygons and circles that could not be read."""
    drawn: bool = False
    """There was at least one area."""


def meant(areas: Sequence[CapArea], places: Sequence[Place]) -> Meant:
    """Each of our areas once, none below another that is meant as well."""
    distinct = list(dict.fromkeys(areas))
    atlas = _Atlas(places)
    found: dict[str, bool] = {}
    for area in distinct:
        _add(found, _of_one(area, atlas))
    parents = {place.id: place.parent_id for place in places}
    chosen = [area_id for area_id in found if not _any_above(area_id, found, parents)]
    unreadable = sum(area.unreadable for area in distinct)
    uncertain = unreadable > 0 or not all(found[area_id] for area_id in chosen)
    return Meant(tuple(sorted(chosen)), uncertain and bool(chosen), unreadable, bool(distinct))


def _of_one(area: CapArea, atlas: "_Atlas") -> dict[str, bool]:
    """Area ids, and whether it is certain that they are meant. Codes and shapes add up."""
    found: dict[str, bool] = {}
    for geocode in area.geocodes:
        _add(found, atlas.by_code(*geocode))
    for polygon in area.polygons:
        _add(found, atlas.in_polygon(polygon))
    for circle in area.circles:
        _add(found, atlas.in_circle(circle))
    if not (area.geocodes or area.polygons or area.circles or area.unreadable):
        _add(found, atlas.by_name(area.description))
    return found


class _Atlas:
    """Our areas by code, by name and by their middle, in degrees."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._codes: defaultdict[str, list[str]] = defaultdict(list)
        self._names: defaultdict[str, list[str]] = defaultdict(list)
        for place in places:
            self._names[short_slug(place.name)].append(place.id)
            if place.code is not None:
                self._codes[place.code].append(place.id)
        known = [
            (place.id, place.latitude, place.longitude)
            for place in places
            if not place.wide and place.latitude is not None and place.longitude is not None
        ]
        self._boundaries = {place.id: place.boundary for place in places if place.boundary and not place.wide}
        self._ids = [area_id for area_id, _, _ in known]
        self._latitudes: Numbers = np.array([latitude for _, latitude, _ in known], dtype=np.float64)
        self._longitudes: Numbers = np.array([longitude for _, _, longitude in known], dtype=np.float64)

    def by_code(self, list_name: str, code: str) -> dict[str, bool]:
        """A list that we do not know by name may be another one."""
        name = list_name.strip().upper().replace("_", "-")
        if name.startswith(_FOREIGN):
            return {}
        return dict.fromkeys(self._codes.get(code.strip(), ()), name in _OURS)

    def by_name(self, description: str) -> dict[str, bool]:
        """The one area of ours that is called so; never certain."""
        hits = self._names.get(short_slug(description), [])
        return {hits[0]: False} if len(hits) == 1 else {}

    def in_polygon(self, polygon: Polygon) -> dict[str, bool]:
        if not self._ids:
            return {}
        corners = np.array(polygon, dtype=np.float64)
        scale = _scale(float(corners[:, 0].mean()))
        outline = corners[:, ::-1] * scale
        middles = np.column_stack((self._longitudes, self._latitudes)) * scale
        inside = _inside(outline, middles)
        if inside.any():
            return self._within(inside)
        drawn = shapely.LinearRing(corners[:, ::-1])
        return self._touched(drawn) or self._nearest(_beyond_km(outline, middles))

    def in_circle(self, circle: Circle) -> dict[str, bool]:
        if not self._ids:
            return {}
        distances_km = _distance_km(circle, self._latitudes, self._longitudes)
        inside = np.asarray(distances_km <= circle.radius_km)
        if inside.any():
            return self._within(inside)
        centre = shapely.Point(circle.longitude, circle.latitude)
        return self._touched(centre) or self._nearest(distances_km - circle.radius_km)

    def _within(self, inside: NDArray[np.bool_]) -> dict[str, bool]:
        return {self._ids[index]: True for index in np.flatnonzero(inside)}

    def _touched(self, drawn: shapely.Geometry) -> dict[str, bool]:
        return {area_id: True for area_id, boundary in self._boundaries.items() if boundary.intersects(drawn)}

    def _nearest(self, beyond_km: Numbers) -> dict[str, bool]:
        nearest = int(np.argmin(beyond_km))
        return {self._ids[nearest]: False} if beyond_km[nearest] <= NEAREST_KM else {}


def _inside(outline: Numbers, points: Numbers) -> NDArray[np.bool_]:
    """Which points lie in the outline, also where it crosses itself: an odd number of edges to the east."""
    (west, south), (east, north) = outline.min(axis=0), outline.max(axis=0)
    x, y = points[:, 0], points[:, 1]
    inside = np.asarray((x >= west) & (x <= east) & (y >= south) & (y <= north))
    x0, y0, x1, y1 = *outline[:-1].T, *outline[1:].T
    for index in np.flatnonzero(inside):
        spans = (y0 > y[index]) != (y1 > y[index])
        crossings = x0[spans] + (y[index] - y0[spans]) * (x1 - x0)[spans] / (y1 - y0)[spans]
        inside[index] = np.count_nonzero(crossings > x[index]) % 2 == 1
    return inside


def _beyond_km(outline: Numbers, points: Numbers) -> Numbers:
    """How far from the outline; infinite where it cannot be near."""
    west_south, east_north = outline.min(axis=0) - NEAREST_KM, outline.max(axis=0) + NEAREST_KM
    near = np.asarray(((points >= west_south) & (points <= east_north)).all(axis=1))
    beyond_km = np.full(len(points), np.inf)
    beyond_km[near] = shapely.distance(shapely.LineString(outline), shapely.points(points[near]))
    return beyond_km


def _scale(latitude: float) -> Numbers:
    """Kilometres per degree of longitude and latitude there."""
    shrink = max(float(np.cos(np.radians(latitude))), 0.01)
    return np.array([_KM_PER_DEGREE * shrink, _KM_PER_DEGREE])


def _distance_km(circle: Circle, latitudes: Numbers, longitudes: Numbers) -> Numbers:
    """Along the sphere (haversine)."""
    here, there = np.radians(circle.latitude), np.radians(latitudes)
    east = np.radians(longitudes - circle.longitude)
    half = np.sin((there - here) / 2) ** 2 + np.cos(here) * np.cos(there) * np.sin(east / 2) ** 2
    result: Numbers = 2 * np.degrees(np.arcsin(np.sqrt(np.clip(half, 0, 1)))) * _KM_PER_DEGREE
    return result


def _add(found: dict[str, bool], more: Mapping[str, bool]) -> None:
    for area_id, certain in more.items():
        found[area_id] = found.get(area_id, False) or certain


def _any_above(area_id: str, chosen: Container[str], parents: Mapping[str, str | None]) -> bool:
    above = parents.get(area_id)
    for _ in range(len(parents)):
        if above is None or above in chosen:
            break
        above = parents.get(above)
    return above is not None and above in chosen
