"""A recording goes all the way: uploaded, approved, scheduled, fetched, heard from loudspeakers, reported."""

import io
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import av
import httpx
import numpy as np
import pytest

from tests.support.province import Province, Samples, SimStation, Sounding, likeness
from tests.support.recording import recording
from tests.support.waiting import eventually

COMMUNE, VILLAGE, OTHER = "dai-bat-xat", "cum-loa-ban-vuoc", "cum-loa-ta-van-giay"
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
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


def uploaded(operator: httpx.Client, file: Path) -> str:
    """The SHA-256 of the sound that the library made of it."""
    with file.open("rb") as opened:
        sent = operator.post("/api/uploads", files={"file": (file.name, opened, "audio/mpeg")})
    assert sent.status_code == 202, sent.text
    upload = eventually(lambda: finished_upload(operator, sent.json()["id"]), "the upload is worked through")
    assert upload["state"] == "ready", upload
    return str(upload["sound_sha256"])


def approved_programme(
    operator: httpx.Client, approver: httpx.Client, area: str, sound_sha256: str
) -> dict[str, Any]:
    about = {"area_id": area, "title": "Bản tin thứ hai", "category": "general", "language": "vi"}
    made = operator.post("/api/programmes", json=about | {"sound_sha256": sound_sha256})
    assert made.status_code == 201, made.text
    programme = f"/api/programmes/{made.json()['id']}"
    assert operator.post(f"{programme}/submit").is_success
    assert operator.post(f"{programme}/approve").status_code == 403
    approved = approver.post(f"{programme}/approve")
    assert approved.is_success, approved.text
    return dict(approved.json())


def finished_upload(client: httpx.Client, upload_id: str) -> dict[str, Any] | None:
    upload = dict(client.get(f"/api/uploads/{upload_id}").json())
    return upload if upload["state"] in {"ready", "refused"} else None


def schedule_once(operator: httpx.Client, programme: dict[str, Any], start: datetime) -> str:
    """The id of its one occurrence."""
    local = start.astimezone(HANOI)
    draft = {
        "area_id": programme["area_id"],
        "title": "Phát một lần",
        "programme_ids": [programme["id"]],
        "rule": {
            "frequency": "once",
            "times": [local.time().isoformat()],
            "start_date": local.date().isoformat(),
        },
    }
    saved = operator.post("/api/schedules", json=draft)
    assert saved.status_code == 201, saved.text
    return f"{saved.json()['id']}@{start:%Y%m%dT%H%M%SZ}"


def start_and_meet(client: httpx.Client, stations: list[SimStation]) -> None:
    for station in stations:
        station.start()
    for station in stations:
        eventually(partial(state_of, client, station.id, "ok"), f"{station.id} is there")


def withdraw_everything(operator: httpx.Client) -> None:
    """The demo's own timetable could sound in the middle of the test."""
    for schedule in operator.get("/api/schedules").json():
        assert operator.delete(f"/api/schedules/{schedule['id']}").is_success


def next_second(lead_s: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lead_s)


def state_of(client: httpx.Client, station: str, wanted: str) -> dict[str, Any] | None:
    view = dict(client.get(f"/api/stations/{station}").json())
    return view if view["state"] == wanted else None


def is_sounding(client: httpx.Client, occurrence: str, station: str) -> bool:
    rows = client.get(f"/api/occurrences/{occurrence}/board").json()["rows"]
    return any(row["station_id"] == station and row["heard_playing"] for row in rows)


def final_rows(client: httpx.Client, occurrence: str, ended: datetime) -> list[dict[str, Any]]:
    """The board once every station of it has reported."""

    def look() -> list[dict[str, Any]] | None:
        rows: list[dict[str, Any]] = client.get(f"/api/occurrences/{occurrence}/board").json()["rows"]
        return rows if rows and all(row["seconds_played"] is not None for row in rows) else None

    patience_s = (ended - datetime.now(UTC)).total_seconds() + 45
    return eventually(look, f"{occurrence} is reported by all", within_s=patience_s)


def decoded(opus: bytes) -> Samples:
    """The library's encoded copy as it sounds: mono, −1…1, 48 kHz."""
    with av.open(io.BytesIO(opus), "r") as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        blocks = [
            block.to_ndarray().ravel()
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
    return np.concatenate(blocks).astype(np.float64) / 32_768


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
