"""One station at a real broker, with a real web server for sound and a centre that signs."""

from tests.support.one_station import (
    broker,
    centre,
    make_sound,
    make_station,
    match,
    media,
    outcomes,
    soon,
    wait_for,
)

__all__ = [
    "broker",
    "centre",
    "make_sound",
    "make_station",
    "match",
    "media",
    "outcomes",
    "soon",
    "wait_for",
]
