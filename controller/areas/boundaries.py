"""Where areas end, as far as somebody has told us: `boundaries.geojson` in the data directory (RFC 7946).

A FeatureCollection of Polygon or MultiPolygon features in WGS 84. `properties.code` is the state's code of
the area, or `properties.area` our own id.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import MultiPolygon, Polygon, shape

from controller.errors import Invalid

FILE_NAME: Final = "boundaries.geojson"
Boundary = Polygon | MultiPolygon


@dataclass(frozen=True)
class Boundaries:
    """By the state's code or by our id. Coordinates are longitude, latitude in degrees."""

    known: Mapping[str, Boundary] = field(default_factory=dict)

    def of(self, area_id: str, code: str | None) -> Boundary | None:
        return self.known.get(area_id) or self.known.get(code or "")


def load(path: Path) -> Boundaries:
    """Without the file, nothing is known. Raises Invalid `areas.bad_boundaries` at the first mistake."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        features = list(document["features"])
    except FileNotFoundError:
        return Boundaries()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid("areas.bad_boundaries", file=str(path), number=0) from error
    known: dict[str, Boundary] = {}
    for number, feature in enumerate(features, 1):
        name, boundary = _read(feature)
        if name in known or boundary is None:
            raise Invalid("areas.bad_boundaries", file=str(path), number=number)
        known[name] = boundary
    return Boundaries(known)


def _read(feature: Any) -> tuple[str, Boundary | None]:
    try:
        properties = feature["properties"]
        name = str(properties.get("area") or properties["code"])
        found = shape(feature["geometry"])
    except (KeyError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError):
        return "", None
    if not isinstance(found, Polygon | MultiPolygon) or found.is_empty or not found.is_valid:
        return name, None
    west, south, east, north = found.bounds
    on_earth = west >= -180 and east <= 180 and south >= -90 and north <= 90
    return name, found if on_earth else None
