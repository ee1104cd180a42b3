"""What a captive portal says to whatever it is asked, in whatever protocol: 200, and a page to sign in on."""

import asyncio

_PAGE = b"""<!doctype html><html><head><title>Sign in</title></head>
<body><h1>Your data has run out</h1>
<form method="post"><input name="phone"><button>Go on</button></form></body></html>
"""


def page() -> bytes:
    """A whole HTTP answer."""
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(_PAGE)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + _PAGE


class CaptivePortal(asyncio.Protocol):
    """One connection to it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(page())
        self._transport.close()
