"""Just enough of HTTP/1.1 for a page and a form, read with limits: anybody may be at the other end."""

import asyncio
import http.client
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

HEAD_BYTES: Final = 8_192
BODY_BYTES: Final = 1_024


class BadRequest(Exception):
    """`status` is what to answer with."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(str(status))


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_from_elsewhere(self) -> bool:
        """A browser says that another site's page sent this."""
        if self.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return True
        origin = self.headers.get("origin")
        return origin is not None and urlsplit(origin).netloc != self.headers.get("host")


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Raises `BadRequest`, or EOFError where the visitor has gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise BadRequest(431) from error
    line, _, rest = head.partition(b"\r\n")
    method, path = _request_line(line)
    headers = _headers(rest)
    return Request(method, path, headers, await _form(reader, method, headers))


def _request_line(line: bytes) -> tuple[str, str]:
    words = line.decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise BadRequest(400)
    return words[0], words[1].partition("?")[0]


def _headers(block: bytes) -> dict[str, str]:
    try:
        parsed = http.client.parse_headers(io.BytesIO(block))
    except http.client.HTTPException as error:
        raise BadRequest(431) from error
    if len(parsed.get_all("host", [])) != 1 or "transfer-encoding" in parsed:
        raise BadRequest(400)
    return {name.lower(): value for name, value in parsed.items()}


async def _form(reader: asyncio.StreamReader, method: str, headers: Mapping[str, str]) -> dict[str, str]:
    if method != "POST":
        return {}
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        raise BadRequest(411)
    if len(length) > 6 or int(length) > BODY_BYTES:
        raise BadRequest(413)
    if headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise BadRequest(415)
    body = (await reader.readexactly(int(length))).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, max_num_fields=8)
    except ValueError as error:
        raise BadRequest(400) from error
    return {name: values[0] for name, values in fields.items()}
