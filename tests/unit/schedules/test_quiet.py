"""Quiet hours on the wall clock, over midnight and over changes of the clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.errors import UnknownZone
from schedules.quiet import QuietWindow, silence_after

VILLAGE = "Asia/Ho_Chi_Minh"
ZONES = (VILLAGE, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
NIGHT = QuietWindow(time(22), time(5), VILLAGE)

walls = st.times().map(lambda wall: wall.replace(microsecond=0))
windows = st.builds(QuietWindow, walls, walls, st.sampled_from(ZONES))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(VILLAGE))


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-11-23T21:59:59", False),
        ("2026-11-23T22:00:00", True),
        ("2026-11-24T00:00:00", True),
        ("2026-11-24T03:15:00", True),
        ("2026-11-24T04:59:59", True),
        ("2026-11-24T05:00:00", False),
        ("2026-11-24T12:00:00", False),
    ],
)
def test_a_night_over_midnight(moment: str, quiet: bool) -> None:
    assert NIGHT.covers(local(moment)) is quiet


@pytest.mark.parametrize(
    ("moment", "change"),
    [
        ("2026-11-23T12:00:00", "2026-11-23T22:00:00"),
        ("2026-11-23T22:00:00", "2026-11-24T05:00:00"),
        ("2026-11-24T03:15:00", "2026-11-24T05:00:00"),
        ("2026-11-24T05:00:00", "2026-11-24T22:00:00"),
    ],
)
def test_the_next_change(moment: str, change: str) -> None:
    assert NIGHT.next_change(local(moment)) == local(change)


@given(walls, moments)
def test_a_window_without_length_is_never_quiet(wall: time, moment: datetime) -> None:
    never = QuietWindow(wall, wall, VILLAGE)
    assert not never.covers(moment)
    assert never.next_change(moment) is None
    assert silence_after(never, moment) is None


@given(walls, walls, moments)
def test_where_the_clock_never_changes_it_is_the_wall_that_counts(
    begins: time, ends: time, moment: datetime
) -> None:
    now = moment.astimezone(ZoneInfo(VILLAGE)).time()
    within = begins <= now < ends if begins <= ends else now >= begins or now < ends
    assert QuietWindow(begins, ends, VILLAGE).covers(moment) is within


@given(windows, moments)
def test_nothing_changes_before_the_next_change_and_everything_at_it(
    quiet: QuietWindow, moment: datetime
) -> None:
    change = quiet.next_change(moment)
    if change is None:
        assert quiet.begins == quiet.ends
        return
    now, length = quiet.covers(moment), change - moment
    assert change > moment
    assert quiet.covers(change) is not now
    between = [moment + length * part / 16 for part in range(16)] + [change - timedelta.resolution]
    assert all(quiet.covers(point) is now for point in between)


@given(windows, moments)
def test_silence_after_is_the_first_quiet_instant(quiet: QuietWindow, moment: datetime) -> None:
    silence = silence_after(quiet, moment)
    assert silence is None or (silence >= moment and quiet.covers(silence))
    assert (silence == moment) is quiet.covers(moment)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [
        ("2026-03-28T21:30:00+00:00", True),  # 22:30 in winter time
        ("2026-03-29T02:59:59+00:00", True),  # 04:59:59 in summer time, an hour of the night is missing
        ("2026-03-29T03:00:00+00:00", False),
        ("2026-10-25T03:59:59+00:00", True),  # 04:59:59 in winter time, an hour came twice
        ("2026-10-25T04:00:00+00:00", False),
    ],
)
def test_a_night_in_which_the_clock_changes(moment: str, quiet: bool) -> None:
    berlin = QuietWindow(time(22), time(5), "Europe/Berlin")
    assert berlin.covers(datetime.fromisoformat(moment)) is quiet


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(UnknownZone):
        QuietWindow(time(22), time(5), "Asia/Nowhere").covers(datetime(2026, 1, 1, tzinfo=UTC))
