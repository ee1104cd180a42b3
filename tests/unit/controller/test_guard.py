"""Writes from foreign pages and endless bodies are refused; every answer carries its security headers."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from controller.app import create_app
from controller.context import Context
from controller.guard import BODY_LIMIT_BYTES, Guard


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


@pytest.fixture
def whole(context: Context) -> TestClient:
    """Nobody is signed in."""
    return TestClient(create_app(context), base_url="http://loaban.example")


FILE = b'--B\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
BODIES = [
    ("/api/schedules", "application/json", b'{"title": "'),
    ("/api/sign-in", "application/json", b'{"username": "'),
    ("/dang-nhap", "multipart/form-data; boundary=B", FILE),
]


@pytest.mark.parametrize(("path", "kind", "head"), BODIES)
def test_a_body_announced_too_large_is_not_even_begun(
    whole: TestClient, context: Context, path: str, kind: str, head: bytes
) -> None:
    content = head + b"x" * BODY_LIMIT_BYTES
    answer = whole.post(path, content=content, headers={"content-type": kind})
    assert answer.status_code == 413
    assert answer.json()["detail"] == context.texts.say("vi", "web.too_much")


async def test_no_more_than_the_limit_is_taken(context: Context) -> None:
    taken_bytes = 0
    statuses: list[int] = []

    async def receive() -> Message:
        nonlocal taken_bytes
        taken_bytes += 100_000
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    for path, most_bytes in (("/api/schedules", BODY_LIMIT_BYTES + 100_000), ("/api/uploads", 0)):
        taken_bytes = 0
        await create_app(context)(scope_of(path), receive, send)
        assert taken_bytes <= most_bytes
    assert statuses == [413, 401]


def scope_of(path: str) -> Scope:
    headers = [(b"host", b"loaban.example"), (b"content-type", b"application/json")]
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("loaban.example", 80),
    }
