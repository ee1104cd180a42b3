"""Writes from foreign pages are refused; every answer carries its security headers."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from controller.guard import Guard


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Guard)

    @app.api_route("/thing", methods=["GET", "POST"])
    def thing() -> dict[str, bool]:
        return {"done": True}

    return TestClient(app, base_url="http://loaban.example")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example"},
        {"origin": "null"},
        {"origin": "http://loaban.example.elsewhere.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_write_from_another_site_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/thing", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://loaban.example"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}],
)
def test_our_own_pages_and_programs_may_write(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/thing", headers=headers).json() == {"done": True}


def test_reading_is_free_and_carries_the_headers(client: TestClient) -> None:
    answer = client.get("/thing", headers={"origin": "http://elsewhere.example"})
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
