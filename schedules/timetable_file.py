"""Timetables as YAML files: programmes by id, and the schedules that put them on the air.

The only module here that needs PyYAML; a station does not have it.
"""

import re
from collections.abc import Iterable
from datetime import date, time
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from schedules.category import Category
from schedules.errors import RepeatedId, ScheduleError
from schedules.marked_yaml import MarkedYaml
from schedules.rule import DEFAULT_ZONE, Frequency, Rule, validate
from wire.ids import AreaId, LatenessRule, Priority, ScheduleId, TimetableLateness

_WEEKDAYS = {name: str(day) for day, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_PRIORITIES = {
    "relay": Priority.RELAY,
    "normal": Priority.NORMAL,
    "priority": Priority.PRIORITY,
}


def _wall_time(text: str) -> time:
    if not re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
        raise ValueError("not HH:MM or HH:MM:SS")
    return time.fromisoformat(text.zfill(8 if text.count(":") == 2 else 5))


def _calendar_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError("not YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("no_such_date", "no such date") from error


def _inside_folder(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text:
        raise ValueError("not a path beside the timetable file")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004 (pydantic reports only ValueError)
    return value


def _list_or_nothing(value: object) -> object:
    return () if value is None else value


Wall = Annotated[time, BeforeValidator(lambda value: _wall_time(_text(value)))]
Day = Annotated[date, BeforeValidator(lambda value: _calendar_date(_text(value)))]
Weekday = Annotated[int, BeforeValidator(lambda value: _WEEKDAYS.get(_text(value).lower(), value))]
Class = Annotated[Priority, BeforeValidator(lambda value: _PRIORITIES.get(_text(value)))]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Days = Annotated[tuple[Day, ...], BeforeValidator(_list_or_nothing)]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class ProgrammeEntry(_Entry):
    """`sound` is a path relative to the file, `speech` a text to be read aloud.

    Without either, the programme is in the library already. Without `area`, it belongs to the area of the
    first schedule that plays it.
    """

    id: ScheduleId
    title: Text
    area: AreaId | None = None
    category: Category = Category.GENERAL
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "vi"
    sound: Annotated[str, AfterValidator(_inside_folder), Field(min_length=1, max_length=200)] | None = None
    speech: Annotated[str, Field(min_length=1, max_length=20_000)] | None = None


class ScheduleEntry(_Entry):
    """`weekdays` are numbers from 0 (Monday) or mon, tue, …; `volume` is in percent."""

    id: ScheduleId
    title: Text
    area: AreaId
    programmes: Annotated[tuple[ScheduleId, ...], Field(min_length=1, max_length=100)]
    frequency: Frequency
    times: tuple[Wall, ...]
    start_date: Day
    end_date: Day | None = None
    weekdays: tuple[Weekday, ...] = ()
    interval_days: int = 1
    month_days: tuple[int, ...] = ()
    exceptions: Days = ()
    zone: str = DEFAULT_ZONE
    priority: Class = Priority.NORMAL
    volume: Annotated[int, Field(ge=0, le=100)] = 80
    lateness: TimetableLateness = LatenessRule.RESUME
    grace_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 10.0
    repeats: Annotated[int, Field(ge=1, le=20)] = 1
    gap_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0.0

    @property
    def rule(self) -> Rule:
        return Rule.model_validate({name: getattr(self, name) for name in Rule.model_fields})


class TimetableFile(_Entry):
    programmes: tuple[ProgrammeEntry, ...] = ()
    schedules: tuple[ScheduleEntry, ...] = ()

    def area_of(self, programme: ProgrammeEntry) -> AreaId | None:
        playing = (entry.area for entry in self.schedules if programme.id in entry.programmes)
        return programme.area or next(playing, None)


def load(text: str) -> TimetableFile:
    """Raises `BadYaml` for a file that is not a timetable, and what `validate` raises for a rule in it.

    Either names the line in its params; an error of a rule also names the `schedule`.
    """
    document = MarkedYaml(text)
    try:
        timetable = TimetableFile.model_validate(document.content)
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        raise document.complaint(first["loc"], first["type"], first.get("input"), first["msg"]) from error
    _refuse_repeated(document, "programmes", [entry.id for entry in timetable.programmes])
    _refuse_repeated(document, "schedules", [entry.id for entry in timetable.schedules])
    for index, entry in enumerate(timetable.schedules):
        _validate_rule(document, index, entry)
    return timetable


def _refuse_repeated(document: MarkedYaml, section: str, ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for index, id_ in enumerate(ids):
        if id_ in seen:
            line = document.line_of((section, index, "id"))
            raise RepeatedId(line, field=f"{section}.{index}.id", value=id_)
        seen.add(id_)


def _validate_rule(document: MarkedYaml, index: int, entry: ScheduleEntry) -> None:
    try:
        validate(entry.rule)
    except ScheduleError as error:
        error.params = {**error.params, "line": document.line_of(("schedules", index)), "schedule": entry.id}
        raise
