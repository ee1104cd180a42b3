"""Boundaries of areas from a file: what is read, and what is refused with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from controller.areas.boundaries import load
from controller.errors import Invalid

SQUARE = [[[103.0, 22.0], [104.0, 22.0], [104.0, 23.0], [103.0, 23.0], [103.0, 22.0]]]
BOW_TIE = [[[103.0, 22.0], [104.0, 23.0], [104.0, 22.0], [103.0, 23.0], [103.0, 22.0]]]


def feature(coordinates: Any = SQUARE, kind: str = "Polygon", **properties: str) -> dict[str, Any]:
    shape = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties or {"code": "02683"}, "geometry": shape}


def written(folder: Path, *features: Any) -> Path:
    path = folder / "boundaries.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_an_area_is_found_by_its_code_and_by_our_own_id(tmp_path: Path) -> None:
    many = feature([SQUARE], "MultiPolygon", area="ban-vuoc")
    found = load(written(tmp_path, feature(), many))
    assert found.of("bat-xat-02683", "02683") is not None
    assert found.of("ban-vuoc", None) is not None
    assert found.of("ban-qua", None) is None


def test_without_a_file_nothing_is_known(tmp_path: Path) -> None:
    assert load(tmp_path / "boundaries.geojson").known == {}


@pytest.mark.parametrize(
    "wrong",
    [
        feature(BOW_TIE),
        feature([[[0, 0], [500, 0], [500, 5], [0, 0]]]),
        feature([1, 2], "Point"),
        feature(SQUARE, name="Bát Xát"),
        feature(),
        {"type": "Feature"},
        7,
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, wrong: Any) -> None:
    with pytest.raises(Invalid) as refused:
        load(written(tmp_path, feature(), wrong))
    assert refused.value.key == "areas.bad_boundaries"
    assert refused.value.params["number"] == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": 3}'])
def test_a_file_of_another_kind_is_refused_whole(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boundaries.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid) as refused:
        load(path)
    assert refused.value.params["number"] == 0
