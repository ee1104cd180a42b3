"""Errors are RFC 9457 problem documents with the catalogue's sentence, in the language of whoever asks."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

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
