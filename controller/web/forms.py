"""What pages and forms share: problems beside their fields, and areas to choose from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import FormData

from audio_library import SoundError
from controller.areas.tables import Area
from controller.errors import Invalid, LoabanError
from controller.web.page import Page
from schedules.errors import ScheduleError

Refused: Final = (LoabanError, ScheduleError, SoundError)
"""What a form can be refused with; everything else is a fault of ours."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A sentence, and the name of the field to show it at."""

    sentence: str
    field: str | None


def problem(
    page: Page, error: LoabanError | ScheduleError | SoundError, fields: Mapping[str, str] | None = None
) -> Problem:
    """`fields` says which field an error key belongs to, where the error itself does not."""
    named = getattr(error, "field", None)
    return Problem(page.say(error.key, **error.params), named or (fields or {}).get(error.key))


def status_of(error: LoabanError | ScheduleError | SoundError) -> int:
    return error.status if isinstance(error, LoabanError) else Invalid.status


def text(typed: FormData, name: str) -> str:
    """A field as typed; empty if it was not sent, or is a file."""
    value = typed.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts(typed: FormData, name: str) -> list[str]:
    """Every filled-in field of that name, in order."""
    return [value.strip() for value in typed.getlist(name) if isinstance(value, str) and value.strip()]


@dataclass(frozen=True, slots=True)
class AreaChoice:
    """`depth` counts from the widest area on offer."""

    id: str
    name: str
    depth: int


def area_choices(areas: Iterable[Area]) -> list[AreaChoice]:
    """Every area right below the one that contains it; neighbours by name."""
    known = {area.id: area for area in areas}
    below: dict[str | None, list[Area]] = {}
    for area in sorted(known.values(), key=lambda area: area.name):
        below.setdefault(area.parent_id if area.parent_id in known else None, []).append(area)
    return list(_walk(below, None, 0))


def _walk(below: Mapping[str | None, list[Area]], parent: str | None, depth: int) -> Iterable[AreaChoice]:
    for area in below.get(parent, ()):
        yield AreaChoice(area.id, area.name, depth)
        yield from _walk(below, area.id, depth + 1)
