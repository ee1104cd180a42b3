"""An alert officer at work through the API of the app in this process."""

from typing import Any, Final

from fastapi.testclient import TestClient

from controller.context import Context
from controller.emergency.found import act_of, look
from controller.emergency.tables import RevisionState
from tests.support.waiting import eventually
from wire.alerts import Alert

HELD: Final[dict[str, Any]] = {"confirm": "held", "held_s": 1.6}
XA: Final = "bat-xat-02683"


def draft(client: TestClient, form: dict[str, Any], **changes: Any) -> str:
    answer = client.post("/api/alerts", json=form | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def act(client: TestClient, alert: str, move: str, status: int = 200, **form: Any) -> dict[str, Any]:
    answer = client.post(f"/api/alerts/{alert}/{move}", json=form)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def view(client: TestClient, alert: str) -> dict[str, Any]:
    return dict(client.get(f"/api/alerts/{alert}").json())


def confirmed(client: TestClient, alert: str, move: str) -> dict[str, Any]:
    """Held by a person who has just looked at what it is about."""
    found = view(client, alert)
    content = found["content"] if move == "repeat" or not found["open"] else found["open"]["content"]
    return HELD | {"digest": content["digest"]}


def on_the_wire(context: Context, alert: str) -> list[Alert | None]:
    """What each act put on the boards, oldest first."""
    with context.database.read() as session:
        rows = reversed(look(session, alert).revisions)
        return [act_of(row).alert for row in rows if row.state is RevisionState.DONE]


def key_of(problem: dict[str, Any]) -> str:
    return str(problem["type"]).removeprefix("urn:loaban:error:")


def recorded(client: TestClient, alert: str) -> None:
    """The record runs beside the press: the desk has no link here, and writes at once."""
    eventually(lambda: not view(client, alert)["record_pending"] or None, "the act is on record", within_s=10)
