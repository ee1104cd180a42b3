"""Rules expand to the instants that a calendar on the wall would give."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

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
    ScheduleError,
    TooManyTimes,
    UnknownZone,
)
from schedules.rule import Frequency, Rule, days, expand, next_after, to_rrule, validate

ZONES = (
    "Asia/Ho_Chi_Minh",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
)
YEAR_START, YEAR_END = date(2023, 6, 1), date(2025, 6, 1)

dates = st.dates(YEAR_START, YEAR_END)
walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]), st.sampled_from([0, 59]))
moments = st.datetimes(datetime(2023, 5, 1), datetime(2025, 7, 1), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    start = draw(dates)
    return Rule(
        frequency=draw(st.sampled_from(Frequency)),
        times=tuple(draw(st.lists(walls, min_size=1, max_size=4))),
        start_date=start,
        end_date=draw(st.none() | st.dates(start, start + timedelta(days=400))),
        weekdays=tuple(draw(st.lists(st.integers(0, 6), min_size=1))),
        interval_days=draw(st.integers(1, 40)),
        month_days=tuple(draw(st.lists(st.integers(1, 31), min_size=1, max_size=4))),
        exceptions=tuple(draw(st.lists(st.dates(start, start + timedelta(days=60)), max_size=5))),
        zone=draw(st.sampled_from(ZONES)),
    )


def names(rule: Rule, day: date) -> bool:
    """The rule read aloud, one day at a time: the definition that `expand` has to meet."""
    on_calendar = {
        Frequency.ONCE: day == rule.start_date,
        Frequency.DAILY: True,
        Frequency.WEEKDAYS: day.weekday() in rule.weekdays,
        Frequency.EVERY_N_DAYS: (day - rule.start_date).days % rule.interval_days == 0,
        Frequency.MONTHLY: day.day in rule.month_days,
    }[rule.frequency]
    after_end = rule.end_date is not None and day > rule.end_date
    return on_calendar and day >= rule.start_date and not after_end and day not in rule.exceptions


def day_by_day(rule: Rule, since: datetime, until: datetime) -> list[datetime]:
    found: set[datetime] = set()
    day = since.date() - timedelta(days=3)
    while day <= until.date() + timedelta(days=3):
        if names(rule, day):
            wall_times = [datetime.combine(day, wall, ZoneInfo(rule.zone)) for wall in rule.times]
            found.update(moment.astimezone(UTC) for moment in wall_times)
        day += timedelta(days=1)
    return sorted(moment for moment in found if since <= moment < until)


def local(rule: Rule, since: str, until: str) -> list[str]:
    zone = ZoneInfo(rule.zone)
    bounds = [datetime.fromisoformat(text).replace(tzinfo=zone) for text in (since, until)]
    return [moment.astimezone(zone).isoformat() for moment in expand(rule, *bounds)]


def daily(**changes: object) -> Rule:
    return Rule.model_validate(
        {"frequency": "daily", "times": ["05:30", "17:00"], "start_date": "2026-01-01"} | changes
    )


@given(rules(), moments, st.timedeltas(timedelta(0), timedelta(days=90)))
def test_expand_is_the_calendar_read_day_by_day(rule: Rule, since: datetime, length: timedelta) -> None:
    assert list(expand(rule, since, since + length)) == day_by_day(rule, since, since + length)


@given(rules(), moments, st.tuples(*[st.timedeltas(timedelta(0), timedelta(days=60))] * 2))
def test_windows_join_without_a_gap_or_a_repeat(
    rule: Rule, a: datetime, lengths: tuple[timedelta, timedelta]
) -> None:
    b = a + lengths[0]
    c = b + lengths[1]
    assert list(expand(rule, a, c)) == [*expand(rule, a, b), *expand(rule, b, c)]


@given(rules(), moments)
def test_instants_are_utc_in_order_and_each_once(rule: Rule, since: datetime) -> None:
    instants = list(expand(rule, since, since + timedelta(days=60)))
    assert instants == sorted(set(instants))
    assert all(moment.tzinfo is UTC for moment in instants)


@given(rules(), moments)
def test_wall_times_stay_what_they_are_except_inside_a_gap(rule: Rule, since: datetime) -> None:
    zone = ZoneInfo(rule.zone)
    for moment in expand(rule, since, since + timedelta(days=60)):
        wall = moment.astimezone(zone)
        before = wall - (wall.utcoffset() or timedelta()) + _offset_a_day_before(moment, zone)
        assert wall.time() in rule.times or before.time() in rule.times


def _offset_a_day_before(moment: datetime, zone: ZoneInfo) -> timedelta:
    return (moment - timedelta(days=1)).astimezone(zone).utcoffset() or timedelta()


@given(rules(), moments)
def test_next_after_is_the_first_of_expand(rule: Rule, moment: datetime) -> None:
    far = datetime(2200, 2, 1, tzinfo=UTC) if rule.end_date is None else moment + timedelta(days=1200)
    window = moment + timedelta(days=500)
    expected = next(expand(rule, moment, window), None)
    found = next_after(rule, moment)
    assert found == expected or (expected is None and found is not None and window <= found < far)


@given(rules())
def test_a_rule_survives_its_json(rule: Rule) -> None:
    assert Rule.model_validate_json(rule.model_dump_json()) == rule


@given(rules())
def test_to_rrule_means_the_same_to_another_reader(rule: Rule) -> None:
    if next(days(rule.model_copy(update={"exceptions": ()}), rule.start_date, date.max), None) is None:
        return
    since = datetime.combine(rule.start_date, time(), UTC) - timedelta(days=2)
    until = since + timedelta(days=120)
    parsed = rrulestr(to_rrule(rule), tzids=ZoneInfo, forceset=True)
    read = {moment.astimezone(UTC) for moment in parsed.between(since, until, inc=True)}
    assert sorted(moment for moment in read if since <= moment < until) == list(expand(rule, since, until))


def test_the_order_and_repetition_of_times_do_not_matter() -> None:
    assert daily(times=["17:00", "05:30", "17:00"]) == daily()


def test_a_village_day_crosses_midnight_in_utc() -> None:
    found = list(expand(daily(), datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)))
    assert found == [datetime(2026, 3, 1, 10, 0, tzinfo=UTC), datetime(2026, 3, 1, 22, 30, tzinfo=UTC)]


def test_since_is_inside_and_until_is_not() -> None:
    since = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    until = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    assert list(expand(daily(), since, until)) == [since]


def test_midnight_and_the_last_second_belong_to_their_own_day() -> None:
    rule = daily(times=["00:00", "23:59:59"], end_date="2026-01-01")
    assert local(rule, "2025-12-30", "2026-01-05") == [
        "2026-01-01T00:00:00+07:00",
        "2026-01-01T23:59:59+07:00",
    ]


def test_months_without_the_31st_are_passed_over() -> None:
    rule = daily(frequency="monthly", month_days=[31], times=["08:00"])
    found = [text[:10] for text in local(rule, "2026-01-01", "2026-09-01")]
    assert found == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"]


def test_the_leap_day_comes_every_fourth_year() -> None:
    rule = daily(frequency="monthly", month_days=[29], times=["08:00"])
    assert not local(rule, "2027-02-01", "2027-03-01")
    assert local(rule, "2028-02-01", "2028-03-01") == ["2028-02-29T08:00:00+07:00"]


def test_every_three_days_keeps_its_rhythm_over_exceptions_and_years() -> None:
    rule = daily(frequency="every_n_days", interval_days=3, times=["18:00"], exceptions=["2026-01-04"])
    assert [t[:10] for t in local(rule, "2026-01-01", "2026-01-12")] == [
        "2026-01-01",
        "2026-01-07",
        "2026-01-10",
    ]
    far = [date.fromisoformat(text[:10]) for text in local(rule, "2099-05-01", "2099-05-20")]
    assert far and all((day - date(2026, 1, 1)).days % 3 == 0 for day in far)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "expected"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T03:30:00+02:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T02:30:00+02:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T03:30:00-04:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T01:30:00-04:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:10", "2026-10-04T02:40:00+11:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05T01:45:00+11:00"),
    ],
)
def test_a_gap_moves_forward_and_a_repeated_hour_is_the_first(
    zone: str, day: str, wall: str, expected: str
) -> None:
    rule = daily(frequency="once", times=[wall], start_date=day, zone=zone)
    assert local(rule, day, f"{day}T23:00") == [expected]


def test_two_wall_times_that_meet_after_a_gap_sound_once() -> None:
    rule = daily(times=["02:30", "03:30"], zone="Europe/Berlin")
    assert local(rule, "2026-03-29", "2026-03-30") == ["2026-03-29T03:30:00+02:00"]


def test_a_window_decades_away_looks_only_at_its_own_days(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = daily(start_date="2000-01-01")
    named = list(days(rule, date(2190, 1, 1), date(2190, 1, 3)))
    assert named == [date(2190, 1, 1), date(2190, 1, 2), date(2190, 1, 3)]
    looked_at: list[date] = []

    def noon(day: date, wall: time, zone: ZoneInfo) -> datetime:
        looked_at.append(day)
        return datetime.combine(day, time(12), UTC)

    monkeypatch.setattr("schedules.rule.instant", noon)
    list(expand(rule, datetime(2190, 1, 1, tzinfo=UTC), datetime(2190, 1, 3, tzinfo=UTC)))
    assert 0 < len(looked_at) <= 10


def test_naive_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        expand(daily(), datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC))  # noqa: DTZ001


def test_bounds_at_the_ends_of_time_are_survived() -> None:
    rule = daily(frequency="once", zone="America/New_York")
    everything = expand(rule, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert len(list(everything)) == 2


VALID: list[Callable[[], Rule]] = [
    daily,
    lambda: daily(frequency="once", times=["10:02:31"]),
    lambda: daily(frequency="weekdays", weekdays=[5, 6]),
    lambda: daily(frequency="every_n_days", interval_days=3),
    lambda: daily(frequency="monthly", month_days=[31]),
]


@pytest.mark.parametrize("make", VALID)
def test_valid_rules_are_accepted(make: Callable[[], Rule]) -> None:
    validate(make())


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (UnknownZone, {"zone": "Asia/Hanoi_Old"}),
        (UnknownZone, {"zone": "../../etc/passwd"}),
        (UnknownZone, {"zone": "Asia"}),
        (UnknownZone, {"zone": ""}),
        (NoTimes, {"times": []}),
        (TooManyTimes, {"times": [f"{m // 60:02}:{m % 60:02}" for m in range(97)]}),
        (BadTime, {"times": ["05:30:00.5"]}),
        (BadTime, {"times": ["05:30+07:00", "06:00"]}),
        (BadInterval, {"frequency": "every_n_days", "interval_days": 0}),
        (BadInterval, {"frequency": "every_n_days", "interval_days": 367}),
        (BadWeekdays, {"frequency": "weekdays"}),
        (BadWeekdays, {"frequency": "weekdays", "weekdays": [7]}),
        (BadMonthDays, {"frequency": "monthly"}),
        (BadMonthDays, {"frequency": "monthly", "month_days": [0, 1]}),
        (BadYear, {"start_date": "0026-01-01"}),
        (BadYear, {"end_date": "9999-12-31"}),
        (EndsBeforeItStarts, {"end_date": "2025-12-31"}),
        (NeverOccurs, {"frequency": "once", "exceptions": ["2026-01-01"]}),
        (
            NeverOccurs,
            {
                "frequency": "monthly",
                "month_days": [30],
                "start_date": "2026-02-01",
                "end_date": "2026-02-28",
            },
        ),
        (NeverOccurs, {"frequency": "weekdays", "weekdays": [0], "end_date": "2026-01-04"}),
        (NeverOccurs, {"end_date": "2026-01-02", "exceptions": ["2026-01-01", "2026-01-02"]}),
    ],
)
def test_what_must_not_be_saved_is_named(error: type[ScheduleError], changes: dict[str, object]) -> None:
    with pytest.raises(error) as caught:
        validate(daily(**changes))
    assert caught.value.key.startswith("schedule.")


def test_a_rule_whose_last_instant_has_passed_is_already_over() -> None:
    rule = daily(frequency="once", times=["10:00"])
    validate(rule, after=datetime(2026, 1, 1, 3, 0, tzinfo=UTC))
    with pytest.raises(AlreadyOver):
        validate(rule, after=datetime(2026, 1, 1, 3, 0, 1, tzinfo=UTC))


def test_a_rule_that_may_not_be_saved_is_not_expanded_either() -> None:
    with pytest.raises(BadInterval):
        expand(
            daily(frequency="every_n_days", interval_days=0),
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2026, 1, 2, tzinfo=UTC),
        )


def test_rrule_text_of_a_plain_day() -> None:
    rule = daily(end_date="2026-12-31", exceptions=["2026-02-17"])
    assert to_rrule(rule).splitlines() == [
        "DTSTART;TZID=Asia/Ho_Chi_Minh:20260101T053000",
        "RRULE:FREQ=DAILY;UNTIL=20261231T100000Z;BYHOUR=5;BYMINUTE=30;BYSECOND=0",
        "RRULE:FREQ=DAILY;UNTIL=20261231T100000Z;BYHOUR=17;BYMINUTE=0;BYSECOND=0",
        "EXDATE;TZID=Asia/Ho_Chi_Minh:20260217T053000,20260217T170000",
    ]
