"""What a station itself enforces: volume bounds, quiet hours, and when it may test itself."""

from datetime import time

from sqlalchemy.orm import Session

from controller.accounts import rules as rights
from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.areas import service as areas
from controller.errors import Invalid
from controller.stations import service
from controller.stations.rules import LONGEST_TEST_DAYS, falls_in_quiet_hours
from controller.stations.schemas import LimitsForm, LimitsView
from controller.stations.tables import Station
from wire.messages import QuietHours, SelfTestTimes


def of(session: Session, principal: Principal, station_id: str, everywhere: SelfTestTimes) -> LimitsView:
    """Raises NotFound `stations.unknown`, Forbidden. `everywhere` are the times of the settings."""
    station = service.get(session, station_id)
    accounts.require(session, principal, Action.SEE_HEALTH, station.area_id)
    chain = areas.chain_ids(session, station.area_id)
    return LimitsView(
        own=_own(station),
        self_test=test_times(station, everywhere),
        everywhere=everywhere,
        tests_fall_in_quiet_hours=falls_in_quiet_hours(
            _effective(_own(station), everywhere), quiet_hours(station)
        ),
        may_change=rights.may(principal, Action.MANAGE_STATIONS, chain),
    )


def change(
    session: Session, principal: Principal, station_id: str, wanted: LimitsForm, everywhere: SelfTestTimes
) -> None:
    """They reach the station with its next card. Raises Invalid, NotFound `stations.unknown`, Forbidden."""
    station = service.get(session, station_id)
    accounts.require(session, principal, Action.MANAGE_STATIONS, station.area_id)
    _check(wanted, everywhere)
    quiet = wanted.quiet_hours
    station.volume_min, station.volume_max = wanted.volume_min, wanted.volume_max
    station.quiet_begins, station.quiet_ends = (quiet.begins, quiet.ends) if quiet else (None, None)
    station.test_begins, station.test_ends = wanted.test_begins, wanted.test_ends
    station.audible_test_days = wanted.audible_test_days
    station.silent_test_days = wanted.silent_test_days
    session.flush()


def quiet_hours(station: Station) -> QuietHours | None:
    if station.quiet_begins is None or station.quiet_ends is None:
        return None
    return QuietHours(begins=station.quiet_begins, ends=station.quiet_ends)


def test_times(station: Station, everywhere: SelfTestTimes) -> SelfTestTimes:
    """Its own, else those of the settings; tests that would fall in its quiet hours are not held at all."""
    times = _effective(_own(station), everywhere)
    if falls_in_quiet_hours(times, quiet_hours(station)):
        return times.model_copy(update={"audible_every_days": 0, "silent_every_days": 0})
    return times


def _own(station: Station) -> LimitsForm:
    return LimitsForm(
        volume_min=station.volume_min,
        volume_max=station.volume_max,
        quiet_hours=quiet_hours(station),
        test_begins=station.test_begins,
        test_ends=station.test_ends,
        audible_test_days=station.audible_test_days,
        silent_test_days=station.silent_test_days,
    )


def _effective(own: LimitsForm, everywhere: SelfTestTimes) -> SelfTestTimes:
    chosen = {
        "begins": own.test_begins,
        "ends": own.test_ends,
        "audible_every_days": own.audible_test_days,
        "silent_every_days": own.silent_test_days,
    }
    return everywhere.model_copy(update={name: value for name, value in chosen.items() if value is not None})


def _check(wanted: LimitsForm, everywhere: SelfTestTimes) -> None:
    service.check_volume(wanted.volume_min, wanted.volume_max)
    _check_quiet(wanted.quiet_hours)
    for field in ("test_begins", "test_ends"):
        _check_wall(getattr(wanted, field), field)
    for field in ("audible_test_days", "silent_test_days"):
        if not 0 <= (getattr(wanted, field) or 0) <= LONGEST_TEST_DAYS:
            raise Invalid("stations.bad_test_days", field=field, most=LONGEST_TEST_DAYS)
    if (wanted.test_begins is None) != (wanted.test_ends is None):
        missing = "test_begins" if wanted.test_begins is None else "test_ends"
        raise Invalid("stations.test_half_set", field=missing)
    _check_test(_effective(wanted, everywhere), wanted.quiet_hours)


def _check_quiet(quiet: QuietHours | None) -> None:
    if quiet is None:
        return
    _check_wall(quiet.begins, "quiet_begins")
    _check_wall(quiet.ends, "quiet_ends")
    if quiet.begins == quiet.ends:
        raise Invalid("stations.quiet_without_length", field="quiet_ends")


def _check_wall(wall: time | None, field: str) -> None:
    if wall is not None and wall.tzinfo is not None:
        raise Invalid("stations.bad_time", field=field)


def _check_test(times: SelfTestTimes, quiet: QuietHours | None) -> None:
    if times.begins >= times.ends:
        raise Invalid("stations.test_over_midnight", field="test_ends")
    is_held = times.audible_every_days or times.silent_every_days
    if is_held and falls_in_quiet_hours(times, quiet):
        raise Invalid(
            "stations.test_in_quiet_hours",
            field="test_begins",
            begins=f"{times.begins:%H:%M}",
            ends=f"{times.ends:%H:%M}",
        )
