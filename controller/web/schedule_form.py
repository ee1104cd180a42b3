"""A schedule as it is typed into a form, and the draft that it means. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Self

from starlette.datastructures import FormData

from controller.errors import Invalid
from controller.timetable.schemas import ScheduleDraft
from controller.web.forms import text, texts
from schedules.rule import DEFAULT_ZONE, Frequency, Rule
from schedules.wall import zone_of
from wire.ids import TIMETABLE_LATENESS, LatenessRule, Priority

SOON: Final = "soon"
"""Once, so many minutes from the moment it is saved."""
MINUTES_LIMIT: Final = 1440
FREQUENCIES: Final = (SOON, *(frequency.value for frequency in Frequency))
FIELD_OF: Final = {
    "schedule.no_times": "times",
    "schedule.too_many_times": "times",
    "schedule.bad_time": "times",
    "schedule.bad_interval": "interval_days",
    "schedule.bad_weekdays": "weekdays",
    "schedule.bad_month_days": "month_days",
    "schedule.bad_year": "start_date",
    "schedule.ends_before_it_starts": "end_date",
    "schedule.never_occurs": "frequency",
    "schedule.already_over": "frequency",
    "schedule.unknown_zone": "area_id",
}
"""Which field to show an error of the time rules at."""


@dataclass(frozen=True)
class ScheduleForm:
    """Every field as text, so that what a person typed comes back as it was."""

    area_id: str = ""
    title: str = ""
    programme_ids: tuple[str, ...] = ()
    frequency: str = Frequency.DAILY.value
    in_minutes: str = "2"
    once_date: str = ""
    once_time: str = ""
    times: tuple[str, ...] = ("05:30", "17:00")
    weekdays: tuple[str, ...] = ()
    interval_days: str = "2"
    month_days: tuple[str, ...] = ()
    start_date: str = ""
    end_date: str = ""
    exceptions: tuple[str, ...] = ()
    repeats: str = "1"
    gap_s: str = "0"
    priority: str = str(Priority.NORMAL.value)
    volume: str = "80"
    lateness: str = LatenessRule.RESUME.value
    grace_s: str = "10"
    zone: str = ""
    """Of a schedule that is being changed; empty for the area's own."""
    seen: str = ""
    """The conflicts that were on the screen when it was sent."""

    @classmethod
    def of_typed(cls, typed: FormData) -> Self:
        lists = ("programme_ids", "times", "weekdays", "month_days", "exceptions")
        fields: dict[str, Any] = {name: text(typed, name) for name in cls.__dataclass_fields__}
        return cls(**fields | {name: tuple(texts(typed, name)) for name in lists})

    @classmethod
    def of_draft(cls, draft: ScheduleDraft) -> Self:
        rule = draft.rule
        once = rule.frequency is Frequency.ONCE
        return cls(
            area_id=draft.area_id,
            title=draft.title,
            programme_ids=draft.programme_ids,
            frequency=rule.frequency.value,
            once_date=rule.start_date.isoformat() if once else "",
            once_time=_typed(rule.times[0]) if once else "",
            times=tuple(map(_typed, rule.times)),
            weekdays=tuple(map(str, rule.weekdays)),
            interval_days=str(rule.interval_days if rule.frequency is Frequency.EVERY_N_DAYS else 2),
            month_days=tuple(map(str, rule.month_days)),
            start_date=rule.start_date.isoformat(),
            end_date=rule.end_date.isoformat() if rule.end_date else "",
            exceptions=tuple(day.isoformat() for day in rule.exceptions),
            repeats=str(draft.repeats),
            gap_s=f"{draft.gap_s:g}",
            priority=str(draft.priority.value),
            volume=str(draft.volume),
            lateness=draft.lateness.value,
            grace_s=f"{draft.grace_s:g}",
            zone=rule.zone if "zone" in rule.model_fields_set else "",
        )

    def draft(self, now: datetime, titles: Mapping[str, str]) -> ScheduleDraft:
        """`titles` by programme: a schedule without a title is called after its first programme.

        Raises Invalid for a playlist without a programme, the first thing to say, and for what is not even
        a number, a day or a time.
        """
        if not self.programme_ids:
            raise Invalid("timetable.playlist_empty", field="programme_ids")
        return ScheduleDraft(
            area_id=self.area_id,
            title=self.title or titles.get(self.programme_ids[0], ""),
            rule=self._rule(now),
            programme_ids=self.programme_ids,
            repeats=_whole(self.repeats, "repeats"),
            gap_s=_number(self.gap_s, "gap_s"),
            priority=_priority(self.priority),
            volume=_whole(self.volume, "volume"),
            lateness=_lateness(self.lateness),
            grace_s=_number(self.grace_s, "grace_s"),
        )

    def _rule(self, now: datetime) -> Rule:
        wall = now.astimezone(zone_of(self.zone or DEFAULT_ZONE))
        named = {"zone": self.zone} if self.zone else {}
        if self.frequency == SOON:
            start = wall + timedelta(minutes=_minutes(self.in_minutes))
            return Rule(
                frequency=Frequency.ONCE,
                times=(start.time().replace(microsecond=0),),
                start_date=start.date(),
                zone=self.zone or DEFAULT_ZONE,
            )
        if self.frequency == Frequency.ONCE:
            day = _day(_given(self.once_date, "once_date"), "once_date")
            moments = (_time(_given(self.once_time, "once_time"), "once_time"),)
            return Rule(frequency=Frequency.ONCE, times=moments, start_date=day, **named)
        frequency = _frequency(self.frequency)
        return Rule(
            frequency=frequency,
            times=tuple(_time(value, "times") for value in self.times),
            start_date=_day(self.start_date, "start_date") if self.start_date else wall.date(),
            end_date=_day(self.end_date, "end_date") if self.end_date else None,
            exceptions=tuple(_day(value, "exceptions") for value in self.exceptions),
            **self._days(frequency),
            **named,
        )

    def _days(self, frequency: Frequency) -> dict[str, Any]:
        """Only what the chosen frequency asks for: the other fields are out of sight."""
        match frequency:
            case Frequency.WEEKDAYS:
                return {"weekdays": tuple(_whole(value, "weekdays") for value in self.weekdays)}
            case Frequency.EVERY_N_DAYS:
                return {"interval_days": _whole(self.interval_days, "interval_days")}
            case Frequency.MONTHLY:
                return {"month_days": tuple(_whole(value, "month_days") for value in self.month_days)}
            case _:
                return {}


