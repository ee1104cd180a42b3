"""Volume bounds, quiet hours, times of self-tests: who may set them, what is refused, what stations get."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, time
from typing import Any

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.accounts.rules import Principal
from controller.context import Context
from controller.dispatch import service as dispatch
from controller.errors import Forbidden, NotFound
from controller.stations import limits
from controller.stations.rules import falls_in_quiet_hours
from controller.stations.schemas import LimitsForm
from schedules.quiet import QuietWindow
from schedules.wall import instant, zone_of
from wire.messages import QuietHours, SelfTestTimes, StationCard

Call = Callable[..., Awaitable[httpx.Response]]
ZONE = "Asia/Ho_Chi_Minh"
PATH = "/api/stations/dai-xa/limits"
MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


@given(MINUTES, MINUTES, MINUTES, MINUTES)
def test_tests_and_quiet_hours_meet_in_the_same_minutes_as_on_the_station(
    begins: time, ends: time, quiet_begins: time, quiet_ends: time
) -> None:
    """Compared with the rule that stations go by, minute for minute."""
    begins, ends = sorted((begins, ends))
    assume(begins < ends)
    quiet = QuietWindow(quiet_begins, quiet_ends, ZONE)
    day = datetime(2026, 11, 23, tzinfo=UTC).date()
    first, last = begins.hour * 60 + begins.minute, ends.hour * 60 + ends.minute
    minutes = range(first, last, 1 if last - first < 60 else 7)
    met = any(quiet.covers(instant(day, time(one // 60, one % 60), zone_of(ZONE))) for one in minutes)
    said = falls_in_quiet_hours(
        SelfTestTimes(begins=begins, ends=ends), QuietHours(begins=quiet_begins, ends=quiet_ends)
    )
    assert said or not met
    if last - first < 60 and quiet_begins != quiet_ends:
        assert said == met


def card_of(context: Context, station_id: str) -> StationCard:
    with context.database.read() as session:
        cards = dispatch.desired_cards(session, context.now(), context.settings)
    return next(card for card in cards if card.station == station_id)


async def test_what_a_technician_sets_is_on_the_next_card(
    call: Call, context: Context, wakes: list[str]
) -> None:
    wanted = {
        "volume_min": 20,
        "volume_max": 85,
        "quiet_hours": {"begins": "21:00", "ends": "05:00"},
        "test_begins": "13:00",
        "test_ends": "14:30",
        "audible_test_days": 14,
        "silent_test_days": 0,
    }
    answer = await call("technician", "put", PATH, wanted)
    assert answer.status_code == 200, answer.text
    assert answer.json()["self_test"]["audible_every_days"] == 14
    assert wakes == ["dispatch"]
    card = card_of(context, "dai-xa")
    assert (card.volume_min, card.volume_max) == (20, 85)
    assert card.quiet_hours == QuietHours(begins=time(21), ends=time(5))
    assert card.self_test == SelfTestTimes(
        begins=time(13), ends=time(14, 30), audible_every_days=14, silent_every_days=0
    )
    assert card_of(context, "cum-1").self_test == context.settings.self_test
    back = await call("technician", "put", PATH, {"volume_min": 0, "volume_max": 100})
    assert back.json()["own"]["test_begins"] is None
    assert card_of(context, "dai-xa").self_test == context.settings.self_test


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"volume_min": 60, "volume_max": 40}, "stations.bad_volume_bounds", "volume_max"),
    ({"volume_max": 101}, "stations.bad_volume_bounds", "volume_max"),
    (
        {"quiet_hours": {"begins": "05:00", "ends": "05:00"}},
        "stations.quiet_without_length",
        "quiet_ends",
    ),
    ({"quiet_hours": {"begins": "05:00+07:00", "ends": "06:00"}}, "stations.bad_time", "quiet_begins"),
    ({"test_begins": "09:00"}, "stations.test_half_set", "test_ends"),
    ({"test_ends": "09:00"}, "stations.test_half_set", "test_begins"),
    ({"test_begins": "23:00", "test_ends": "01:00"}, "stations.test_over_midnight", "test_ends"),
    ({"test_begins": "09:00", "test_ends": "09:00"}, "stations.test_over_midnight", "test_ends"),
    ({"test_begins": "09:00Z", "test_ends": "10:00"}, "stations.bad_time", "test_begins"),
    ({"audible_test_days": -1}, "stations.bad_test_days", "audible_test_days"),
    ({"silent_test_days": 367}, "stations.bad_test_days", "silent_test_days"),
    ({"quiet_hours": {"begins": "21:00", "ends": "09:00"}}, "stations.test_in_quiet_hours", "test_begins"),
]


@pytest.mark.parametrize(("changes", "key", "field"), REFUSED)
async def test_limits_that_cannot_be_are_refused_at_their_field_with_what_to_do(
    call: Call, context: Context, changes: dict[str, Any], key: str, field: str
) -> None:
    answer = await call("technician", "put", PATH, {"volume_min": 0, "volume_max": 100} | changes)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["type"] == f"urn:loaban:error:{key}"
    assert card_of(context, "dai-xa").quiet_hours is None


async def test_without_tests_quiet_hours_may_cover_their_time(call: Call) -> None:
    wanted = {
        "volume_min": 0,
        "volume_max": 100,
        "quiet_hours": {"begins": "21:00", "ends": "12:00"},
        "audible_test_days": 0,
        "silent_test_days": 0,
    }
    assert (await call("technician", "put", PATH, wanted)).status_code == 200


async def test_only_those_who_look_after_stations_set_them(call: Call) -> None:
    wanted = {"volume_min": 0, "volume_max": 50}
    for who in ("viewer", "operator", "approver", "alert_officer", "neighbour"):
        assert (await call(who, "put", PATH, wanted)).status_code == 403
    seen = await call("operator", "get", PATH)
    assert (seen.status_code, seen.json()["may_change"]) == (200, False)
    assert (await call("neighbour", "get", PATH)).status_code == 403
    assert (await call("technician", "put", "/api/stations/khong-co/limits", wanted)).status_code == 404
    assert (await call("technician", "put", PATH, wanted | {"loud": True})).status_code == 422


def test_settings_that_fall_in_a_stations_quiet_hours_hold_no_test_there(
    context: Context, people: Mapping[str, Principal], village: tuple[str, ...]
) -> None:
    """The settings were changed after the station's own hours."""
    who, early = people["technician"], SelfTestTimes(begins=time(4), ends=time(6))
    quiet = QuietHours(begins=time(21), ends=time(5))
    with context.database.write() as session:
        wanted = LimitsForm(volume_min=0, volume_max=100, quiet_hours=quiet)
        limits.change(session, who, "dai-xa", wanted, context.settings.self_test)
        seen = limits.of(session, who, "dai-xa", early)
        assert (seen.self_test.audible_every_days, seen.self_test.silent_every_days) == (0, 0)
        assert seen.tests_fall_in_quiet_hours
        assert not limits.of(session, who, "cum-1", early).tests_fall_in_quiet_hours
        with pytest.raises(Forbidden):
            limits.change(session, people["operator"], "dai-xa", wanted, early)
        with pytest.raises(NotFound):
            limits.of(session, who, "khong-co", early)
