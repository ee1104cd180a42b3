"""A recording goes all the way: uploaded, approved, scheduled, fetched, heard from loudspeakers, reported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.everyday import (
    approved_programme,
    final_rows,
    is_sounding,
    next_second,
    schedule_once,
    start_and_meet,
    state_of,
    uploaded,
    withdraw_everything,
)
from tests.support.province import Province, Samples, Sounding, decoded, likeness
from tests.support.recording import recording
from tests.support.waiting import eventually

COMMUNE, VILLAGE, OTHER = "dai-bat-xat", "cum-loa-ban-vuoc", "cum-loa-ta-van-giay"
BAT_XAT, TA_VAN = "bat-xat-02683", "ta-van-03037"
LEAD_S = 12.0
"""Between saving a schedule and its start: time for the plan to travel and the sound to be fetched."""


def test_an_uploaded_recording_is_heard_and_told_of(province: Province, tmp_path: Path) -> None:
    operator, approver = province.signed_in("canbo"), province.signed_in("lanhdao")
    withdraw_everything(operator)
    sound = uploaded(operator, recording(tmp_path))
    programme = approved_programme(operator, approver, BAT_XAT, sound)
    twin = approved_programme(operator, approver, TA_VAN, sound)
    library = decoded(operator.get(programme["sound_url"]).content)

    # Three stations: two under the commune, and one in another commune that the operator also serves.
    start_and_meet(operator, list(province.stations.values()))

    start = next_second(LEAD_S)
    both = [schedule_once(operator, one, start) for one in (programme, twin)]
    ended = start + timedelta(seconds=programme["seconds"])
    for occurrence in both:
        for row in final_rows(operator, occurrence, ended):
            assert row["state"] == "played", row
            assert row["seconds_played"] == pytest.approx(programme["seconds"], abs=0.1)
            assert abs(row["start_error_ms"]) <= 50
    for station in province.stations.values():
        (heard,) = station.soundings()
        assert_sounds_like(heard, library, start)
        assert heard.seconds == pytest.approx(programme["seconds"], abs=0.1)


def test_a_restart_in_the_middle_goes_on_and_an_absent_station_is_told_of(
    province: Province, tmp_path: Path
) -> None:
    operator, approver = province.signed_in("canbo"), province.signed_in("lanhdao")
    withdraw_everything(operator)
    sound = uploaded(operator, recording(tmp_path))
    programme = approved_programme(operator, approver, BAT_XAT, sound)
    twin = approved_programme(operator, approver, TA_VAN, sound)
    library = decoded(operator.get(programme["sound_url"]).content)
    commune, village, other = (province.stations[id_] for id_ in (COMMUNE, VILLAGE, OTHER))
    start_and_meet(operator, [commune, village, other])
    other.kill()
    eventually(lambda: state_of(operator, OTHER, "unreachable"), "it is missed", within_s=100)

    start = next_second(LEAD_S)
    here, elsewhere = schedule_once(operator, programme, start), schedule_once(operator, twin, start)
    eventually(lambda: is_sounding(operator, here, COMMUNE), "the commune station sounds")
    eventually(lambda: datetime.now(UTC) > start + timedelta(seconds=6), "a part of it is over")
    commune.kill()
    commune.start()

    ended = start + timedelta(seconds=programme["seconds"])
    rows = {row["station_id"]: row for row in final_rows(operator, here, ended)}
    assert rows[VILLAGE]["state"] == "played"
    assert_resumed(commune.soundings(), rows[COMMUNE], library, start)

    (absent,) = operator.get(f"/api/occurrences/{elsewhere}/board").json()["rows"]
    assert absent["station_id"] == OTHER
    assert absent["state"] == "waiting_report"
    assert absent["seconds_played"] is None
    assert absent["station_state"] == "unreachable"


def test_a_sounding_broadcast_is_stopped_everywhere_within_three_seconds(
    province: Province, tmp_path: Path
) -> None:
    operator, approver = province.signed_in("canbo"), province.signed_in("lanhdao")
    withdraw_everything(operator)
    sound = uploaded(operator, recording(tmp_path))
    programme = approved_programme(operator, approver, BAT_XAT, sound)
    library = decoded(operator.get(programme["sound_url"]).content)
    here = [province.stations[COMMUNE], province.stations[VILLAGE]]
    start_and_meet(operator, here)
    start = next_second(LEAD_S)
    occurrence = schedule_once(operator, programme, start)
    eventually(lambda: all(is_sounding(operator, occurrence, one.id) for one in here), "both sound")
    eventually(lambda: datetime.now(UTC) > start + timedelta(seconds=4), "enough is heard to know it by")

    stopped_at = datetime.now(UTC)
    answer = approver.post(f"/api/occurrences/{occurrence}/withdraw")
    assert answer.is_success, answer.text

    ended = start + timedelta(seconds=programme["seconds"])
    assert stopped_at + timedelta(seconds=5) < ended, "too little was left to stop"
    for row in final_rows(operator, occurrence, ended):
        assert (row["state"], row["reason"]) == ("partly_played", "withdrawn"), row
    for station in here:
        (heard,) = station.soundings()
        assert_sounds_like(heard, library, start)
        silent_at = heard.first_frame_at + timedelta(seconds=heard.seconds)
        assert timedelta(0) < silent_at - stopped_at < timedelta(seconds=3)
    shown = operator.get(f"/api/occurrences/{occurrence}/board").json()["occurrence"]
    assert shown["withdrawn_by"] == approver.get("/api/me").json()["full_name"]
    assert datetime.fromisoformat(shown["withdrawn_at"]) >= stopped_at
    assert approver.post(f"/api/occurrences/{occurrence}/withdraw").status_code == 409


def test_a_station_that_is_killed_turns_unreachable_by_itself(province: Province) -> None:
    technician = province.signed_in("kythuat")
    station = province.stations[COMMUNE]
    station.start()
    eventually(lambda: state_of(technician, COMMUNE, "ok"), "it is there")
    station.kill()
    killed_at = datetime.now(UTC)
    seen = eventually(lambda: state_of(technician, COMMUNE, "unreachable"), "it is missed", within_s=100)
    assert datetime.now(UTC) - killed_at < timedelta(seconds=100)
    assert seen["reason"] is not None
    station.start()
    eventually(lambda: state_of(technician, COMMUNE, "ok"), "it is back")


def assert_sounds_like(heard: Sounding, library: Samples, start: datetime, from_s: float = 0.0) -> None:
    """On its second, and the part of the library's copy that begins at `from_s`."""
    begins = start + timedelta(seconds=from_s)
    assert abs((heard.first_frame_at - begins).total_seconds()) <= 0.050
    alike, position_s = likeness(heard.samples, library)
    assert alike >= 0.9
    assert position_s == pytest.approx(from_s, abs=0.050)


def assert_resumed(heard: list[Sounding], row: dict[str, Any], library: Samples, start: datetime) -> None:
    """Its beginning before the cut, and after it the part that was due by then: nothing twice."""
    first, second = heard
    assert_sounds_like(first, library, start)
    resumed_s = (second.first_frame_at - start).total_seconds()
    assert resumed_s > first.seconds
    assert_sounds_like(second, library, start, resumed_s)
    assert row["state"] == "partly_played"
    assert row["reason"] == "station_off"
    assert row["seconds_played"] == pytest.approx(first.seconds + second.seconds, abs=6)
    assert row["seconds_played"] < len(library) / 48_000
