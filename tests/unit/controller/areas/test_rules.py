"""Ids from Vietnamese names."""

import re

import pytest

from controller.areas.rules import area_id, short_slug, slug
from wire.ids import AREA_PATTERN


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bát Xát", "bat-xat"),
        ("Xã Đồng Tuyển", "xa-dong-tuyen"),
        ("  Tổ dân phố số 7 ", "to-dan-pho-so-7"),
        ("Phường Ô Quý Hồ", "phuong-o-quy-ho"),
        ("…", ""),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_short_slug_drops_only_the_word_for_the_level() -> None:
    assert short_slug("Xã Bát Xát") == "bat-xat"
    assert short_slug("Phường Sa Pa") == "sa-pa"
    assert short_slug("Xá Nhè") == "nhe"
    assert short_slug("Bản Xèo") == "ban-xeo"


@pytest.mark.parametrize(
    ("name", "code", "parent"),
    [
        ("Xã Bát Xát", "02683", "lao-cai"),
        ("Thôn 1", None, "bat-xat-02683"),
        ("Thôn " + "dài " * 60, None, "b" * 63),
        ("Xã " + "dài " * 60, "02683", "b" * 63),
        ("Tỉnh Lào Cai", None, None),
    ],
)
def test_every_id_fits_on_the_wire(name: str, code: str | None, parent: str | None) -> None:
    assert re.fullmatch(AREA_PATTERN, area_id(name, code, parent))


def test_villages_of_one_name_in_two_communes_have_two_ids() -> None:
    assert area_id("Thôn 1", None, "bat-xat-02683") != area_id("Thôn 1", None, "muong-hum-02728")
