"""Scheduled sound, fetched ahead: soonest first, two at a time, each failure waiting its own back-off."""

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import httpx

from agent.backoff import Backoff
from agent.errors import FetchFailed
from agent.fetch import fetch
from agent.settings import Media
from agent.sound_files import SoundFiles
from wire.messages import CacheState, Item

log = logging.getLogger(__name__)

_MISSING_NAMED = 20
_TIDY_EVERY_S = 3600.0
_DAY_S = 86_400.0
_MB = 1024 * 1024


@dataclass
class _Wish:
    item: Item
    backoff: Backoff
    not_before_s: float = 0.0


@dataclass
class MediaCache:
    """`want` says what the plan names; `run` brings it here and keeps the disk tidy."""

    files: SoundFiles
    settings: Media
    arrived: Callable[[], None] = lambda: None
    _media_url: str = ""
    _wishes: dict[str, _Wish] = field(default_factory=dict)
    _busy: set[str] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def want(self, media_url: str, items: Iterable[Item]) -> None:
        """All sound that the plan names, in the order of first use. Raises OSError."""
        wishes: dict[str, _Wish] = {}
        for item in items:
            old = self._wishes.get(item.sha256)
            wishes.setdefault(item.sha256, old or _Wish(item, self._backoff()))
        self._media_url, self._wishes = media_url.rstrip("/"), wishes
        self.files.touch(frozenset(wishes))
        self._changed.set()

    def state(self) -> CacheState:
        missing = [sha256 for sha256 in self._wishes if not self.files.has(sha256)]
        return CacheState(
            held=len(self._wishes) - len(missing),
            wanted=len(self._wishes),
            missing=tuple(missing[:_MISSING_NAMED]),
            bytes_held=self.files.bytes_held(),
            bytes_free=self.files.bytes_free(),
        )

    async def distrust(self, sha256: str) -> None:
        """A held file could not be decoded: read it again, fetch it anew if rotted. Raises OSError."""
        if not await asyncio.to_thread(self.files.recheck, sha256):
            self._changed.set()

    async def run(self) -> None:
        client = httpx.AsyncClient(timeout=self.settings.timeout_s, follow_redirects=False)
        async with client, asyncio.TaskGroup() as group:
            for number in range(self.settings.parallel):
                group.create_task(self._work(client), name=f"fetch-{number}")
            group.create_task(self._tidy(), name="tidy")

    async def _work(self, client: httpx.AsyncClient) -> None:
        while True:
            wish = self._next()
            if wish is None:
                await self._wait_for_work()
                continue
            self._busy.add(wish.item.sha256)
            try:
                await self._bring(client, wish)
            finally:
                self._busy.discard(wish.item.sha256)

    async def _bring(self, client: httpx.AsyncClient, wish: _Wish) -> None:
        item = wish.item
        try:
            self._make_room(item)
            await fetch(
                client, f"{self._media_url}/{item.sha256}.opus", self.files.part(item.sha256), item.size_bytes
            )
            whole = await asyncio.to_thread(self.files.accept, item.sha256)
        except (FetchFailed, OSError) as error:
            self._postpone(wish, str(error))
            return
        if not whole:
            self._postpone(wish, "checksum does not match")
            return
        log.info("sound held: sha256=%s bytes=%d", item.sha256, item.size_bytes)
        self.arrived()

    def _make_room(self, item: Item) -> None:
        """Raises OSError (ENOSPC) when even removing old sound leaves too little."""
        needed = item.size_bytes + self.settings.reserve_mb * _MB
        if self.files.bytes_free() >= needed:
            return
        removed = self.files.remove_unwanted(frozenset(self._wishes), keep_s=0.0)
        log.warning("disk short: removed_files=%d", removed)
        if self.files.bytes_free() < needed:
            raise OSError(errno.ENOSPC, "no room for sound")

    def _postpone(self, wish: _Wish, problem: str) -> None:
        pause_s = wish.backoff.next_s()
        wish.not_before_s = time.monotonic() + pause_s
        log.warning(
            "sound not fetched: sha256=%s next_try_s=%.0f problem=%s", wish.item.sha256, pause_s, problem
        )

    def _next(self) -> _Wish | None:
        now_s = time.monotonic()
        return next((wish for wish in self._open_wishes() if wish.not_before_s <= now_s), None)

    def _open_wishes(self) -> Iterator[_Wish]:
        for sha256, wish in self._wishes.items():
            if sha256 not in self._busy and not self.files.has(sha256):
                yield wish

    async def _wait_for_work(self) -> None:
        self._changed.clear()
        waits = [wish.not_before_s for wish in self._open_wishes()]
        pause_s = max(min(waits) - time.monotonic(), 0.05) if waits else None
        try:
            await asyncio.wait_for(self._changed.wait(), pause_s)
        except TimeoutError:
            return

    async def _tidy(self) -> None:
        while True:
            wanted = frozenset(self._wishes)
            self.files.touch(wanted)
            if wanted:
                removed = self.files.remove_unwanted(wanted, self.settings.keep_days * _DAY_S)
                log.info("cache tidied: removed_files=%d", removed)
            await asyncio.sleep(_TIDY_EVERY_S)

    def _backoff(self) -> Backoff:
        return Backoff(self.settings.retry_min_s, self.settings.retry_max_s)
