"""Standing messages: made by one, approved by another, and which stations do not hold them yet."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.context import Context
from controller.db.session import Database
from controller.emergency.tables import StandingMessage
from controller.stations.tables import Station

XA = "bat-xat-02683"


@pytest.fixture
def storm(library: Mapping[str, str]) -> dict[str, Any]:
    """A storm message for the province, as it is sent in."""
    return {
        "use": "storm",
        "language": "vi",
        "area_id": "lao-cai",
        "text": "Bão sắp vào, bà con ở trong nhà.",
        "sound_sha256": library["fresh-vi"],
    }


def make(client: TestClient, wanted: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = client.post("/api/standing-messages", json=wanted | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def decide(client: TestClient, message: str, move: str, status: int = 200) -> dict[str, Any]:
    answer = client.post(f"/api/standing-messages/{message}/{move}")
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def listed(client: TestClient, use: str) -> list[dict[str, Any]]:
    return [one for one in client.get("/api/standing-messages").json() if one["use"] == use]


def test_made_by_one_and_approved_by_another(
    officer: TestClient, second: TestClient, storm: dict[str, Any], form: dict[str, Any], wakes: list[str]
) -> None:
    made = make(officer, storm)
    assert (made["state"], made["may"], made["in_use"], made["stations"]) == ("waiting", ["retire"], False, 0)
    assert made["sound_url"] == f"/media/{storm['sound_sha256']}.opus"
    own = decide(officer, made["id"], "approve", 403)
    assert own["type"] == "urn:loaban:error:emergency.standing_own"
    assert "nhờ người khác duyệt" in own["detail"]
    wanted = form | {"kind": "storm"}
    assert officer.post("/api/alerts", json=wanted).status_code == 409
    wakes.clear()
    approved = decide(second, made["id"], "approve")
    assert (approved["state"], approved["decided_by_name"], approved["in_use"]) == (
        "approved",
        "second",
        True,
    )
    assert wakes == ["dispatch"]
    assert officer.post("/api/alerts", json=wanted).status_code == 201
    assert decide(second, made["id"], "approve", 409)["type"].endswith("emergency.standing_wrong_state")


def test_the_newest_approved_one_counts_and_retiring_brings_back_the_one_before(
    officer: TestClient, second: TestClient, storm: dict[str, Any], clock: list[datetime], wakes: list[str]
) -> None:
    first = make(officer, storm)
    decide(second, first["id"], "approve")
    clock[0] += timedelta(days=1)
    newer = make(officer, storm, text="Bão rất mạnh, bà con ở trong nhà.")
    assert [one["in_use"] for one in listed(officer, "storm")] == [False, True]
    clock[0] += timedelta(minutes=1)
    decide(second, newer["id"], "approve")
    assert {one["id"]: one["in_use"] for one in listed(officer, "storm")} == {
        first["id"]: False,
        newer["id"]: True,
    }
    decide(officer, newer["id"], "retire")
    assert {one["id"]: one["in_use"] for one in listed(officer, "storm")} == {
        first["id"]: True,
        newer["id"]: False,
    }
    assert wakes[-1] == "dispatch"


def test_an_alert_takes_the_message_of_the_nearest_area_above_all_its_areas(
    officer: TestClient,
    second: TestClient,
    form: dict[str, Any],
    storm: dict[str, Any],
    library: Mapping[str, str],
) -> None:
    own = make(officer, storm, use="flood", area_id=XA, text="Lũ ở Bát Xát")
    decide(second, own["id"], "approve")
    texts = {}
    for areas in ([XA], ["bat-xat-thon-1"], [XA, "muong-hum-02728"], ["lao-cai"]):
        answer = officer.post("/api/alerts", json=form | {"area_ids": areas})
        assert answer.status_code == 201, answer.text
        texts[areas[-1]] = answer.json()["content"]["voices"][0]["text"]
    assert texts == {
        XA: "Lũ ở Bát Xát",
        "bat-xat-thon-1": "Lũ ở Bát Xát",
        "muong-hum-02728": "Lời mẫu flood",
        "lao-cai": "Lời mẫu flood",
    }


def test_who_lacks_it(
    officer: TestClient,
    hear_from: Callable[..., None],
    library: Mapping[str, str],
    now: datetime,
) -> None:
    """By the last heartbeat; a list cut short, or none at all, tells nothing."""
    digest = library["flood-vi"]
    hear_from("dai-xa", now, {"held": 7, "wanted": 7})
    hear_from("loa-1", now, {"held": 6, "wanted": 7, "missing": [digest]})
    hear_from("loa-mh", now, {"held": 2, "wanted": 40, "missing": [f"{n:064x}" for n in range(20)]})
    (flood,) = listed(officer, "flood")
    assert (flood["stations"], flood["lacking"], flood["lacking_names"]) == (4, 1, ["Cụm loa 1"])
    assert flood["not_told"] == 2
    (clear,) = listed(officer, "all_clear")
    assert (clear["lacking"], clear["not_told"]) == (0, 2)


def test_only_stations_of_its_language_have_to_hold_it(
    officer: TestClient, second: TestClient, storm: dict[str, Any], database: Database
) -> None:
    with database.write() as session:
        session.get_one(Station, "loa-2").languages = ["hmn", "vi"]
    made = make(officer, storm, language="hmn")
    assert decide(second, made["id"], "approve")["stations"] == 1


def test_whose_hands(
    sign_in: Callable[[str], TestClient], officer: TestClient, storm: dict[str, Any], context: Context
) -> None:
    made = make(officer, storm)
    for name in ("operator", "technician", "viewer"):
        assert sign_in(name).post("/api/standing-messages", json=storm).status_code == 403
        decide(sign_in(name), made["id"], "approve", 403)
    district = sign_in("district")
    assert district.post("/api/standing-messages", json=storm).status_code == 403
    decide(district, made["id"], "approve", 403)
    assert [one["may"] for one in listed(district, "storm")] == [[]]
    assert sign_in("administrator").post(f"/api/standing-messages/{made['id']}/approve").status_code == 200
    assert officer.post("/api/standing-messages/khong-co/approve").status_code == 404
    with context.database.read() as session:
        assert session.query(StandingMessage).filter_by(use="storm").count() == 1
