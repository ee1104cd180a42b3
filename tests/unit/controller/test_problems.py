"""Errors are RFC 9457 problem documents with the catalogue's sentence, in the language of whoever asks."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from controller import problems
from controller.app import create_app
from controller.context import Context
from controller.errors import Invalid


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(context), raise_server_exceptions=False) as opened:
        yield opened


def test_nobody_signed_in(client: TestClient) -> None:
    answer = client.get("/api/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == problems._MEDIA_TYPE
    body = answer.json()
    assert body["status"] == 401
    assert body["type"].startswith("urn:loaban:error:accounts.")
    assert body["title"] == "Cần đăng nhập"
    assert answer.headers["content-language"] == "vi"


@pytest.mark.parametrize(
    ("asked", "spoken"), [("en-GB,en;q=0.9", "en"), ("fr,en;q=0.5", "en"), ("fr", "vi"), ("", "vi")]
)
def test_the_language_is_the_first_of_ours_that_is_asked_for(
    client: TestClient, context: Context, asked: str, spoken: str
) -> None:
    answer = client.get("/no/such/page", headers={"accept-language": asked})
    assert answer.status_code == 404
    assert answer.json()["detail"] == context.texts.say(spoken, "web.no_such_page")


def test_a_body_of_the_wrong_shape_names_its_field(client: TestClient) -> None:
    answer = client.post("/api/sign-in", json={"username": "canbo"})
    assert answer.status_code == 422
    assert answer.json()["field"] == "password"
    assert "password" in answer.json()["detail"]


def test_a_wrong_method_is_a_problem_too(client: TestClient) -> None:
    answer = client.delete("/api/me")
    assert answer.status_code == 405
    assert answer.json()["status"] == 405


def test_params_reach_the_sentence_and_the_program(context: Context) -> None:
    app = FastAPI()
    app.state.context = context
    problems.install(app)

    @app.get("/refused")
    def refused() -> None:
        raise Invalid("accounts.short_password", field="password", at_least=12)

    body = TestClient(app).get("/refused").json()
    assert body["params"] == {"at_least": 12}
    assert "12" in body["detail"]


class Shape(BaseModel):
    """One field of every kind that a request of ours may have."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=5)] = ""
    items: Annotated[list[str], Field(max_length=1)] = []
    volume: Annotated[int, Field(ge=0, le=100)] = 80
    gap_s: float = 0.0
    chime: bool = True
    kind: Literal["a", "b"] = "a"
    day: date | None = None
    since: AwareDatetime | None = None
    pair: dict[str, int] = {}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"title": "sáu chữ"}, "too_long"),
        ({"title": 3}, "text"),
        ({"items": ["a", "b"]}, "too_many"),
        ({"volume": -1}, "too_small"),
        ({"volume": 101}, "too_large"),
        ({"volume": "to"}, "number"),
        ({"gap_s": "lâu"}, "number"),
        ({"chime": "maybe"}, "yes_or_no"),
        ({"kind": "c"}, "choice"),
        ({"day": "2026-02-30"}, "moment"),
        ({"since": "2026-02-03T05:30:00"}, "moment"),
        ({"pair": 3}, "other"),
        ({"unheard_of": 3}, "unknown"),
        ("{", "json"),
        (None, "missing"),
    ],
)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_wrong_shape_has_a_sentence_of_ours(
    context: Context, body: Any, kind: str, language: str
) -> None:
    app = FastAPI()
    app.state.context = context
    problems.install(app)

    @app.post("/shape")
    def shape(wanted: Annotated[Shape, Body()]) -> None: ...

    sent = {"content": body} if isinstance(body, str) else {"json": body} if body else {}
    headers = {"accept-language": language, "content-type": "application/json"}
    answer = TestClient(app).post("/shape", headers=headers, **sent).json()
    assert answer["type"] == f"urn:loaban:error:web.shape.{kind}"
    assert answer["detail"] == context.texts.say(language, f"web.shape.{kind}", **answer["params"])


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_a_fault_of_ours_is_told_with_the_number_it_has_in_the_journal(
    context: Context, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    app = create_app(context)

    @app.get("/fault")
    def fault() -> None:
        raise ZeroDivisionError("the secret cause")

    answer = TestClient(app, raise_server_exceptions=False).get("/fault", headers={"accept": accept})
    assert answer.status_code == 500
    assert "secret cause" not in answer.text
    number = re.search(r"fault (\w{6}): GET /fault", caplog.text)
    assert number
    assert context.texts.say("vi", "web.unexpected", number=number[1]) in answer.text
    assert "ZeroDivisionError: the secret cause" in caplog.text


def test_a_fault_is_told_even_when_the_database_is_what_failed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context.database, "read", lambda: 1 / 0)
    client = TestClient(create_app(context), raise_server_exceptions=False)
    client.cookies.set("loaban_session", "somebody")
    answer = client.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, "mã lỗi" in answer.text) == (500, True)
