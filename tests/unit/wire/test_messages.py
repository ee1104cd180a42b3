import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import topics
from wire.errors import Malformed
from wire.ids import LatenessRule, Outcome
from wire.messages import (
    Ack,
    Heartbeat,
    Item,
    Lateness,
    PlannedOccurrence,
    PlaybackReport,
    Presence,
    ReportBatch,
)

START = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


def _planned(**changes: object) -> PlannedOccurrence:
    fields: dict[str, object] = {
        "id": "s@20261123T223000Z",
        "schedule": "s",
        "start": START,
        "items": (
            Item(sha256="a" * 64, seconds=10, size_bytes=1),
            Item(sha256="b" * 64, seconds=5, size_bytes=1),
        ),
        "lateness": Lateness(rule=LatenessRule.SKIP),
    }
    return PlannedOccurrence.model_validate(fields | changes)


def test_seconds_count_items_repeats_and_the_gaps_between() -> None:
    assert _planned().seconds == 15
    assert _planned(repeats=3, gap_s=2).seconds == 3 * 15 + 2 * 2


def test_times_become_utc() -> None:
    hanoi = timezone(timedelta(hours=7))
    assert _planned(start=datetime(2026, 11, 24, 5, 30, tzinfo=hanoi)).start == START


@pytest.mark.parametrize(
    "changes",
    [
        {"start": "2026-11-23T22:30:00"},
        {"id": "../../etc/passwd@20261123T223000Z"},
        {"items": ()},
        {"volume": 101},
        {"repeats": 0},
        {"gap_s": float("nan")},
        {"gap_s": -1},
    ],
)
def test_refuses_what_cannot_be_played(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        _planned(**changes)


@given(st.binary(max_size=200), st.sampled_from([Ack, Heartbeat, Presence, ReportBatch]))
def test_noise_is_malformed(noise: bytes, kind: type[Ack | Heartbeat | Presence | ReportBatch]) -> None:
    with pytest.raises(Malformed):
        kind.decode(noise)


def test_topics_come_apart_as_they_were_put_together() -> None:
    assert topics.parse(topics.plan("lao-cai")) == ("area", "lao-cai", "plan")
    assert topics.parse(topics.report("s1")) == ("station", "s1", "report")
    for stranger in (
        "",
        "loaban/2/area/x/plan",
        "loaban/1/area/x",
        "loaban/1/area/x/plan/y",
        "x/1/area/x/plan",
    ):
        assert topics.parse(stranger) is None


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"])
def test_a_moment_beyond_the_calendar_is_malformed(at: str) -> None:
    said = {"station": "a", "online": True, "boot_id": "b", "program_version": "1", "at": at}
    with pytest.raises(Malformed):
        Presence.decode(json.dumps(said).encode())


@pytest.mark.parametrize("mark", ["b\x00", "\n", "\x7f", "b" * 65])
def test_a_mark_that_no_database_would_keep_is_malformed(mark: str) -> None:
    presence = {"station": "a", "online": True, "boot_id": mark, "program_version": "1"}
    report = {"id": mark, "occurrence": "s@20261123T223000Z", "outcome": "played"}
    with pytest.raises(Malformed):
        Presence.decode(json.dumps(presence).encode())
    with pytest.raises(Malformed):
        PlaybackReport.decode(json.dumps(report).encode())


def test_an_error_of_the_start_is_a_number() -> None:
    with pytest.raises(Malformed):
        PlaybackReport.decode(
            b'{"id":"r","occurrence":"s@20261123T223000Z","outcome":"played","start_error_ms":NaN}'
        )


def test_a_reason_of_tomorrow_does_not_lose_the_report() -> None:
    said = {
        "id": "r",
        "occurrence": "s@20261123T223000Z",
        "outcome": "failed",
        "reason": "struck_by_lightning",
    }
    report = PlaybackReport.read(said)
    assert (report.outcome, report.reason) == (Outcome.FAILED, None)
    with pytest.raises(Malformed):
        PlaybackReport.read({**said, "reason": ["quiet_hours"]})
