"""What every request goes through: no writes from foreign pages, no endless bodies, security headers."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT_BYTES: Final = 1_000_000
_LIMIT_THEMSELVES: Final = frozenset({"/api/uploads", "/api/emergency/sounds", "/api/cap"})
"""They ask who is there before they read, up to a limit of their own."""
_LARGER: Final = {"/khan-cap/tin-cap": 6_000_000}
"""A CAP file brought by hand may be longer than other forms."""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Guard:
    """ASGI middleware. A browser names the page a write comes from; one that is not ours is refused.

    A body above the limit ends in HTTPException 413 where it is read: it is read before anybody is known.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] not in _SAFE and _is_foreign(Headers(scope=scope)):
            await PlainTextResponse("cross-site request refused", 403)(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        path = scope["path"]
        limit_bytes = _LARGER.get(path, BODY_LIMIT_BYTES)
        limited = (
            receive if path in _LIMIT_THEMSELVES else _limited(receive, Headers(scope=scope), limit_bytes)
        )
        await self._app(scope, limited, send_guarded)


def _limited(receive: Receive, headers: Headers, limit_bytes: int) -> Receive:
    announced = headers.get("content-length", "")
    announced_bytes = int(announced) if announced.isdecimal() else 0
    taken_bytes = 0

    async def receive_limited() -> Message:
        nonlocal taken_bytes
        if announced_bytes > limit_bytes:
            raise HTTPException(413)
        message = await receive()
        taken_bytes += len(message.get("body", b""))
        if taken_bytes > limit_bytes:
            raise HTTPException(413)
        return message

    return receive_limited


def _is_foreign(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
