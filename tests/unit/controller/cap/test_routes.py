"""CAP over HTTP: who may send, what the answer says, and what everybody may read."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from lxml import etree

from controller.accounts import service as accounts
from controller.accounts.tables import Grant, Person, Role
from controller.app import create_app
from controller.cap.parse import parse
from controller.emergency.tables import AlertState
from tests.support.cap import SENDER, info, message
from tests.support.cap_world import CapWorld

TOKEN = "a-token-of-the-source"
SOURCES = f"""
[[source]]
name = "kttv"
senders = ["{SENDER}"]
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
[[source.rule]]
areas = ["lao-cai"]
action = "fire"
"""


@pytest.fixture
def client(world: CapWorld) -> Iterator[TestClient]:
    folder = world.context.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cap.toml").write_text(SOURCES, encoding="utf-8")
    with TestClient(create_app(world.context, world.desk)) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed_in(world: CapWorld, role: Role) -> dict[str, str]:
    name = f"a-{role.value.replace('_', '-')}"
    now = world.clock[0]
    with world.context.database.write() as session:
        person = Person(id=name, username=name, full_name=name, password_hash="x", created_at=now)
        person.grants.append(Grant(role=role, area_id="lao-cai"))
        session.add(person)
        session.flush()
        return bearer(accounts.open_sign_in(session, now, name, hours=12))


def post(client: TestClient, raw: bytes, headers: dict[str, str]) -> Any:
    return client.post("/api/cap", content=raw, headers={**headers, "Content-Type": "application/cap+xml"})


def test_a_source_sends_with_its_token_and_the_alert_sounds(client: TestClient, world: CapWorld) -> None:
    answer = post(client, message(world.clock[0]), bearer(TOKEN))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["verdict"], said["source"], said["via"]) == ("fired", "kttv", "http")
    assert said["areas"] == [{"id": "bat-xat-02683", "name": "Xã Bát Xát"}]
    assert world.in_force() == [said["alert_id"]]


def test_what_is_refused_says_so_in_a_sentence_and_is_kept(client: TestClient, world: CapWorld) -> None:
    now = world.clock[0]
    answer = post(client, message(now, infos=[info(now, expires=None)]), bearer(TOKEN))
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:loaban:error:cap.no_expires"
    assert "hết hiệu lực" in problem["detail"]
    [kept] = world.messages()
    assert (kept.id, kept.reason) == (problem["params"]["message_id"], "cap.no_expires")


def test_a_repeated_message_is_a_conflict(client: TestClient, world: CapWorld) -> None:
    raw = message(world.clock[0])
    assert [post(client, raw, bearer(TOKEN)).status_code for _ in range(2)] == [200, 409]


@pytest.mark.parametrize("headers", [{}, bearer("a-wrong-token-of-the-source")])
def test_strangers_are_sent_away_unread(client: TestClient, world: CapWorld, headers: dict[str, str]) -> None:
    assert post(client, message(world.clock[0]), headers).status_code == 401
    assert not world.messages()


def test_an_officer_may_bring_one_and_others_may_not(client: TestClient, world: CapWorld) -> None:
    officer, operator = signed_in(world, Role.ALERT_OFFICER), signed_in(world, Role.OPERATOR)
    assert post(client, message(world.clock[0]), operator).status_code == 403
    said = post(client, message(world.clock[0]), officer).json()
    assert (said["verdict"], said["source"]) == ("proposed", "a-alert-officer")
    assert [alert.state for alert in world.alerts()] == [AlertState.PROPOSED]


def test_4_mb_are_read_and_6_mb_are_refused_and_kept(client: TestClient, world: CapWorld) -> None:
    now = world.clock[0]
    long = info(now, description="x" * 4_000_000)
    assert post(client, message(now, infos=[long]), bearer(TOKEN)).json()["verdict"] == "fired"
    answer = post(client, message(now, "M-2", infos=[info(now, description="x" * 6_000_000)]), bearer(TOKEN))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:loaban:error:cap.too_large")
    assert post(client, b"x" * 21_000_000, bearer(TOKEN)).status_code == 413
    assert [row.reason for row in world.messages()] == [None, "cap.too_large"]


def test_mistakes_in_the_file_of_sources_are_said(client: TestClient, world: CapWorld) -> None:
    (world.context.settings.data_dir / "cap.toml").write_text("[[source", encoding="utf-8")
    answer = post(client, message(world.clock[0]), bearer(TOKEN))
    assert answer.json()["type"] == "urn:loaban:error:cap.sources.not_toml"


def test_the_list_of_messages_and_their_bytes(client: TestClient, world: CapWorld) -> None:
    now = world.clock[0]
    raws = [message(now, "M-1", status="Test"), message(now, "M-2"), b"<html onload='x'/>"]
    for raw in raws:
        post(client, raw, bearer(TOKEN))
    officer, operator = signed_in(world, Role.ALERT_OFFICER), signed_in(world, Role.OPERATOR)
    listed = client.get("/api/cap/messages", headers=officer).json()
    assert [one["verdict"] for one in listed] == ["refused", "fired", "refused"]
    assert [one["reason"] for one in listed] == ["cap.not_cap", None, "cap.is_test"]
    assert all(one["sentence"] for one in listed if one["reason"])
    asked = {"limit": 1, "before": listed[0]["id"], "verdict": ["fired", "proposed"]}
    assert client.get("/api/cap/messages", headers=officer, params=asked).json() == [listed[1]]
    found = client.get(f"/api/cap/messages/{listed[0]['id']}/raw", headers=officer)
    assert found.content == raws[2]
    assert "attachment" in found.headers["content-disposition"]
    assert found.headers["x-content-type-options"] == "nosniff"
    assert client.get("/api/cap/messages/999/raw", headers=officer).status_code == 404
    for path in ("/api/cap/messages", f"/api/cap/messages/{listed[0]['id']}/raw"):
        assert client.get(path, headers=operator).status_code == 403
        assert client.get(path).status_code == 401


def test_everybody_may_read_our_alerts(client: TestClient, world: CapWorld) -> None:
    said = post(client, message(world.clock[0]), bearer(TOKEN)).json()
    page = client.get("/cap/feed.atom")
    assert page.headers["content-type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    [entry] = etree.fromstring(page.content).findall(f"{atom}entry")
    assert entry.findtext(f"{atom}title") == "Lũ trên sông Hồng"
    link = entry.find(f"{atom}link")
    assert link is not None
    found = client.get(str(link.get("href")))
    assert found.headers["content-type"].startswith("application/cap+xml")
    assert "immutable" in found.headers["cache-control"]
    assert said["alert_id"] in parse(found.content).identifier
    again = client.get("/cap/feed.atom", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/cap/urn:loaban:nothing:r1.xml").status_code == 404


def test_an_ended_alert_leaves_the_feed_after_two_days(client: TestClient, world: CapWorld) -> None:
    now = world.clock[0]
    post(client, message(now), bearer(TOKEN))
    post(client, message(now, "M-2", msgType="Cancel", references=[("M-1", now)], infos=[]), bearer(TOKEN))
    assert b"<entry>" in client.get("/cap/feed.atom").content
    world.clock[0] += timedelta(hours=49)
    assert b"<entry>" not in client.get("/cap/feed.atom").content
