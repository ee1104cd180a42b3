"""Alive or not, by the evidence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.stations.rules import Picture, StateReason, StationState, judge

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
AGO = st.none() | st.integers(0, 300).map(lambda seconds: NOW - timedelta(seconds=seconds))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


CASES = [
    ("never heard of", Picture(), StationState.NEVER_SEEN, None),
    ("not installed", Picture(installed=False, online=True), StationState.NOT_INSTALLED, None),
    (
        "fresh heartbeat",
        Picture(online=True, presence_at=ago(900), heartbeat_at=ago(89)),
        StationState.OK,
        None,
    ),
    ("just connected", Picture(online=True, presence_at=ago(2)), StationState.OK, None),
    (
        "too long silent",
        Picture(online=True, heartbeat_at=ago(91)),
        StationState.UNREACHABLE,
        StateReason.SILENT,
    ),
    (
        "last will",
        Picture(online=False, presence_at=ago(1), heartbeat_at=ago(20)),
        StationState.UNREACHABLE,
        StateReason.DISCONNECTED,
    ),
    ("back after its will", Picture(presence_at=ago(20), heartbeat_at=ago(1)), StationState.OK, None),
    (
        "only its will",
        Picture(online=False, presence_at=ago(1)),
        StationState.UNREACHABLE,
        StateReason.DISCONNECTED,
    ),
    (
        "online by old hearsay",
        Picture(online=True, presence_at=None),
        StationState.UNREACHABLE,
        StateReason.SILENT,
    ),
]


@pytest.mark.parametrize(
    ("picture", "state", "reason"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_states(picture: Picture, state: StationState, reason: StateReason | None) -> None:
    verdict = judge(picture, NOW, 90)
    assert (verdict.state, verdict.reason) == (state, reason)


@given(st.booleans(), st.booleans(), AGO, AGO)
def test_a_station_is_ok_only_with_a_sign_of_life_within_the_timeout(
    installed: bool, online: bool, presence_at: datetime | None, heartbeat_at: datetime | None
) -> None:
    verdict = judge(Picture(installed, online, presence_at, heartbeat_at), NOW, 90)
    if verdict.state is StationState.OK:
        assert installed
        assert verdict.heard_at is not None
        assert NOW - verdict.heard_at <= timedelta(seconds=90)
    assert (verdict.reason is not None) == (verdict.state is StationState.UNREACHABLE)


@given(st.booleans(), AGO, AGO, st.integers(0, 600))
def test_time_alone_never_brings_a_station_back(
    online: bool, presence_at: datetime | None, heartbeat_at: datetime | None, later_s: int
) -> None:
    picture = Picture(True, online, presence_at, heartbeat_at)
    if judge(picture, NOW, 90).state is StationState.UNREACHABLE:
        later = judge(picture, NOW + timedelta(seconds=later_s), 90)
        assert later.state is StationState.UNREACHABLE
