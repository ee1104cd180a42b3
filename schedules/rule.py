"""When a schedule sounds: wall times on the days of a calendar rule, expanded to UTC instants."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule
from pydantic import AfterValidator, BaseModel, ConfigDict

from schedules.errors import (
    AlreadyOver,
    BadInterval,
    BadMonthDays,
    BadTime,
    BadWeekdays,
    BadYear,
    EndsBeforeItStarts,
    NeverOccurs,
    NoTimes,
    TooManyTimes,
)
from schedules.wall import instant, zone_of

DEFAULT_ZONE = "Asia/Ho_Chi_Minh"
TIMES_A_DAY_LIMIT = 96
INTERVAL_LIMIT_DAYS = 366
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2199, 12, 31)

_ONE_DAY = timedelta(days=1)
_EARLIEST = datetime(1999, 12, 1, tzinfo=UTC)
_LATEST = datetime(2200, 2, 1, tzinfo=UTC)


class Frequency(StrEnum):
    """Which days a rule names."""

    ONCE = "once"
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    EVERY_N_DAYS = "every_n_days"
    MONTHLY = "monthly"


def _times_in_order(times: tuple[time, ...]) -> tuple[time, ...]:
    return tuple(sorted(set(times), key=time.isoformat))


def _days_in_order(days: tuple[date, ...]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))


def _numbers_in_order(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(set(numbers)))


Numbers = Annotated[tuple[int, ...], AfterValidator(_numbers_in_order)]


class Rule(BaseModel):
    """A value: two rules that name the same days and times in another order are equal.

    Holds whatever a form can hold; `validate` says whether it may be saved. Weekday 0 is Monday. `end_date`
    is the last day, inclusive. `interval_days` counts from `start_date`. A month without a day of
    `month_days` is passed over. *Once* is the single day `start_date`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frequency: Frequency
    times: Annotated[tuple[time, ...], AfterValidator(_times_in_order)]
    start_date: date
    end_date: date | None = None
    weekdays: Numbers = ()
    interval_days: int = 1
    month_days: Numbers = ()
    exceptions: Annotated[tuple[date, ...], AfterValidator(_days_in_order)] = ()
    zone: str = DEFAULT_ZONE

    @property
    def last_day(self) -> date:
        if self.frequency is Frequency.ONCE:
            return self.start_date
        return min(self.end_date or LAST_DAY, LAST_DAY)


def expand(rule: Rule, since: datetime, until: datetime) -> Iterator[datetime]:
    """Aware UTC instants with since <= instant < until, in order, each once; none outside 2000..2199.

    Raises ValueError for a naive bound, `UnknownZone`, and what `days` raises.
    """
    if since.tzinfo is None or until.tzinfo is None:
        raise ValueError("naive datetime")
    since, until = max(since, _EARLIEST), min(until, _LATEST)
    zone = zone_of(rule.zone)
    # A gap or a repeated hour near midnight can carry an instant over to a neighbouring day.
    first = since.astimezone(zone).date() - _ONE_DAY
    last = until.astimezone(zone).date() + _ONE_DAY
    instants = {instant(day, wall, zone) for day in days(rule, first, last) for wall in rule.times}
    return iter(sorted(moment for moment in instants if since <= moment < until))


def next_after(rule: Rule, moment: datetime) -> datetime | None:
    """The first instant at or after `moment`; None when there is none. Raises as `expand`."""
    zone = zone_of(rule.zone)
    near = max(moment, _EARLIEST).astimezone(zone).date() - _ONE_DAY
    for day in days(rule, near, LAST_DAY):
        if any(instant(day, wall, zone) >= moment for wall in rule.times):
            end = datetime.combine(day, time(), tzinfo=zone) + 3 * _ONE_DAY
            return next(expand(rule, moment, end))
    return None


def days(rule: Rule, first: date, last: date) -> Iterator[date]:
    """The rule's days within first..last, both inclusive, without its exceptions.

    Raises `BadInterval`, `BadWeekdays` or `BadMonthDays`.
    """
    _validate_days(rule)
    start = _aligned(rule, max(first, rule.start_date))
    last = min(last, rule.last_day)
    if start > last:
        return
    exceptions = frozenset(rule.exceptions)
    for midnight in _calendar(rule, start, last):
        if midnight.date() not in exceptions:
            yield midnight.date()


def _calendar(rule: Rule, start: date, last: date) -> rrule:
    dtstart, until = (datetime.combine(day, time(), tzinfo=UTC) for day in (start, last))
    match rule.frequency:
        case Frequency.WEEKDAYS:
            return rrule(WEEKLY, dtstart=dtstart, until=until, byweekday=rule.weekdays)
        case Frequency.MONTHLY:
            return rrule(MONTHLY, dtstart=dtstart, until=until, bymonthday=rule.month_days)
        case Frequency.EVERY_N_DAYS:
            return rrule(DAILY, dtstart=dtstart, until=until, interval=rule.interval_days)
        case _:
            return rrule(DAILY, dtstart=dtstart, until=until)


