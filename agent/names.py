"""Addresses by name, where name servers fail or hang: what was found last goes on serving.

The C library's resolver may hang for half a minute, and asyncio asks it in the threads that sound and journal
need as well. Here each name has at most one thread that hangs, and nobody else waits for it.
"""

import asyncio
import ipaddress
import logging
import socket
import threading

log = logging.getLogger(__name__)

Addresses = tuple[str, ...]


class Names:
    """One per station, used inside its event loop."""

    def __init__(self) -> None:
        self._known: dict[str, Addresses] = {}
        self._asking: dict[str, asyncio.Future[Addresses | OSError]] = {}

    async def addresses_of(self, host: str, within_s: float) -> Addresses:
        """At least one. Raises OSError when there is no answer in time and there never was one."""
        if _is_number(host):
            return (host,)
        try:
            async with asyncio.timeout(within_s):
                found = await asyncio.shield(self._ask(host))
        except TimeoutError:
            found = OSError("no answer in time")
        if not isinstance(found, OSError):
            return found
        if host not in self._known:
            raise OSError(f"no address of {host}: {found}") from found
        log.warning("name server fails, an earlier answer is used: host=%s problem=%s", host, found)
        return self._known[host]

    def _ask(self, host: str) -> "asyncio.Future[Addresses | OSError]":
        if host not in self._asking:
            loop = asyncio.get_running_loop()
            self._asking[host] = loop.create_future()
            threading.Thread(target=self._look_up, args=(host, loop), name="names", daemon=True).start()
        return self._asking[host]

    def _look_up(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        try:
            found: Addresses | OSError = _look_up(host)
        except (OSError, UnicodeError) as error:
            found = OSError(str(error))
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._answer, host, found)

    def _answer(self, host: str, found: Addresses | OSError) -> None:
        if not isinstance(found, OSError):
            self._known[host] = found
        if not (asking := self._asking.pop(host)).done():
            asking.set_result(found)


def _look_up(host: str) -> Addresses:
    """Blocks. Raises OSError or UnicodeError."""
    return tuple(
        dict.fromkeys(str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    )


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
