"""One file over HTTP, from where the last attempt was cut off."""

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
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        async with client.stream("GET", _checked(url), headers=headers) as response:
            begin = _begin(response, have)
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


def _begin(response: httpx.Response, have: int) -> int:
    """The byte at which the server goes on: where we stopped, or the first. Raises `FetchFailed`."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        begins = response.headers.get("content-range", "").removeprefix("bytes ").split("-")[0]
        if begins != str(have):
            raise FetchFailed(url=str(response.url), problem=f"asked from byte {have}, got {begins!r}")
        return have
    if response.status_code == httpx.codes.OK:
        return 0
    raise FetchFailed(url=str(response.url), problem=f"HTTP {response.status_code}")


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
