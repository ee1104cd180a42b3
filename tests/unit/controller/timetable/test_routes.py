"""The API from a schedule to the board; every error is a problem document."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.app import create_app
from controller.context import Context
from controller.stations import service as stations
from wire.ids import StationKind

XA = "bat-xat-02683"
DRAFT: dict[str, Any] = {
    "id": "sang",
    "area_id": XA,
    "title": "Bản tin sáng",
    "rule": {"frequency": "daily", "times": ["05:30", "17:00"], "start_date": "2026-11-23"},
    "programme_ids": ["ban-tin-sang"],
}


@pytest.fixture
def client(
    context: Context, people: Mapping[str, Principal], approved_programme: str, now: datetime
) -> Iterator[TestClient]:
    """The API, used by Bát Xát's operator."""
    with context.database.write() as session:
        stations.add(session, now, "loa-1", "bat-xat-thon-1", "Cụm loa", kind=StationKind.VILLAGE_CLUSTER)
        token = accounts.open_sign_in(session, now, "operator", hours=1)
    with TestClient(create_app(context), headers={"Authorization": f"Bearer {token}"}) as made:
        yield made


def test_from_a_saved_schedule_to_the_board_of_its_first_occurrence(
    client: TestClient, wakes: list[str]
) -> None:
    saved = client.post("/api/schedules", json=DRAFT)
    assert saved.status_code == 201, saved.text
    assert saved.json()["next_start"] == "2026-11-23T10:00:00Z"
    assert wakes == ["dispatch"]
    first = client.get("/api/occurrences", params={"area": XA}).json()[0]
    board = client.get(f"/api/occurrences/{first['id']}/board").json()
    assert [(row["station_id"], row["state"]) for row in board["rows"]] == [("loa-1", "planned")]
    assert [one["id"] for one in client.get("/api/schedules").json()] == ["sang"]
    assert client.get("/api/stations").json()[0]["state"] == "never_seen"
    assert client.get("/api/clockwork").json() == {"jobs": [], "missed": []}


def test_changing_and_withdrawing_wake_the_dispatch(client: TestClient, wakes: list[str]) -> None:
    client.post("/api/schedules", json=DRAFT)
    changed = client.put("/api/schedules/sang", json={**DRAFT, "volume": 55})
    assert changed.json()["volume"] == 55
    assert client.delete("/api/schedules/sang").json()["state"] == "withdrawn"
    assert wakes == ["dispatch"] * 3
    assert client.get("/api/schedules").json() == []
    assert len(client.get("/api/schedules", params={"state": "withdrawn"}).json()) == 1


def test_conflicts_are_told_before_saving(client: TestClient) -> None:
    client.post("/api/schedules", json=DRAFT)
    found = client.post("/api/schedules/conflicts", json=DRAFT).json()
    assert [(one["schedule_id"], one["count"]) for one in found] == [("sang", 28)]
    assert client.post("/api/schedules/conflicts", json={**DRAFT, "schedule_id": "sang"}).json() == []


@pytest.mark.parametrize(
    ("changes", "status", "key", "field"),
    [
        ({"programme_ids": []}, 422, "timetable.playlist_empty", "programme_ids"),
        ({"area_id": "khong-co"}, 404, "areas.unknown", None),
        ({"area_id": "muong-hum-02728"}, 403, "accounts.outside_your_area", None),
        ({"rule": {**DRAFT["rule"], "end_date": "2026-11-01"}}, 422, "schedule.ends_before_it_starts", None),
        (
            {
                "rule": {
                    **DRAFT["rule"],
                    "frequency": "monthly",
                    "month_days": [30],
                    "start_date": "2027-02-01",
                    "end_date": "2027-02-28",
                }
            },
            422,
            "schedule.never_occurs",
            None,
        ),
    ],
)
def test_bad_input_is_a_problem_document_with_a_vietnamese_sentence(
    client: TestClient, context: Context, changes: dict[str, Any], status: int, key: str, field: str | None
) -> None:
    answer = client.post("/api/schedules", json={**DRAFT, **changes})
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:loaban:error:{key}"
    assert problem["detail"] == context.texts.say("vi", key, **problem["params"])
    assert field is None or problem["field"] == field
    assert client.get("/api/schedules").json() == []


def test_nobody_sees_anything_without_signing_in(context: Context) -> None:
    stranger = TestClient(create_app(context))
    for path in ("/api/schedules", "/api/occurrences", "/api/stations", "/api/clockwork"):
        assert stranger.get(path).status_code == 401


def test_a_moment_beyond_the_calendar_is_told_not_a_crash(client: TestClient) -> None:
    answer = client.get("/api/occurrences", params={"since": "0001-01-01T00:00:00+14:00"})
    assert answer.status_code == 422
    assert answer.json()["params"]["name"] == "since"


def test_one_occurrence_is_taken_back_and_the_dispatch_woken(client: TestClient, wakes: list[str]) -> None:
    client.post("/api/schedules", json=DRAFT)
    first, second = client.get("/api/occurrences").json()[:2]
    wakes.clear()
    answer = client.post(f"/api/occurrences/{first['id']}/withdraw")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["withdrawn_by"], answer.json()["may_withdraw"]) == ("operator", False)
    assert wakes == ["dispatch"]
    found = {one["id"]: one["withdrawn_at"] for one in client.get("/api/occurrences").json()}
    assert found[first["id"]] == answer.json()["withdrawn_at"] == "2026-11-23T02:00:00Z"
    assert found[second["id"]] is None
    again = client.post(f"/api/occurrences/{first['id']}/withdraw")
    assert (again.status_code, again.json()["type"]) == (
        409,
        "urn:loaban:error:timetable.occurrence_withdrawn",
    )
    assert wakes == ["dispatch"]
    assert client.post("/api/occurrences/khong-co/withdraw").status_code == 404
