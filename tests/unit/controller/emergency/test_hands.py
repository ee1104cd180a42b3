"""Whose hands an alert needs, who sees it, and what is put away."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from controller.context import Context
from tests.support.emergency import HELD, act, confirmed, draft, key_of, on_the_wire, recorded, view


def test_two_people(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any], context: Context
) -> None:
    alert = draft(officer, form)
    assert view(officer, alert)["may"] == ["edit", "ask", "discard"]
    assert view(officer, alert)["two_people"]["area_name"] == "Tỉnh Lào Cai"
    alone = act(officer, alert, "press", 409, **HELD)
    assert key_of(alone) == "emergency.needs_second"
    assert "“Nguy hiểm” ở “Tỉnh Lào Cai”" in alone["detail"]
    asked = act(officer, alert, "ask")
    assert (asked["state"], asked["asked_by_name"], asked["waits_for_me"]) == (
        "waiting",
        "alert_officer",
        False,
    )
    own = act(officer, alert, "press", 403, **HELD)
    assert key_of(own) == "emergency.own_request"
    assert own["detail"] == context.texts.say("vi", "emergency.own_request")
    assert on_the_wire(context, alert) == []
    (line,) = second.get("/api/alerts", params={"state": "waiting"}).json()
    assert line["waits_for_me"]
    act(second, alert, "press", **confirmed(second, alert, "press"))
    recorded(officer, alert)
    (history,) = view(officer, alert)["history"]
    assert (history["asked_by_name"], history["done_by_name"]) == ("alert_officer", "second")


def test_who_changes_it_must_be_asked_for_again(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any]
) -> None:
    alert = draft(officer, form)
    act(officer, alert, "ask")
    changed = second.put(f"/api/alerts/{alert}", json=form | {"repeats": 5}).json()
    assert (changed["state"], changed["asked_by_name"]) == ("draft", None)
    assert key_of(act(officer, alert, "press", 409, **HELD)) == "emergency.needs_second"


def test_an_update_and_a_repeat_need_two_a_cancel_one(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any]
) -> None:
    alert = draft(officer, form)
    act(officer, alert, "ask")
    act(second, alert, "press", **confirmed(second, alert, "press"))
    recorded(officer, alert)
    assert view(officer, alert)["may"] == ["edit", "ask", "extend", "cancel"]
    officer.put(f"/api/alerts/{alert}", json=form | {"severity": "minor"})
    assert key_of(act(officer, alert, "update", 409, **HELD)) == "emergency.needs_second"
    act(officer, alert, "ask", what="update")
    act(second, alert, "update", **confirmed(second, alert, "update"))
    recorded(officer, alert)
    # It is minor by now: one person is enough.
    act(officer, alert, "repeat", **HELD)
    recorded(officer, alert)
    officer.put(f"/api/alerts/{alert}", json=form)
    act(second, alert, "ask", what="update")
    act(officer, alert, "update", **confirmed(officer, alert, "update"))
    recorded(officer, alert)
    act(officer, alert, "ask", what="repeat")
    assert key_of(act(officer, alert, "repeat", 403, **HELD)) == "emergency.own_request"
    act(second, alert, "repeat", **confirmed(second, alert, "repeat"))
    act(second, alert, "cancel")
    recorded(officer, alert)
    assert [one["act"] for one in view(officer, alert)["history"]] == [
        "cancel",
        "repeat",
        "update",
        "repeat",
        "update",
        "press",
    ]


def test_what_was_changed_after_the_second_officer_saw_it_is_not_sent(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any], context: Context
) -> None:
    """A drill of one commune is shown; a real alert of the whole province would be sent."""
    alert = draft(officer, form, drill=True)
    act(officer, alert, "ask")
    shown = confirmed(second, alert, "press")
    officer.put(f"/api/alerts/{alert}", json=form | {"area_ids": ["lao-cai"]})
    act(officer, alert, "ask")
    assert key_of(act(second, alert, "press", 409, **shown)) == "emergency.changed_meanwhile"
    assert view(second, alert)["state"] == "waiting"
    assert on_the_wire(context, alert) == []
    act(second, alert, "press", **confirmed(second, alert, "press"))


def test_a_second_officer_says_what_was_seen(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any]
) -> None:
    alert = draft(officer, form)
    act(officer, alert, "ask")
    assert key_of(act(second, alert, "press", 422, **HELD)) == "emergency.not_shown"
    act(second, alert, "press", **confirmed(second, alert, "press"))
    recorded(officer, alert)
    officer.put(f"/api/alerts/{alert}", json=form | {"title": "Lũ lớn hơn"})
    act(officer, alert, "ask", what="update")
    shown = confirmed(second, alert, "update")
    assert key_of(act(second, alert, "update", 422, **HELD)) == "emergency.not_shown"
    officer.put(f"/api/alerts/{alert}", json=form | {"title": "Lũ nhỏ hơn"})
    act(officer, alert, "ask", what="update")
    assert key_of(act(second, alert, "update", 409, **shown)) == "emergency.changed_meanwhile"
    act(second, alert, "update", **confirmed(second, alert, "update"))
    recorded(officer, alert)
    act(officer, alert, "ask", what="repeat")
    assert key_of(act(second, alert, "repeat", 422, **HELD)) == "emergency.not_shown"


def test_a_repeat_that_waited_while_it_was_extended_is_still_of_the_alert(
    officer: TestClient, second: TestClient, two_people: None, form: dict[str, Any], clock: list[datetime]
) -> None:
    end = (clock[0] + timedelta(hours=1)).isoformat()
    alert = draft(officer, form, expires_at=end)
    act(officer, alert, "ask")
    act(second, alert, "press", **confirmed(second, alert, "press"))
    recorded(officer, alert)
    act(officer, alert, "ask", what="repeat")
    act(officer, alert, "extend", minutes=30)
    recorded(officer, alert)
    act(second, alert, "repeat", **confirmed(second, alert, "repeat"))


def test_alone_it_is_enough_that_nothing_else_is_sent_than_was_seen(
    officer: TestClient, second: TestClient, form: dict[str, Any]
) -> None:
    alert = draft(officer, form)
    shown = confirmed(officer, alert, "press")
    second.put(f"/api/alerts/{alert}", json=form | {"repeats": 5})
    assert key_of(act(officer, alert, "press", 409, **shown)) == "emergency.changed_meanwhile"
    act(officer, alert, "press", **HELD)


def test_a_drill_needs_two_as_well(officer: TestClient, two_people: None, form: dict[str, Any]) -> None:
    alert = draft(officer, form, drill=True)
    assert key_of(act(officer, alert, "press", 409, **HELD)) == "emergency.needs_second"


def test_asking_for_nobody_in_particular(officer: TestClient, form: dict[str, Any]) -> None:
    assert key_of(act(officer, draft(officer, form), "ask", 409)) == "emergency.one_is_enough"


def test_discarded_is_not_deleted(officer: TestClient, form: dict[str, Any]) -> None:
    alert = draft(officer, form)
    assert act(officer, alert, "discard")["state"] == "discarded"
    assert key_of(act(officer, alert, "press", 409, **HELD)) == "emergency.wrong_state_press"
    assert key_of(act(officer, alert, "discard", 409)) == "emergency.wrong_state_discard"
    assert officer.put(f"/api/alerts/{alert}", json=form).status_code == 409
    assert [line["state"] for line in officer.get("/api/alerts").json()] == ["discarded"]


def test_a_discarded_update_leaves_the_alert(officer: TestClient, pressed: str, form: dict[str, Any]) -> None:
    recorded(officer, pressed)
    officer.put(f"/api/alerts/{pressed}", json=form)
    found = act(officer, pressed, "discard")
    assert (found["state"], found["open"]) == ("active", None)
    officer.put(f"/api/alerts/{pressed}", json=form)
    assert act(officer, pressed, "update", **HELD)["revision"] == 3


def test_what_is_over_is_over_at_that_very_second(
    officer: TestClient, pressed: str, clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    clock[0] += timedelta(hours=1)
    found = view(officer, pressed)
    assert (found["state"], found["in_force"], found["may"]) == ("expired", False, [])
    assert key_of(act(officer, pressed, "cancel", 409)) == "emergency.wrong_state_cancel"


def test_others_see_what_sounds_and_only_officers_what_is_prepared(
    sign_in: Callable[[str], TestClient], officer: TestClient, form: dict[str, Any]
) -> None:
    prepared, sent = draft(officer, form), draft(officer, form)
    act(officer, sent, "press", **HELD)
    recorded(officer, sent)
    operator, neighbour = sign_in("operator"), sign_in("neighbour")
    assert [line["id"] for line in operator.get("/api/alerts").json()] == [sent]
    assert view(operator, sent)["may"] == []
    assert operator.get(f"/api/alerts/{prepared}").status_code == 404
    assert neighbour.get("/api/alerts").json() == []
    assert neighbour.get(f"/api/alerts/{sent}").status_code == 404
    assert neighbour.get(f"/api/alerts/{sent}/board").status_code == 404


def test_another_districts_officer_touches_nothing(
    sign_in: Callable[[str], TestClient], officer: TestClient, pressed: str, form: dict[str, Any]
) -> None:
    recorded(officer, pressed)
    district = sign_in("district")
    moves: dict[str, dict[str, Any]] = {"cancel": {}, "extend": {"minutes": 5}, "repeat": HELD, "discard": {}}
    for move, body in moves.items():
        refused = act(district, pressed, move, 403, **body)
        assert key_of(refused) == "accounts.outside_your_area"
    assert view(officer, pressed)["state"] == "active"


def test_an_alert_in_force_is_listed_whatever_came_after_it(
    officer: TestClient, pressed: str, form: dict[str, Any], clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    for _ in range(3):
        clock[0] += timedelta(seconds=1)
        draft(officer, form)
    (line,) = officer.get("/api/alerts", params={"limit": 1, "state": "active"}).json()
    assert line["id"] == pressed
    clock[0] += timedelta(hours=1)
    assert officer.get("/api/alerts", params={"state": "active"}).json() == []
    assert [one["id"] for one in officer.get("/api/alerts", params={"state": "expired"}).json()] == [pressed]
