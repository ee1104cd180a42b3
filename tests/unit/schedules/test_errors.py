"""Every error has its sentence in both languages, with nothing left to fill."""

import tomllib
from datetime import date
from pathlib import Path
from string import Formatter

import pytest

from schedules import errors
from schedules.errors import ScheduleError

TEXT = Path(errors.__file__).parents[1] / "controller" / "web" / "text"

EVERY_ERROR = [
    ScheduleError(),
    errors.UnknownZone("x"),
    errors.NoTimes(),
    errors.TooManyTimes(97, 96),
    errors.BadTime("x"),
    errors.BadInterval(0, 366),
    errors.BadWeekdays(),
    errors.BadMonthDays(),
    errors.BadYear(date(26, 1, 1)),
    errors.EndsBeforeItStarts(date(2026, 1, 2), date(2026, 1, 1)),
    errors.NeverOccurs(),
    errors.AlreadyOver(),
    *[
        kind(3, "problem", "field", "value")
        for kind in (
            errors.BadYaml,
            errors.MissingField,
            errors.UnknownField,
            errors.BadValue,
            errors.NoSuchDate,
            errors.RepeatedId,
        )
    ],
]


def catalogue(language: str) -> dict[str, str]:
    return tomllib.loads((TEXT / language / "schedule.toml").read_text(encoding="utf-8"))


def below(kind: type[ScheduleError]) -> set[type[ScheduleError]]:
    return {kind}.union(*(below(child) for child in kind.__subclasses__()))


def test_the_list_here_is_complete() -> None:
    assert {type(error) for error in EVERY_ERROR} == below(ScheduleError)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_has_a_sentence(error: ScheduleError, language: str) -> None:
    section, _, key = error.key.partition(".")
    assert section == "schedule"
    assert "{" not in catalogue(language)[key].format(**error.params)


def test_both_languages_hold_the_same_keys_and_places() -> None:
    assert places(catalogue("vi")) == places(catalogue("en"))


def places(texts: dict[str, str]) -> dict[str, set[str]]:
    return {key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in texts.items()}


def test_the_tree_on_the_first_page_names_every_error() -> None:
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in below(ScheduleError))
