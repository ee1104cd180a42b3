"""Whatever answers where the centre should be, the technician reads what it was and what to do."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from agent.enrolment import errors
from agent.enrolment.asking import ask
from agent.wording import sayer
from tests.support.waiting import free_port
from wire.enrolment import EnrolmentGrant, EnrolmentRequest, PublicKey
from wire.signing import SigningKey

CODE = "ACEFG-HJKMN"
KEY = SigningKey.generate()
GRANT = EnrolmentGrant(
    station="cum-loa-1",
    name="Cụm loa 1",
    controller_keys=(PublicKey(x=SigningKey.generate().public_jwk()["x"]),),
    broker_host="mqtt.example",
    broker_port=1883,
)
Centre = Callable[..., str]


@pytest.fixture
def asked() -> list[bytes]:
    return []


@pytest.fixture
def centre(asked: list[bytes]) -> Iterator[Centre]:
    """A web server that answers everything in one way; `centre(status, type, body, **headers)` is its URL."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(status: int, kind: str, body: bytes, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return None

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def refused(url: str, code: str = CODE, **options: Any) -> errors.NotEnrolled:
    with pytest.raises(errors.NotEnrolled) as caught:
        ask(url, code, KEY, **options)
    for language in ("vi", "en"):
        assert sayer(language)(caught.value.key, **caught.value.params)
    return caught.value


def problem(key: str) -> bytes:
    return json.dumps({"type": f"urn:loaban:error:{key}", "detail": "vì sao", "status": 409}).encode()


def test_the_grant_comes_back_and_the_question_proves_the_key(centre: Centre, asked: list[bytes]) -> None:
    assert ask(f"{centre(200, 'application/json', GRANT.encode())}/", CODE, KEY) == GRANT
    question = EnrolmentRequest.decode(asked[0])
    question.check()
    assert question.code == "ACEFGHJKMN"
    assert question.public_key.x == KEY.public_jwk()["x"]


@pytest.mark.parametrize("name", ["code_wrong", "code_used", "code_expired", "too_many_tries"])
def test_the_centres_reasons_are_told_in_our_own_words(centre: Centre, name: str) -> None:
    url = centre(409, "application/problem+json", problem(f"enrolment.{name}"))
    assert refused(url).key == f"enrol.{name}"


def test_a_reason_that_we_do_not_know_is_told_as_it_came(centre: Centre) -> None:
    error = refused(centre(403, "application/problem+json", problem("accounts.closed")))
    assert (error.key, error.params["problem"]) == ("enrol.refused", "vì sao")


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<html>Please pay</html>"),
        (200, "application/json", b"<html>"),
        (200, "application/json", b'{"station": "a"}'),
        (511, "application/problem+json", b"[]"),
        (404, "text/html", b"gone"),
    ],
)
def test_a_page_in_the_centres_place_is_a_captive_portal(
    centre: Centre, status: int, kind: str, body: bytes
) -> None:
    assert isinstance(refused(centre(status, kind, body)), errors.CaptivePortal)


def test_redirects_are_not_followed(centre: Centre, asked: list[bytes]) -> None:
    elsewhere = centre(200, "application/json", GRANT.encode())
    error = refused(centre(302, "text/html", b"", Location=f"{elsewhere}/api/enrolment"))
    assert isinstance(error, errors.CaptivePortal)
    assert len(asked) == 1


def test_a_centre_that_is_down_or_broken_is_unreachable(centre: Centre) -> None:
    assert isinstance(refused(f"http://127.0.0.1:{free_port()}"), errors.Unreachable)
    assert isinstance(refused("http://khong-co.invalid", plain_http=True), errors.Unreachable)
    assert isinstance(refused(centre(502, "text/html", b"bad gateway")), errors.Unreachable)


def test_something_that_speaks_no_http_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def babble() -> None:
            visitor, _ = listening.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(b"\x20\x02\x00\x00")

        thread = threading.Thread(target=babble)
        thread.start()
        assert isinstance(refused(f"http://127.0.0.1:{listening.getsockname()[1]}"), errors.Unreachable)
        thread.join()


def test_a_certificate_that_does_not_hold_is_not_trusted(tmp_path: Any, self_signed: Any) -> None:
    assert isinstance(refused(self_signed), errors.NotTrusted)


@pytest.mark.parametrize(
    "url",
    ["loa.example.vn", "ftp://loa.example.vn", "https://", "https://a?b", "http://[::1", "file:///etc/x"],
)
def test_what_is_no_address_is_said(url: str) -> None:
    assert isinstance(refused(url), errors.BadUrl)


def test_without_encryption_only_when_told_so_or_on_this_machine() -> None:
    assert isinstance(refused("http://loa.invalid"), errors.NotSecure)
    assert isinstance(refused("http://loa.invalid", plain_http=True), errors.Unreachable)


@pytest.mark.parametrize("code", ["", "ACEFG", "ACEFG-HJKM0", "ACEFG-HJKMNN"])
def test_a_code_that_can_be_none_is_not_sent(centre: Centre, asked: list[bytes], code: str) -> None:
    assert isinstance(refused(centre(200, "text/html", b""), code), errors.BadCode)
    assert not asked
