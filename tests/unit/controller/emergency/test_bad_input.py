"""What cannot be is refused with a Vietnamese sentence that says what to do, and leaves nothing behind."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from controller.context import Context
from controller.emergency.tables import AlertRevision, AlertRow, StandingMessage
from controller.stations.tables import Station

VI = {"language": "vi", "source": "standing"}


def refused(answer: Response, status: int, key: str, context: Context) -> str:
    """The sentence."""
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:loaban:error:{key}"
    assert problem["detail"] == context.texts.say("vi", key, **problem["params"])
    assert "Hãy" in problem["detail"] or "Bạn có thể" in problem["detail"]
    return str(problem["detail"])


def nothing_remains(context: Context) -> None:
    with context.database.read() as session:
        assert session.query(AlertRow).count() == 0
        assert session.query(AlertRevision).count() == 0


@pytest.mark.parametrize(
    ("changes", "status", "key", "says"),
    [
        ({"area_ids": []}, 422, "emergency.no_area", "địa bàn"),
        ({"area_ids": ["khong-co"]}, 404, "areas.unknown", "khong-co"),
        ({"area_ids": [f"a{n}" for n in range(201)]}, 422, "emergency.too_many_areas", "200"),
        ({"voices": []}, 422, "emergency.no_voice", "tiếng"),
        (
            {"voices": [VI, {"language": "hmn", "source": "typed", "text": " . "}]},
            422,
            "emergency.text_missing",
            "Tiếng Mông",
        ),
        (
            {"voices": [{"language": "vi", "source": "typed", "text": "a" * 2001}]},
            422,
            "emergency.text_too_long",
            "2000",
        ),
        ({"voices": [{"language": "xx", "source": "standing"}]}, 422, "emergency.unknown_language", "xx"),
        ({"voices": [{"language": "hmn", "source": "standing"}]}, 409, "emergency.no_standing", "Tiếng Mông"),
        (
            {"voices": [{"language": "vi", "source": "recorded"}]},
            422,
            "emergency.sound_missing",
            "Tiếng Việt",
        ),
        (
            {"voices": [{"language": "vi", "source": "uploaded", "sound_sha256": "0" * 64}]},
            422,
            "emergency.sound_missing",
            "Tiếng Việt",
        ),
        ({"kind": "storm"}, 409, "emergency.no_standing", "Bão, dông lốc"),
        ({"repeats": 0}, 422, "emergency.bad_repeats", "10"),
        ({"validity_s": 5}, 422, "emergency.bad_validity", "1 phút"),
        ({"validity_s": 9e9}, 422, "emergency.bad_validity", "7 ngày"),
        ({"expires_at": "2026-11-23T02:00:00Z"}, 422, "emergency.expired_already", "trước khi bắt đầu"),
        ({"expires_at": "2026-11-23T08:59:59+07:00"}, 422, "emergency.expired_already", "trước khi bắt đầu"),
        ({"expires_at": "2027-11-23T02:00:00Z"}, 422, "emergency.bad_validity", "7 ngày"),
    ],
)
def test_what_cannot_be_an_alert(
    officer: TestClient,
    form: dict[str, Any],
    context: Context,
    changes: dict[str, Any],
    status: int,
    key: str,
    says: str,
) -> None:
    answer = officer.post("/api/alerts", json=form | changes)
    assert says in refused(answer, status, key, context)
    nothing_remains(context)


def test_an_area_without_a_station_is_named(
    officer: TestClient, form: dict[str, Any], context: Context
) -> None:
    """A station in a store is none."""
    with context.database.write() as session:
        session.get_one(Station, "loa-mh").installed = False
    answer = officer.post("/api/alerts", json=form | {"area_ids": ["bat-xat-02683", "muong-hum-02728"]})
    assert "Xã Mường Hum" in refused(answer, 422, "emergency.no_station", context)
    nothing_remains(context)


def test_an_area_outside_the_officers_realm_is_named(
    sign_in: Callable[[str], TestClient], form: dict[str, Any], context: Context
) -> None:
    district = sign_in("district")
    answer = district.post("/api/alerts", json=form)
    assert "Xã Bát Xát" in refused(answer, 403, "accounts.outside_your_area", context)
    answer = district.post("/api/alerts", json=form | {"area_ids": ["lao-cai"]})
    assert "Tỉnh Lào Cai" in refused(answer, 403, "accounts.outside_your_area", context)
    nothing_remains(context)


@pytest.mark.parametrize("name", ["operator", "approver", "administrator", "technician", "viewer"])
def test_only_an_alert_officer_sends_alerts(
    sign_in: Callable[[str], TestClient], form: dict[str, Any], context: Context, name: str
) -> None:
    refused(sign_in(name).post("/api/alerts", json=form), 403, "accounts.not_your_role", context)
    nothing_remains(context)


def test_nobody_does_anything_without_signing_in(officer: TestClient, form: dict[str, Any]) -> None:
    alert = officer.post("/api/alerts", json=form).json()["id"]
    stranger = TestClient(officer.app)
    held = {"confirm": "held", "held_s": 2.0}
    for method, path, body in (
        ("GET", "/api/alerts", None),
        ("POST", "/api/alerts", form),
        ("POST", f"/api/alerts/{alert}/press", held),
        ("POST", f"/api/alerts/{alert}/cancel", {}),
        ("GET", f"/api/alerts/{alert}/board", None),
        ("GET", "/api/standing-messages", None),
    ):
        assert stranger.request(method, path, json=body).status_code == 401, path
    assert officer.get(f"/api/alerts/{alert}").json()["state"] == "draft"


def test_it_is_over_before_it_is_pressed(
    officer: TestClient, form: dict[str, Any], context: Context, clock: list[datetime]
) -> None:
    """Judged at the very second: an end is not a moment too late."""
    end = clock[0] + timedelta(minutes=10)
    alert = officer.post("/api/alerts", json=form | {"expires_at": end.isoformat()}).json()["id"]
    clock[0] = end
    answer = officer.post(f"/api/alerts/{alert}/press", json={"confirm": "held", "held_s": 2.0})
    refused(answer, 422, "emergency.expired_already", context)
    assert officer.get(f"/api/alerts/{alert}").json()["state"] == "draft"


def test_a_sounding_longer_than_its_validity(
    officer: TestClient, form: dict[str, Any], context: Context
) -> None:
    alert = officer.post("/api/alerts", json=form | {"repeats": 10, "validity_s": 120}).json()["id"]
    answer = officer.post(f"/api/alerts/{alert}/press", json={"confirm": "held", "held_s": 2.0})
    assert "4 phút" in refused(answer, 422, "emergency.longer_than_validity", context)


@pytest.mark.parametrize(
    ("confirm", "key"),
    [
        ({"confirm": ""}, "emergency.not_confirmed"),
        ({"confirm": "ok"}, "emergency.not_confirmed"),
        ({"confirm": "Mường Hum"}, "emergency.not_confirmed"),
        ({"confirm": "held"}, "emergency.held_too_short"),
        ({"confirm": "held", "held_s": 0.4}, "emergency.held_too_short"),
        ({"confirm": "held", "held_s": "NaN"}, "emergency.held_too_short"),
    ],
)
def test_a_press_without_a_second_deliberate_act(
    officer: TestClient, form: dict[str, Any], context: Context, confirm: dict[str, Any], key: str
) -> None:
    alert = officer.post("/api/alerts", json=form).json()["id"]
    refused(officer.post(f"/api/alerts/{alert}/press", json=confirm), 422, key, context)
    assert officer.get(f"/api/alerts/{alert}").json()["revision"] == 0


@pytest.mark.parametrize("typed", ["xã bát xát", "BAT XAT", " Xã Bát Xát ", "lũ trên suối lũng pô"])
def test_the_typed_name_counts_whatever_its_marks(
    officer: TestClient, form: dict[str, Any], typed: str
) -> None:
    alert = officer.post("/api/alerts", json=form).json()["id"]
    answer = officer.post(f"/api/alerts/{alert}/press", json={"confirm": typed})
    assert answer.status_code == 200, answer.text


def test_a_drill_needs_its_notice_in_every_language(
    officer: TestClient, form: dict[str, Any], context: Context, library: Mapping[str, str]
) -> None:
    hmn = {"language": "hmn", "source": "recorded", "sound_sha256": library["flood-hmn"]}
    voices = [*form["voices"], hmn]
    answer = officer.post("/api/alerts", json=form | {"drill": True, "voices": voices})
    assert "Tiếng Mông" in refused(answer, 409, "emergency.no_drill_notice", context)
    nothing_remains(context)


@pytest.mark.parametrize(
    ("changes", "status", "key"),
    [
        ({"use": "sunshine"}, 422, "emergency.standing_unknown_use"),
        ({"language": "xx"}, 422, "emergency.unknown_language"),
        ({"text": "  "}, 422, "emergency.standing_text_missing"),
        ({"text": "a" * 2001}, 422, "emergency.text_too_long"),
        ({"sound_sha256": "0" * 64}, 422, "emergency.sound_missing"),
        ({"area_id": "khong-co"}, 404, "areas.unknown"),
    ],
)
def test_what_cannot_be_a_standing_message(
    officer: TestClient,
    context: Context,
    library: Mapping[str, str],
    changes: dict[str, Any],
    status: int,
    key: str,
) -> None:
    wanted = {
        "use": "storm",
        "language": "vi",
        "area_id": "lao-cai",
        "text": "Bão đến",
        "sound_sha256": library["fresh-vi"],
    }
    refused(officer.post("/api/standing-messages", json=wanted | changes), status, key, context)
    with context.database.read() as session:
        assert session.query(StandingMessage).filter_by(use="storm").count() == 0


def test_control_characters_are_left_out(officer: TestClient, form: dict[str, Any]) -> None:
    """Not every database keeps them, and no XML does."""
    made = officer.post("/api/alerts", json=form | {"title": "Lũ\x00 trên\x1b suối\n"}).json()
    assert made["title"] == "Lũ trên suối"