def _aligned(rule: Rule, day: date) -> date:
    """The first day of the rule's rhythm not before `day`: a far window costs no more than a near one."""
    if rule.frequency is not Frequency.EVERY_N_DAYS:
        return day
    return day + timedelta(days=-(day - rule.start_date).days % rule.interval_days)


def validate(rule: Rule, after: datetime | None = None) -> None:
    """Raises the `ScheduleError` that names what must be changed.

    `AlreadyOver` only with `after`: the rule names no instant from there on.
    """
    zone_of(rule.zone)
    _validate_times(rule)
    _validate_days(rule)
    _validate_range(rule)
    if next(days(rule, rule.start_date, LAST_DAY), None) is None:
        raise NeverOccurs
    if after is not None and next_after(rule, after) is None:
        raise AlreadyOver


def _validate_times(rule: Rule) -> None:
    if not rule.times:
        raise NoTimes
    if len(rule.times) > TIMES_A_DAY_LIMIT:
        raise TooManyTimes(len(rule.times), TIMES_A_DAY_LIMIT)
    for wall in rule.times:
        if wall.tzinfo is not None or wall.microsecond:
            raise BadTime(wall.isoformat())


def _validate_days(rule: Rule) -> None:
    match rule.frequency:
        case Frequency.WEEKDAYS if not _all_within(rule.weekdays, 0, 6):
            raise BadWeekdays
        case Frequency.MONTHLY if not _all_within(rule.month_days, 1, 31):
            raise BadMonthDays
        case Frequency.EVERY_N_DAYS if not 1 <= rule.interval_days <= INTERVAL_LIMIT_DAYS:
            raise BadInterval(rule.interval_days, INTERVAL_LIMIT_DAYS)


def _all_within(numbers: tuple[int, ...], low: int, high: int) -> bool:
    return bool(numbers) and all(low <= number <= high for number in numbers)


def _validate_range(rule: Rule) -> None:
    for day in (rule.start_date, rule.end_date or rule.start_date):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise BadYear(day)
    if rule.end_date is not None and rule.end_date < rule.start_date:
        raise EndsBeforeItStarts(rule.start_date, rule.end_date)


_FREQ = {
    Frequency.WEEKDAYS: "FREQ=WEEKLY;BYDAY={weekdays}",
    Frequency.MONTHLY: "FREQ=MONTHLY;BYMONTHDAY={month_days}",
    Frequency.EVERY_N_DAYS: "FREQ=DAILY;INTERVAL={interval_days}",
}
_WEEKDAY_NAMES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def to_rrule(rule: Rule) -> str:
    """RFC 5545 text: DTSTART, one RRULE for each minute of the hour in use, EXDATE.

    The rule must be valid.
    """
    start = next(days(rule.model_copy(update={"exceptions": ()}), rule.start_date, LAST_DAY))
    lines = [f"DTSTART;TZID={rule.zone}:{_stamp(start, rule.times[0])}"]
    lines += [f"RRULE:{_recurrence(rule)};{clock}" for clock in _by_clock(rule.times)]
    skipped = [_stamp(day, wall) for day in rule.exceptions for wall in rule.times]
    return "\n".join(lines + ([f"EXDATE;TZID={rule.zone}:{','.join(skipped)}"] if skipped else []))


def _recurrence(rule: Rule) -> str:
    text = _FREQ.get(rule.frequency, "FREQ=DAILY").format(
        weekdays=",".join(_WEEKDAY_NAMES[day] for day in rule.weekdays),
        month_days=",".join(map(str, rule.month_days)),
        interval_days=rule.interval_days,
    )
    if rule.end_date is None and rule.frequency is not Frequency.ONCE:
        return text
    zone = zone_of(rule.zone)
    last = max(instant(rule.last_day, wall, zone) for wall in rule.times)
    return f"{text};UNTIL={last:%Y%m%dT%H%M%SZ}"


def _by_clock(times: tuple[time, ...]) -> list[str]:
    hours: dict[tuple[int, int], list[str]] = {}
    for wall in times:
        hours.setdefault((wall.minute, wall.second), []).append(str(wall.hour))
    return [f"BYHOUR={','.join(h)};BYMINUTE={m};BYSECOND={s}" for (m, s), h in hours.items()]


def _stamp(day: date, wall: time) -> str:
    return f"{day:%Y%m%d}T{wall:%H%M%S}"
