"""Which of our areas a polygon, a circle, a code or a name means."""

import random
import time
from dataclasses import replace

import pytest
import shapely

from controller.areas import dataset
from controller.cap.geometry import Meant, Place, meant
from controller.cap.model import CapArea, Circle, Named

XA, HUM, THON = "bat-xat-02683", "muong-hum-02728", "bat-xat-thon-1"
PLACES = (
    Place("lao-cai", None, "Tỉnh Lào Cai", "15", 22.3, 104.1, wide=True),
    Place(XA, "lao-cai", "Xã Bát Xát", "02683", 22.54, 103.89),
    Place(HUM, "lao-cai", "Xã Mường Hum", "02728", 22.52, 103.70),
    Place(THON, XA, "Thôn 1", None, 22.55, 103.90),
    Place("bat-xat-thon-2", XA, "Thôn 2"),
)
AROUND_XA = ((22.5, 103.85), (22.5, 103.95), (22.6, 103.95), (22.6, 103.85), (22.5, 103.85))


def found(*areas: CapArea) -> Meant:
    return meant(areas, PLACES)


def test_a_polygon_means_whose_middle_it_holds_and_not_what_lies_below_that_again() -> None:
    assert found(CapArea("x", polygons=(AROUND_XA,))) == Meant((XA,), drawn=True)


def test_a_village_alone_is_meant_where_its_commune_is_not() -> None:
    tight = ((22.548, 103.895), (22.548, 103.905), (22.56, 103.905), (22.548, 103.895))
    assert found(CapArea("x", polygons=(tight,))).area_ids == (THON,)


def test_a_province_is_never_meant_by_its_middle() -> None:
    assert found(CapArea("x", circles=(Circle(22.3, 104.1, 1.0),))).area_ids == ()


def test_a_middle_on_the_border_does_not_crash_and_two_shapes_add_up() -> None:
    west = ((22.5, 103.65), (22.5, 103.75), (22.6, 103.75), (22.5, 103.65))
    both = found(CapArea("x", polygons=(AROUND_XA, west)), CapArea("y", circles=(Circle(22.52, 103.7, 3),)))
    assert both.area_ids == (XA, HUM)
    assert not both.uncertain


def test_a_polygon_that_crosses_itself_is_read_by_the_odd_rule() -> None:
    bow_tie = ((22.5, 103.65), (22.6, 103.95), (22.5, 103.95), (22.6, 103.65), (22.5, 103.65))
    assert HUM in found(CapArea("x", polygons=(bow_tie,))).area_ids


@pytest.mark.parametrize(("east_km", "near"), [(5, True), (14, True), (17, False), (300, False)])
def test_the_nearest_within_15_km_is_uncertain(east_km: float, near: bool) -> None:
    east = 103.905 + east_km / 102.7  # A degree of longitude there is 102.7 km.
    small = ((22.545, east), (22.545, east + 0.01), (22.555, east + 0.01), (22.545, east))
    for area in (CapArea("x", polygons=(small,)), CapArea("x", circles=(Circle(22.55, east, 0.1),))):
        said = found(area)
        assert (said.area_ids, said.uncertain) == (((THON,), True) if near else ((), False))


@pytest.mark.parametrize(
    ("name", "code", "ids", "uncertain"),
    [
        ("VN-GSO", "02683", (XA,), False),
        ("vn_gso", " 02683 ", (XA,), False),
        ("VN-GSO", "15", ("lao-cai",), False),
        ("somebody's list", "02683", (XA,), True),
        ("SAME", "02683", (), False),
        ("profile:CAP-CP:Location:0.3", "02683", (), False),
        ("VN-GSO", "2683", (), False),
    ],
)
def test_codes(name: str, code: str, ids: tuple[str, ...], uncertain: bool) -> None:
    said = found(CapArea("x", geocodes=(Named(name, code),)))
    assert (said.area_ids, said.uncertain) == (ids, uncertain)


@pytest.mark.parametrize(
    ("description", "ids"),
    [("Xã Bát Xát", (XA,)), ("Bát Xát", (XA,)), ("BAT XAT", (XA,)), ("Thôn", ()), ("", ()), ("Hà Nội", ())],
)
def test_a_name_alone_is_never_certain(description: str, ids: tuple[str, ...]) -> None:
    said = found(CapArea(description))
    assert (said.area_ids, said.uncertain) == (ids, bool(ids))


def test_a_name_does_not_count_where_there_is_a_shape_elsewhere() -> None:
    assert found(CapArea("Xã Bát Xát", circles=(Circle(10.0, 106.0, 5),))).area_ids == ()


def test_what_cannot_be_read_makes_the_rest_uncertain() -> None:
    said = found(CapArea("x", polygons=(AROUND_XA,), unreadable=1))
    assert (said.area_ids, said.uncertain, said.unreadable) == ((XA,), True, 1)
    assert found() == Meant()


def test_the_whole_province_by_one_polygon() -> None:
    head, communes = dataset.province("laocai")
    places = [Place("lao-cai", None, head.name, head.code, head.latitude, head.longitude, wide=True)]
    places += [
        Place(unit.code, "lao-cai", unit.name, unit.code, unit.latitude, unit.longitude) for unit in communes
    ]
    box = ((20.0, 102.0), (20.0, 106.0), (24.0, 106.0), (24.0, 102.0), (20.0, 102.0))
    assert len(meant([CapArea("x", polygons=(box,))], places).area_ids) == 99


@pytest.mark.parametrize("kind", ["tangled", "far"])
def test_the_worst_polygon_over_the_whole_country_takes_no_second(kind: str) -> None:
    chance = random.Random(5)
    corners = [(chance.uniform(21, 23), chance.uniform(103, 105)) for _ in range(34_066)]
    if kind == "far":
        corners = [(latitude - 15, longitude) for latitude, longitude in corners]
    places = [
        Place(f"xa-{number}", None, "Xã", None, chance.uniform(9, 23), chance.uniform(102, 109))
        for number in range(3_400)
    ]
    began_s = time.monotonic()
    meant([CapArea("x", polygons=((*corners, corners[0]),))], places)
    assert time.monotonic() - began_s < 1.0


def test_a_small_polygon_inside_a_known_boundary_is_certain_and_elsewhere_only_near() -> None:
    boundary = shapely.box(103.85, 22.5, 103.95, 22.6)
    told = tuple(replace(place, boundary=boundary) if place.id == XA else place for place in PLACES)
    corner = ((22.59, 103.93), (22.59, 103.94), (22.595, 103.94), (22.59, 103.93))
    inside, point = CapArea("x", polygons=(corner,)), CapArea("x", circles=(Circle(22.59, 103.93, 0.1),))
    for area in (inside, point):
        assert meant((area,), told) == Meant((XA,), drawn=True)
        assert meant((area,), PLACES).uncertain
