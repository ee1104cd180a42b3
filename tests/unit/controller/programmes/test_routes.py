"""Programmes over HTTP, from making one to its approval, and what wakes the dispatch."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from controller import problems
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.context import Context
from controller.programmes import routes

Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def call(context: Context, people: Mapping[str, Principal]) -> Call:
    """`await call("operator", "post", "/api/programmes", {…})`."""
    app = FastAPI()
    app.state.context = context
    problems.install(app)
    app.include_router(routes.router)
    transport = httpx.ASGITransport(app)

    async def call(who: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        with context.database.write() as session:
            token = accounts.open_sign_in(session, context.now(), people[who].person_id, hours=1)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://loaban") as client:
            return await client.request(method, path, json=body, headers=headers)

    return call


@pytest.fixture
def wanted(sound: str) -> dict[str, Any]:
    return {
        "area_id": "bat-xat-02683",
        "title": "Phòng chống rét cho trâu bò",
        "category": "science_economy_culture_society",
        "language": "hmn",
        "sound_sha256": sound,
    }


async def test_made_sent_back_edited_and_approved(
    call: Call, wanted: dict[str, Any], wakes: list[str]
) -> None:
    made = await call("operator", "post", "/api/programmes", wanted)
    assert made.status_code == 201
    path = f"/api/programmes/{made.json()['id']}"
    assert (await call("operator", "post", f"{path}/submit")).json()["state"] == "submitted"
    no_reason = await call("approver", "post", f"{path}/send-back", {"reason": ""})
    assert (no_reason.status_code, no_reason.json()["field"]) == (422, "reason")
    returned = await call("approver", "post", f"{path}/send-back", {"reason": "Thiếu ngày."})
    assert (returned.json()["state"], returned.json()["reason"]) == ("returned", "Thiếu ngày.")
    edited = await call("operator", "patch", path, {"title": "Phòng rét"})
    assert (edited.json()["title"], edited.json()["language"]) == ("Phòng rét", "hmn")
    await call("operator", "post", f"{path}/submit")
    assert wakes == []
    approved = await call("approver", "post", f"{path}/approve")
    assert (approved.json()["state"], approved.json()["decided_by_name"]) == ("approved", "approver")
    assert wakes == ["dispatch"]
    assert (await call("operator", "post", f"{path}/archive")).status_code == 200
    assert wakes == ["dispatch", "dispatch"]


async def test_a_refused_request_changes_nothing_and_wakes_nobody(
    call: Call, wanted: dict[str, Any], wakes: list[str]
) -> None:
    path = f"/api/programmes/{(await call('operator', 'post', '/api/programmes', wanted)).json()['id']}"
    early = await call("approver", "post", f"{path}/approve")
    assert early.status_code == 409
    assert early.headers["content-type"] == "application/problem+json"
    assert (await call("neighbour", "post", f"{path}/archive")).status_code == 403
    assert (await call("neighbour", "get", path)).status_code == 404
    assert (await call("operator", "get", path)).json()["state"] == "draft"
    assert wakes == []


async def test_a_category_that_does_not_exist_points_at_its_field(call: Call, wanted: dict[str, Any]) -> None:
    answer = await call("operator", "post", "/api/programmes", wanted | {"category": "gossip"})
    assert (answer.status_code, answer.json()["field"]) == (422, "category")


async def test_the_list_by_state(call: Call, wanted: dict[str, Any]) -> None:
    await call("operator", "post", "/api/programmes", wanted)
    drafts = await call("operator", "get", "/api/programmes?state=draft")
    assert [one["title"] for one in drafts.json()] == [wanted["title"]]
    assert (await call("operator", "get", "/api/programmes?state=approved")).json() == []
    assert "vi" in (await call("operator", "get", "/api/programmes/languages")).json()


async def test_what_a_schedule_may_play_is_told(call: Call, wanted: dict[str, Any]) -> None:
    made = (await call("operator", "post", "/api/programmes", wanted)).json()["id"]
    await call("operator", "post", f"/api/programmes/{made}/submit")
    assert (await call("operator", "get", "/api/programmes/offered?area=bat-xat-thon-1")).json() == []
    await call("approver", "post", f"/api/programmes/{made}/approve")
    offered = (await call("operator", "get", "/api/programmes/offered?area=bat-xat-thon-1")).json()
    assert [one["id"] for one in offered] == [made]
