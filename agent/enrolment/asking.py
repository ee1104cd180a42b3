"""One question to the centre over HTTP, and what the answers of others in its place look like."""

import json
import ssl
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from agent.enrolment.errors import (
    BadCode,
    BadUrl,
    CaptivePortal,
    CodeRefused,
    NotEnrolled,
    NotSecure,
    NotTrusted,
    Unreachable,
)
from wire.base import Message
from wire.enrolment import (
    CODE_LENGTH,
    CODE_LETTERS,
    KEYS_PATH,
    PATH,
    CentreKeys,
    EnrolmentGrant,
    EnrolmentRequest,
    PublicKey,
    plain_code,
)
from wire.errors import Malformed
from wire.signing import SigningKey

ANSWER_WITHIN_S: Final = 30.0
_ANSWER_BYTES: Final = 65_536
_REASONS: Final = {
    f"urn:loaban:error:enrolment.{name}": f"enrol.{name}"
    for name in ("code_wrong", "code_used", "code_expired", "too_many_tries")
}
Answer = TypeVar("Answer", bound=Message)
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def keys_of(url: str, *, plain_http: bool = False) -> tuple[PublicKey, ...]:
    """Of the centre at that address, as it says. Raises `NotEnrolled` in one of its forms."""
    base = _checked(url, plain_http=plain_http)
    asked = urllib.request.Request(base + KEYS_PATH, headers={"Accept": "application/json"})  # noqa: S310
    return _read(base, CentreKeys, *_sent(base, asked)).controller_keys


def checked_code(typed: str) -> str:
    """Raises `BadCode`."""
    plain = plain_code(typed)
    if len(plain) != CODE_LENGTH or not set(plain) <= set(CODE_LETTERS):
        raise BadCode
    return plain


def ask(url: str, code: str, key: SigningKey, *, plain_http: bool = False) -> EnrolmentGrant:
    """Raises `NotEnrolled` in one of its forms."""
    base = _checked(url, plain_http=plain_http)
    plain = checked_code(code)
    asked = urllib.request.Request(  # noqa: S310 - the scheme is checked above
        base + PATH,
        data=EnrolmentRequest.made_with(key, plain).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    return _read(base, EnrolmentGrant, *_sent(base, asked))


def _checked(url: str, *, plain_http: bool) -> str:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise BadUrl(url=url) from error
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise BadUrl(url=url)
    if parts.scheme == "http" and not plain_http and host not in _THIS_MACHINE:
        raise NotSecure(url=url)
    return url.rstrip("/")


def _opener() -> urllib.request.OpenerDirector:
    """Without redirects: the centre sends nobody elsewhere, so whoever does is not the centre."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _sent(base: str, asked: urllib.request.Request) -> tuple[int, str, bytes]:
    """Status, media type and body."""
    try:
        with _opener().open(asked, timeout=ANSWER_WITHIN_S) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read(_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read(_ANSWER_BYTES)
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise NotTrusted(url=base, problem=error.reason) from error
        raise Unreachable(url=base, problem=error.reason) from error
    except (OSError, HTTPException) as error:
        raise Unreachable(url=base, problem=str(error) or type(error).__name__) from error


def _read(base: str, of: type[Answer], status: int, kind: str, body: bytes) -> Answer:
    if kind == "application/problem+json":
        raise _refusal(base, body)
    if status >= 500:
        raise Unreachable(url=base, problem=f"HTTP {status}")
    if status != 200 or kind != "application/json":
        raise CaptivePortal(url=base)
    try:
        return of.decode(body)
    except Malformed as error:
        raise CaptivePortal(url=base) from error


def _refusal(base: str, body: bytes) -> NotEnrolled:
    try:
        problem: dict[str, Any] = json.loads(body)
        why = _REASONS.get(str(problem.get("type")))
        detail = str(problem.get("detail", problem.get("title", "")))[:300]
    except (ValueError, AttributeError):
        return CaptivePortal(url=base)
    return CodeRefused(why) if why else NotEnrolled(problem=detail)
