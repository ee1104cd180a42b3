"""What a heartbeat shows besides life: complete, and as old as it is, whatever the station's clock says."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.accounts.rules import Principal
from controller.context import Context
from controller.stations import evidence, service
from controller.stations.service import HeardHeartbeat
from controller.stations.tables import StationPicture
from wire.evidence import AmplifierState, SelfTestFinding, SelfTestVerdict
from wire.ids import ClockTrust
from wire.messages import CacheState, Heartbeat

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
Beat = Callable[..., Heartbeat]


def test_every_measurement_is_carried_over(beat: Beat) -> None:
    seen = evidence.of(beat(NOW), NOW + timedelta(seconds=1))
    assert seen.amplifier is not None
    assert [(line.number, line.current_ma, line.muted) for line in seen.amplifier.lines] == [
        (1, 812.0, False),
        (2, 3.0, True),
    ]
    assert (seen.amplifier.mains_present, seen.amplifier.rail_v, seen.amplifier.faults) == (
        False,
        23.6,
        ("fan",),
    )
    assert seen.acoustic_test is not None
    assert seen.acoustic_test.verdict is SelfTestVerdict.FAILED
    assert seen.acoustic_test.findings == (SelfTestFinding.WEAK,)
    assert seen.electrical_test is not None
    assert seen.electrical_test.line_ma == (41.0, 0.0)
    assert seen.storage is not None
    assert (seen.storage.writable, seen.storage.remembers, seen.storage.damaged) == (False, False, 2)
    assert seen.link is not None
    assert (seen.link.connects, seen.link.up_s) == (14, 95.0)
    assert (seen.uptime_s, seen.clock.trust) == (7200.0, ClockTrust.TRUSTED)


@given(st.floats(-1e8, 1e8), st.floats(0, 7000))
def test_ages_hold_on_a_clock_that_is_wrong(offset_s: float, age_s: float) -> None:
    at = NOW + timedelta(seconds=offset_s)
    said = Heartbeat(
        station="dai-xa",
        boot_id="b",
        at=at,
        uptime_s=7200.0,
        clock=ClockTrust.UNKNOWN,
        cache=CacheState(held=0, wanted=0),
        amplifier=AmplifierState(at=at - timedelta(seconds=age_s)),
    )
    seen = evidence.of(said, NOW)
    assert seen.amplifier is not None
    assert seen.amplifier.at is not None
    assert (NOW - seen.amplifier.at).total_seconds() == pytest.approx(age_s, abs=1e-3)
    assert seen.clock.ahead_s == pytest.approx(offset_s, abs=1e-3)


@pytest.mark.parametrize("trust", [ClockTrust.UNKNOWN, ClockTrust.STALE])
def test_what_an_untrusted_clock_saw_before_it_was_set_has_no_age(beat: Beat, trust: ClockTrust) -> None:
    later = beat(NOW).amplifier.model_copy(update={"at": NOW + timedelta(days=20_000)})  # type: ignore[union-attr]
    seen = evidence.of(beat(NOW, clock=trust, amplifier=later), NOW)
    assert seen.amplifier is not None
    assert seen.amplifier.at is None
    assert seen.acoustic_test is not None
    assert seen.acoustic_test.at is None, "from before this start, on another clock"
    assert seen.electrical_test is not None
    assert seen.electrical_test.at == NOW - timedelta(minutes=30)


@pytest.mark.parametrize("trust", list(ClockTrust))
def test_ages_that_no_calendar_holds_break_no_page(beat: Beat, trust: ClockTrust) -> None:
    first = beat(NOW).amplifier.model_copy(update={"at": datetime(1, 1, 1, tzinfo=UTC)})  # type: ignore[union-attr]
    last = datetime(9999, 12, 31, tzinfo=UTC)
    seen = evidence.of(beat(last, clock=trust, amplifier=first, uptime_s=1e300), NOW)
    assert seen.amplifier is not None
    assert seen.amplifier.at is None


def test_who_has_none_shows_none(beat: Beat) -> None:
    bare = beat(NOW, amplifier=None, acoustic_test=None, electrical_test=None, storage=None, link=None)
    seen = evidence.of(bare, NOW)
    assert (seen.amplifier, seen.acoustic_test, seen.electrical_test) == (None, None, None)
    assert (seen.storage, seen.link) == (None, None)


def test_it_stands_beside_the_state_and_grows_old_with_it(
    context: Context, people: Mapping[str, Principal], village: tuple[str, ...], beat: Beat, now: datetime
) -> None:
    with context.database.write() as session:
        service.keep(session, [], [HeardHeartbeat(beat(now), now)])
    with context.database.read() as session:
        one, other = service.listing(session, now + timedelta(hours=1), people["technician"])[::-1]
    assert (one.id, one.state) == ("dai-xa", "unreachable")
    assert one.evidence is not None
    assert one.evidence.at == now
    assert other.evidence is None


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"amplifier": {"at": "2026-11-23T02:00:00Z", "faults": ["water"]}}, True),
        ({"clock": "sundial"}, False),
    ],
)
def test_what_another_version_kept_does_not_close_the_list(
    context: Context,
    people: Mapping[str, Principal],
    village: tuple[str, ...],
    beat: Beat,
    now: datetime,
    changes: dict[str, object],
    left: bool,
) -> None:
    with context.database.write() as session:
        service.keep(session, [], [HeardHeartbeat(beat(now), now)])
        kept = session.get(StationPicture, "dai-xa")
        assert kept is not None
        assert kept.heartbeat is not None
        kept.heartbeat = kept.heartbeat | changes
    with context.database.read() as session:
        one = service.one(session, now, people["technician"], "dai-xa")
    assert (one.state, one.evidence is not None) == ("ok", left)
    assert not left or (one.evidence is not None and one.evidence.amplifier is None)
