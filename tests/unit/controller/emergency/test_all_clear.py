"""An all-clear: for whom it is, how it looks, and how one that was sent by mistake is taken back."""

from datetime import datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import checks
from controller.emergency.content import MOST_AREAS
from tests.support.emergency import HELD, XA, act, draft, key_of, on_the_wire, recorded, view


def test_it_is_counted_wherever_the_alert_ever_sounded(officer: TestClient, form: dict[str, Any]) -> None:
    """Also in areas that an update left."""
    alert = draft(officer, form, area_ids=[XA, "muong-hum-02728"])
    act(officer, alert, "press", **HELD)
    recorded(officer, alert)
    officer.put(f"/api/alerts/{alert}", json=form)
    act(officer, alert, "update", **HELD)
    recorded(officer, alert)
    act(officer, alert, "cancel", all_clear=True)
    recorded(officer, alert)
    board = officer.get(f"/api/alerts/{alert}/board").json()
    assert board["shown"]["all_clear"]
    assert {row["station_id"] for row in board["stations"]} == {"dai-xa", "loa-1", "loa-2", "loa-mh"}


def test_more_areas_than_an_alert_may_name_are_the_areas_above(context: Context, fleet: object) -> None:
    with context.database.read() as session:
        tree = AreaTree.read(session)
    assert checks.few(["bat-xat-thon-1", "bat-xat-thon-2", XA], tree) == (XA,)
    many = [f"unknown-{number}" for number in range(MOST_AREAS + 1)]
    assert len(checks.few(many, tree)) == MOST_AREAS + 1


def test_one_sent_by_mistake_is_taken_back(
    officer: TestClient, second: TestClient, pressed: str, context: Context, clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    clock[0] += timedelta(minutes=1)
    cancelled_at = clock[0]
    act(officer, pressed, "cancel", all_clear=True, seen=1)
    recorded(officer, pressed)
    for again in ({"all_clear": True}, {"all_clear": True, "seen": 2}, {"all_clear": False, "seen": 1}):
        assert act(second, pressed, "cancel", **again)["revision"] == 2
    found = view(second, pressed)
    assert (found["state"], found["may"]) == ("cancelled", ["cancel"])

    clock[0] += timedelta(minutes=1)
    taken = act(second, pressed, "cancel", seen=2)
    assert (taken["revision"], taken["sounding"]) == (3, None)
    assert act(officer, pressed, "cancel", seen=2)["revision"] == 3
    recorded(officer, pressed)
    assert on_the_wire(context, pressed)[-1] is None
    found = view(officer, pressed)
    assert (found["state"], found["may"]) == ("cancelled", [])
    assert datetime.fromisoformat(found["ended_at"]) == cancelled_at
    assert [one["act"] for one in found["history"]] == ["cancel", "cancel", "press"]
    board = officer.get(f"/api/alerts/{pressed}/board").json()
    assert board["shown"]["all_clear"]
    assert datetime.fromisoformat(board["shown"]["ended_at"]) == clock[0]


def test_one_that_is_over_is_not_taken_back(officer: TestClient, pressed: str, clock: list[datetime]) -> None:
    recorded(officer, pressed)
    act(officer, pressed, "cancel", all_clear=True)
    clock[0] += timedelta(minutes=30)
    assert act(officer, pressed, "cancel")["revision"] == 2
    recorded(officer, pressed)
    assert view(officer, pressed)["may"] == []
    assert key_of(act(officer, pressed, "extend", 409, minutes=5)) == "emergency.wrong_state_extend"
