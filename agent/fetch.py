"""One file over HTTP, from where the last attempt was cut off.

Between the controller and a board on a pole there may be a captive portal that answers everything with a
page, or a gateway that packs what passes: such an answer is refused before it touches what has already come.
"""

import asyncio
from pathlib import Path

import httpx

from agent.errors import FetchFailed

_PORT_MAX = 65_535


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
    end = begin
    with await asyncio.to_thread(part.open, "ab" if begin else "wb") as file:
        async for block in response.aiter_raw():
            end += len(block)
            if end > size_bytes:
                raise FetchFailed(url=str(response.url), problem=f"more than {size_bytes} bytes")
            await asyncio.to_thread(file.write, block)
    return end
