"""From what is typed to a draft, back again, and which field an error belongs to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from starlette.datastructures import FormData

from controller.errors import Invalid
from controller.timetable.schemas import ScheduleDraft
from controller.web.schedule_form import FIELD_OF, ScheduleForm
from controller.web.texts import Texts
from schedules import errors
from schedules.rule import Frequency, Rule
from wire.ids import LatenessRule, Priority

NOW = datetime(2026, 11, 23, 16, 59, 30, 250_000, tzinfo=UTC)
"""A quarter of a second past 23:59:30 in Lào Cai."""
FORM = ScheduleForm(area_id="bat-xat-02683", title="Sáng", programme_ids=("p",), start_date="2026-11-24")
DRAFT = ScheduleDraft(
    area_id="bat-xat-02683",
    title="Sáng",
    rule=Rule(frequency=Frequency.DAILY, times=(time(5, 30), time(17, 0)), start_date=date(2026, 11, 24)),
    programme_ids=("p",),
)


FREQUENCY_OF = {
    "in_minutes": "soon",
    "once_date": "once",
    "once_time": "once",
    "weekdays": "weekdays",
    "interval_days": "every_n_days",
    "month_days": "monthly",
}


def test_the_defaults_are_daily_at_half_past_five_and_at_five() -> None:
    assert FORM.draft(NOW, {}) == DRAFT


def test_soon_is_counted_from_now_on_the_wall_and_over_midnight() -> None:
    rule = replace(FORM, frequency="soon", in_minutes="2").draft(NOW, {}).rule
    assert (rule.frequency, rule.start_date) == (Frequency.ONCE, date(2026, 11, 24))
    assert rule.times == (time(0, 1, 30),)


def test_soon_in_another_zone_is_on_that_wall_and_says_so() -> None:
    rule = replace(FORM, frequency="soon", in_minutes="2", zone="Asia/Tokyo").draft(NOW, {}).rule
    assert (rule.times, rule.zone) == ((time(2, 1, 30),), "Asia/Tokyo")
    assert "zone" in replace(FORM, frequency="soon").draft(NOW, {}).rule.model_fields_set


def test_a_zone_that_was_not_named_stays_the_area_s() -> None:
    assert "zone" not in ScheduleForm.of_draft(DRAFT).draft(NOW, {}).rule.model_fields_set


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(errors.UnknownZone):
        replace(FORM, zone="Mặt trăng").draft(NOW, {})


def test_once_takes_its_own_day_and_time() -> None:
    form = replace(FORM, frequency="once", once_date="2026-12-01", once_time="19:45", times=("05:30",))
    rule = form.draft(NOW, {}).rule
    assert (rule.start_date, rule.times, rule.end_date) == (date(2026, 12, 1), (time(19, 45),), None)


def test_a_schedule_without_a_title_is_called_after_its_first_programme() -> None:
    assert replace(FORM, title="").draft(NOW, {"p": "Bản tin sáng"}).title == "Bản tin sáng"
    assert not replace(FORM, title="").draft(NOW, {}).title


def test_without_a_first_day_it_starts_today_on_the_wall() -> None:
    assert replace(FORM, start_date="").draft(NOW, {}).rule.start_date == date(2026, 11, 23)


@pytest.mark.parametrize(
    "rule",
    [
        {"frequency": Frequency.WEEKDAYS, "weekdays": (0, 6), "exceptions": (date(2027, 1, 1),)},
        {"frequency": Frequency.EVERY_N_DAYS, "interval_days": 3, "end_date": date(2027, 5, 1)},
        {"frequency": Frequency.MONTHLY, "month_days": (1, 15, 31)},
        {"frequency": Frequency.ONCE, "times": (time(5, 30, 7),)},
        {"frequency": Frequency.DAILY, "times": (time(5, 30, 30), time(17, 0))},
        {"frequency": Frequency.DAILY, "zone": "Asia/Tokyo"},
        {"frequency": Frequency.ONCE, "times": (time(5, 30),), "zone": "Asia/Tokyo"},
    ],
)
def test_a_draft_comes_back_from_its_form_unchanged(rule: dict[str, Any]) -> None:
    values = {"times": (time(5, 30), time(17, 0)), "start_date": date(2026, 12, 1), **rule}
    draft = DRAFT.model_copy(
        update={
            "rule": Rule(**values),
            "programme_ids": ("b", "a", "b"),
            "repeats": 2,
            "gap_s": 7.5,
            "priority": Priority.PRIORITY,
            "lateness": LatenessRule.SKIP,
            "grace_s": 0.0,
        }
    )
    assert ScheduleForm.of_draft(draft).draft(NOW, {}) == draft


def test_what_is_typed_is_kept_as_typed() -> None:
    typed = FormData(
        [
            ("programme_ids", "a"),
            ("programme_ids", ""),
            ("programme_ids", "b"),
            ("times", " 5 giờ "),
            ("gap_s", "x"),
        ]
    )
    form = ScheduleForm.of_typed(typed)
    assert (form.programme_ids, form.times, form.gap_s) == (("a", "b"), ("5 giờ",), "x")


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("in_minutes", "hai"),
        ("in_minutes", "0"),
        ("in_minutes", "999999999999"),
        ("in_minutes", "9" * 5000),
        ("once_date", "32/13"),
        ("once_time", ""),
        ("times", ("25:00",)),
        ("start_date", "mai"),
        ("end_date", "2026-02-30"),
        ("weekdays", ("x",)),
        ("month_days", ("x",)),
        ("interval_days", ""),
        ("exceptions", ("hôm qua",)),
        ("repeats", "1.5"),
        ("gap_s", "nan"),
        ("gap_s", "1e400"),
        ("volume", "to"),
        ("priority", "21"),
        ("lateness", "never"),
        ("lateness", "continue"),
        ("grace_s", ""),
        ("frequency", "hourly"),
    ],
)
def test_what_cannot_be_read_points_at_its_field(field: str, typed: Any) -> None:
    frequency = FREQUENCY_OF.get(field, "daily")
    form = replace(
        FORM, **{"frequency": frequency, "once_date": "2026-12-01", "once_time": "05:30", field: typed}
    )
    with pytest.raises(Invalid) as refused:
        form.draft(NOW, {})
    assert refused.value.field == field


def test_fields_out_of_sight_do_no_harm() -> None:
    form = replace(FORM, weekdays=("x",), interval_days="", month_days=("x",), in_minutes="", once_date="x")
    assert form.draft(NOW, {}) == DRAFT


def test_every_error_of_a_rule_is_shown_at_a_field_of_the_form() -> None:
    fields = set(ScheduleForm.__dataclass_fields__)
    assert set(FIELD_OF.values()) <= fields
    kinds: list[Callable[..., Exception]] = [
        errors.NoTimes,
        errors.TooManyTimes,
        errors.BadTime,
        errors.BadInterval,
        errors.BadWeekdays,
        errors.BadMonthDays,
        errors.BadYear,
        errors.EndsBeforeItStarts,
        errors.NeverOccurs,
        errors.AlreadyOver,
    ]
    assert {getattr(kind, "key") for kind in kinds} <= set(FIELD_OF)  # noqa: B009


@pytest.mark.parametrize(
    "field",
    [
        "in_minutes",
        "once_date",
        "once_time",
        "interval_days",
        "repeats",
        "gap_s",
        "volume",
        "grace_s",
        "priority",
    ],
)
def test_what_is_missing_has_a_sentence_of_its_own(field: str) -> None:
    given: dict[str, Any] = {
        "once_date": "2026-12-01",
        "once_time": "05:30",
        "frequency": FREQUENCY_OF.get(field, "daily"),
    }
    with pytest.raises(Invalid) as refused:
        replace(FORM, **(given | {field: ""})).draft(NOW, {})
    assert (refused.value.key, refused.value.field) == (f"page_timetable.missing.{field}", field)
    assert Texts().say("vi", refused.value.key).startswith("Chưa")


def test_without_a_programme_nothing_else_is_asked_for() -> None:
    with pytest.raises(Invalid) as refused:
        replace(FORM, programme_ids=(), frequency="once", volume="").draft(NOW, {})
    assert refused.value.key == "timetable.playlist_empty"