def _frequency(value: str) -> Frequency:
    try:
        return Frequency(value)
    except ValueError as error:
        raise Invalid("page_timetable.frequency_missing", field="frequency") from error


def _priority(value: str) -> Priority:
    try:
        return Priority(_whole(value, "priority"))
    except ValueError as error:
        raise Invalid("page_timetable.bad_number", field="priority", typed=value[:20]) from error


def _lateness(value: str) -> LatenessRule:
    if value not in TIMETABLE_LATENESS:
        raise Invalid("page_timetable.lateness_missing", field="lateness")
    return LatenessRule(value)


def _minutes(value: str) -> int:
    minutes = _whole(value, "in_minutes")
    if not 1 <= minutes <= MINUTES_LIMIT:
        raise Invalid("page_timetable.bad_minutes", field="in_minutes", limit=MINUTES_LIMIT)
    return minutes


def _typed(wall: time) -> str:
    """As a time field shows it: with seconds only where there are some."""
    return wall.isoformat("seconds" if wall.second else "minutes")


def _given(value: str, field: str) -> str:
    """Raises Invalid that names the field, if nothing stands there."""
    if not value:
        raise Invalid(f"page_timetable.missing.{field}", field=field)
    return value


def _whole(value: str, field: str) -> int:
    try:
        return int(_given(value, field))
    except ValueError as error:
        raise Invalid("page_timetable.bad_number", field=field, typed=value[:20]) from error


def _number(value: str, field: str) -> float:
    try:
        number = float(_given(value, field).replace(",", "."))
    except ValueError as error:
        raise Invalid("page_timetable.bad_number", field=field, typed=value[:20]) from error
    if not abs(number) < 1e9:
        raise Invalid("page_timetable.bad_number", field=field, typed=value[:20])
    return number


def _day(value: str, field: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Invalid("page_timetable.bad_day", field=field, typed=value[:20]) from error


def _time(value: str, field: str) -> time:
    try:
        return time.fromisoformat(value)
    except ValueError as error:
        raise Invalid("page_timetable.bad_time", field=field, typed=value[:20]) from error
