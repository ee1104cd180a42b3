"""Areas in the order of their tree, and paths that stay on this site."""

import pytest

from controller.areas.tables import Area, AreaLevel
from controller.web.forms import area_choices
from controller.web.pages.errors import safe_path


def test_areas_stand_below_the_area_that_contains_them() -> None:
    tree = [
        ("xa-b", "tinh", "Xã B"),
        ("thon-1", "xa-a", "Thôn 1"),
        ("xa-a", "tinh", "Xã A"),
        ("la", "khac", "Lạ"),
    ]
    areas = [Area(id=id_, parent_id=parent, name=name, level=AreaLevel.COMMUNE) for id_, parent, name in tree]
    assert [(choice.id, choice.depth) for choice in area_choices(areas)] == [
        ("la", 0),
        ("xa-a", 0),
        ("thon-1", 1),
        ("xa-b", 0),
    ]


@pytest.mark.parametrize("path", ["/", "/lich-phat?xem=1", "/luot-phat/a@20261123T000000Z"])
def test_paths_of_ours_are_followed(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x",
    ],
)
def test_paths_that_lead_away_become_the_front_page(path: str) -> None:
    assert safe_path(path) == "/"
