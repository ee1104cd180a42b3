"""Name servers that fail, hang or lie, for the process that asks: its look-ups of names go through here."""

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any


class Answering(StrEnum):
    WELL = "well"
    NOT_FOUND = "not_found"
    """At once: no such name, or no name server."""
    NEVER = "never"
    """The caller hangs until somebody lets it go, as the C library's resolver does for half a minute."""
    WITH_ANOTHER_ADDRESS = "with_another_address"
    """That of `elsewhere`, as a captive portal's name server does."""


class NameServer:
    """Addresses written as numbers are not its matter."""

    def __init__(self, elsewhere: str = "127.0.0.1") -> None:
        self.answering = Answering.WELL
        self.asked = 0
        self.waiting = 0
        """How many look-ups hang at this moment."""
        self._elsewhere = elsewhere
        self._let_go = threading.Event()

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """Inside, this process asks us. Whatever hangs is let go at the end."""
        real = socket.getaddrinfo

        def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
            return real(self._answer(host), *rest, **more)

        socket.getaddrinfo = getaddrinfo
        try:
            yield
        finally:
            socket.getaddrinfo = real
            self.let_go()

    def let_go(self) -> None:
        """What hangs fails."""
        self._let_go.set()

    def _answer(self, host: Any) -> Any:
        """Raises `socket.gaierror`."""
        if not isinstance(host, str | bytes) or _is_number(host):
            return host
        self.asked += 1
        if self.answering is Answering.NEVER:
            self._hang()
        if self.answering in (Answering.NOT_FOUND, Answering.NEVER):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._elsewhere if self.answering is Answering.WITH_ANOTHER_ADDRESS else host

    def _hang(self) -> None:
        self.waiting += 1
        self._let_go.wait()
        self.waiting -= 1


def _is_number(host: str | bytes) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True
