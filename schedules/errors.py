"""Why a rule or a timetable was refused. `key` names a sentence in the catalogues, `params` fill it.

ScheduleError
├── UnknownZone           no such zone in the IANA database
├── NoTimes               no time of day was given
├── TooManyTimes          more times a day than anybody can listen to
├── BadTime               a time of day with a zone or with parts of a second
├── BadInterval           every n days, n outside 1..366
├── BadWeekdays           none chosen, or outside 0 (Monday) .. 6
├── BadMonthDays          none chosen, or outside 1..31
├── BadYear               a date outside 2000..2199, most often a slip of the finger
├── EndsBeforeItStarts    the last day lies before the first
├── NeverOccurs           no day is left: the 30th in a February, all days excepted, ...
├── AlreadyOver           its last instant has passed
└── BadYaml               a timetable file that cannot be read; names the line
    ├── MissingField      a field that must be there is not
    ├── UnknownField      a field that nobody knows, most often misspelt
    ├── BadValue          a value that its field cannot hold
    ├── NoSuchDate        a date that is in no calendar: 2026-02-30
    └── RepeatedId        two programmes or two schedules with one id
"""

from collections.abc import Mapping
from datetime import date


def _as_written(day: date) -> str:
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


class ScheduleError(Exception):
    """A rule or a timetable that must not be saved."""

    key = "schedule.error"

    def __init__(self, **params: object) -> None:
        super().__init__(self.key, params)
        self.params: Mapping[str, object] = params


class UnknownZone(ScheduleError):
    key = "schedule.unknown_zone"

    def __init__(self, zone: str) -> None:
        super().__init__(zone=zone)


class NoTimes(ScheduleError):
    key = "schedule.no_times"


class TooManyTimes(ScheduleError):
    key = "schedule.too_many_times"

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(count=count, limit=limit)


class BadTime(ScheduleError):
    key = "schedule.bad_time"

    def __init__(self, time: str) -> None:
        super().__init__(time=time)


class BadInterval(ScheduleError):
    key = "schedule.bad_interval"

    def __init__(self, days: int, limit: int) -> None:
        super().__init__(days=days, limit=limit)


class BadWeekdays(ScheduleError):
    key = "schedule.bad_weekdays"


class BadMonthDays(ScheduleError):
    key = "schedule.bad_month_days"


class BadYear(ScheduleError):
    key = "schedule.bad_year"

    def __init__(self, day: date) -> None:
        super().__init__(date=_as_written(day))


class EndsBeforeItStarts(ScheduleError):
    key = "schedule.ends_before_it_starts"

    def __init__(self, start: date, end: date) -> None:
        super().__init__(start=_as_written(start), end=_as_written(end))


class NeverOccurs(ScheduleError):
    key = "schedule.never_occurs"


class AlreadyOver(ScheduleError):
    key = "schedule.already_over"


class BadYaml(ScheduleError):
    """`line` counts from 1; `field` is a dotted path; `problem` is the parser's own remark, for logs."""

    key = "schedule.bad_yaml"

    def __init__(self, line: int, problem: str = "", field: str = "", value: str = "") -> None:
        super().__init__(line=line, field=field, value=value, problem=problem)


class MissingField(BadYaml):
    key = "schedule.missing_field"


class UnknownField(BadYaml):
    key = "schedule.unknown_field"


class BadValue(BadYaml):
    key = "schedule.bad_value"


class NoSuchDate(BadYaml):
    key = "schedule.no_such_date"


class RepeatedId(BadYaml):
    key = "schedule.repeated_id"
