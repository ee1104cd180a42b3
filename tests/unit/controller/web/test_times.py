"""Times as they are read: dates, lengths, and how long ago."""

from datetime import UTC, date, datetime, timedelta

import pytest

from controller.web import times
from controller.web.texts import Texts

TEXTS = Texts()
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def vi(key: str, **params: object) -> str:
    return TEXTS.say("vi", key, **params)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 giây"),
        (0.4, "0 giây"),
        (59.6, "1 phút"),
        (60, "1 phút"),
        (192, "3 phút 12 giây"),
        (3600, "1 giờ"),
        (3725, "1 giờ 2 phút"),
        (90_000, "25 giờ"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert times.duration(vi, seconds) == words


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=12), "12 giây trước"),
        (timedelta(minutes=3, seconds=59), "3 phút trước"),
        (timedelta(hours=2), "2 giờ trước"),
        (timedelta(days=5), "5 ngày trước"),
        (timedelta(seconds=-5), "0 giây trước"),
    ],
)
def test_how_long_ago(before: timedelta, words: str) -> None:
    assert times.ago(vi, NOW, NOW - before) == words


def test_a_moment_is_told_in_the_area_s_zone() -> None:
    assert times.moment_text(datetime(2026, 11, 22, 22, 30, 7, tzinfo=UTC)) == "05:30, 23/11/2026"
    assert times.clock(datetime(2026, 11, 22, 22, 30, 7, tzinfo=UTC)) == "05:30:07"
    assert times.clock(datetime(2026, 11, 22, 22, 30, tzinfo=UTC)) == "05:30"


def test_a_start_a_hair_early_is_told_on_its_second() -> None:
    assert times.to_the_second(datetime(2026, 11, 22, 22, 29, 59, 999_400, tzinfo=UTC)) == "05:30:00"
    assert times.to_the_second(datetime(2026, 11, 22, 22, 30, 0, 400, tzinfo=UTC)) == "05:30:00"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 22), "Hôm qua, 22/11/2026"),
        (date(2026, 11, 23), "Hôm nay, 23/11/2026"),
        (date(2026, 11, 24), "Ngày mai, 24/11/2026"),
        (date(2026, 11, 29), "Chủ nhật, 29/11/2026"),
    ],
)
def test_names_of_days(day: date, words: str) -> None:
    assert times.day_name(vi, day, date(2026, 11, 23)) == words


def test_what_is_left() -> None:
    assert times.until(vi, NOW, NOW + timedelta(seconds=192)) == "còn 3 phút 12 giây"
    assert times.until(vi, NOW, NOW - timedelta(seconds=1)) == "còn 0 giây"


def test_decimals_have_the_reader_s_mark() -> None:
    assert times.decimal("vi", -16.04) == "−16,0"
    assert times.decimal("en", -16.04) == "−16.0"


def test_seconds_are_rounded_and_shown_only_where_there_are_some() -> None:
    almost = datetime(2026, 11, 22, 16, 59, 59, 600_000, tzinfo=UTC)
    assert times.clock(almost) == "00:00"
    assert times.start_text(almost) == "00:00, 23/11/2026"
    assert times.start_text(almost + timedelta(seconds=7)) == "00:00:07, 23/11/2026"
