"""The everyday work of an operator and an approver through the API."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.support.province import SimStation
from tests.support.waiting import eventually

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


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
