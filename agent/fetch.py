"""One file over HTTP, from where the last attempt was cut off.

Between the controller and a board on a pole there may be a captive portal that answers everything with a
page, or a gateway that packs what passes: such an answer is refused before it touches what has already come.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

import httpx

from agent.errors import FetchFailed
from agent.names import Names

_PORT_MAX = 65_535
_DRIP_S = 60.0
_DRIP_BYTES = 8 * 1024
"""At 16 kbit/s fifteen times as much comes in that time."""


class ByNames(httpx.AsyncHTTPTransport):
    """As httpx, except that `names` say where a host is, and each of its addresses is tried."""

    def __init__(self, names: Names, within_s: float) -> None:
        super().__init__()
        self._names = names
        self._within_s = within_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        request.extensions = {**request.extensions, "sni_hostname": host}
        try:
            *others, last = await self._names.addresses_of(host, self._within_s)
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._ask_at(address, request)
        return await self._ask_at(last, request)

    async def _ask_at(self, address: str, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(host=address)
        return await super().handle_async_request(request)


async def fetch(client: httpx.AsyncClient, url: str, part: Path, size_bytes: int) -> None:
    """Bring `part` up to `size_bytes`. Raises `FetchFailed` (try again) or OSError (the disk)."""
    have = await asyncio.to_thread(_usable, part, size_bytes)
    if have == size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        async with client.stream("GET", _checked(url), headers=headers) as response:
            begin = _begin(response, have, size_bytes)
            end = await _receive(response, part, begin, size_bytes)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchFailed(url=url, problem=f"{type(error).__name__} {error}") from error
    if end != size_bytes:
        raise FetchFailed(url=url, problem=f"{end} of {size_bytes} bytes")


def _checked(url: str) -> httpx.URL:
    """Raises `httpx.InvalidURL`, also for a port that httpx itself lets through to the socket."""
    parsed = httpx.URL(url)
    if parsed.port is not None and parsed.port > _PORT_MAX:
        raise httpx.InvalidURL(f"Invalid port: {parsed.port}")
    return parsed


def _usable(part: Path, size_bytes: int) -> int:
    """How many bytes of an earlier attempt can be kept."""
    if not part.exists():
        return 0
    have = part.stat().st_size
    if have <= size_bytes:
        return have
    part.unlink()
    return 0


def _begin(response: httpx.Response, have: int, size_bytes: int) -> int:
    """The byte at which the server goes on: where we stopped, or the first. Raises `FetchFailed`."""
    _refuse_a_page(response)
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        begins = response.headers.get("content-range", "").removeprefix("bytes ").split("-")[0]
        if begins != str(have):
            raise FetchFailed(url=str(response.url), problem=f"asked from byte {have}, got {begins!r}")
        return have
    if response.status_code == httpx.codes.OK:
        _refuse_another_size(response, size_bytes)
        return 0
    raise FetchFailed(url=str(response.url), problem=f"HTTP {response.status_code}")


def _refuse_a_page(response: httpx.Response) -> None:
    """Raises `FetchFailed`."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if kind == "text/html" or packed != "identity":
        raise FetchFailed(url=str(response.url), problem=f"no sound: {kind} {packed}")


def _refuse_another_size(response: httpx.Response, size_bytes: int) -> None:
    """Raises `FetchFailed`. Who does not say how much comes is believed: the checksum has the last word."""
    said = response.headers.get("content-length", str(size_bytes))
    if said != str(size_bytes):
        raise FetchFailed(url=str(response.url), problem=f"{said} instead of {size_bytes} bytes")


async def _receive(response: httpx.Response, part: Path, begin: int, size_bytes: int) -> int:
    """Write what comes, from `begin` on; where it ended."""
    end, pace = begin, _Pace(begin)
    with await asyncio.to_thread(part.open, "ab" if begin else "wb") as file:
        async for block in response.aiter_raw():
            end += len(block)
            if end > size_bytes:
                raise FetchFailed(url=str(response.url), problem=f"more than {size_bytes} bytes")
            await asyncio.to_thread(file.write, block)
            if pace.is_a_drip(end):
                raise FetchFailed(url=str(response.url), problem="it only drips in")
    return end


class _Pace:
    """A server that sends a byte now and then must not hold a place among the downloads for ever."""

    def __init__(self, begin: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._from_s, self._from_byte = self._loop.time(), begin

    def is_a_drip(self, end: int) -> bool:
        """Asked after each block: whether less came than the worst link of a board brings."""
        if self._loop.time() - self._from_s < _DRIP_S:
            return False
        dripped = end - self._from_byte < _DRIP_BYTES
        self._from_s, self._from_byte = self._loop.time(), end
        return dripped
