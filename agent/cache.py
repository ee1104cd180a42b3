"""Sound, fetched ahead: alerts first, then standing sounds, then the plan, soonest first.

Alerts and standing sounds have a worker of their own, and while one of them can be fetched the plan's
downloads are set aside; they go on later from where they stopped. Each failure waits its own back-off.
"""

import asyncio
import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import httpx

from agent.backoff import Backoff
from agent.errors import FetchFailed
from agent.fetch import ByNames, fetch
from agent.names import Names
from agent.settings import Media
from agent.sound_files import SoundFiles
from wire.messages import CacheState, Item

log = logging.getLogger(__name__)

_MISSING_NAMED = 20
_TIDY_EVERY_S = 3600.0
_DAY_S = 86_400.0
_MB = 1024 * 1024


URGENT_RETRY_MAX_S = 5.0


class Grade(IntEnum):
    """What comes before what."""

    ALERT = 0
    STANDING = 1
    PLAN = 2


@dataclass
class _Wish:
    item: Item
    grade: Grade
    backoff: Backoff
    not_before_s: float = 0.0

    @property
    def is_urgent(self) -> bool:
        return self.grade < Grade.PLAN


@dataclass
class MediaCache:
    """`want` says what is needed; `run` brings it here and keeps the disk tidy."""

    files: SoundFiles
    settings: Media
    arrived: Callable[[], None] = lambda: None
    monotonic_s: Callable[[], float] = time.monotonic
    """Of the station's clock."""
    names: Names = field(default_factory=Names)
    _media_url: str = ""
    _wishes: dict[str, _Wish] = field(default_factory=dict)
    _named: dict[Grade, frozenset[str]] = field(default_factory=dict)
    _busy: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def want(self, media_url: str, items: Mapping[Grade, Iterable[Item]]) -> None:
        """All sound that is needed, each grade in the order of first use."""
        wishes: dict[str, _Wish] = {}
        named: dict[Grade, frozenset[str]] = {}
        for grade in Grade:
            of_grade = {item.sha256: item for item in items.get(grade, ())}
            named[grade] = frozenset(of_grade)
            for sha256, item in of_grade.items():
                wishes.setdefault(sha256, self._wish(item, grade))
        changed = frozenset(wishes.keys() ^ self._wishes.keys())
        self._media_url, self._wishes, self._named = media_url.rstrip("/"), wishes, named
        self.files.touch(changed)
        self._set_plan_aside()
        self._changed.set()

    def _wish(self, item: Item, grade: Grade) -> _Wish:
        old = self._wishes.get(item.sha256)
        if old is not None and old.grade == grade:
            return old
        return _Wish(item, grade, self._backoff(grade))

    def state(self, grade: Grade = Grade.PLAN) -> CacheState:
        """What is held of all that is named for this; the bytes, with the plan, are the whole folder's."""
        named = [sha256 for sha256 in self._wishes if sha256 in self._named.get(grade, ())]
        missing = [sha256 for sha256 in named if not self.files.is_good(sha256)]
        with_bytes = grade is Grade.PLAN
        return CacheState(
            held=len(named) - len(missing),
            wanted=len(named),
            missing=tuple(missing[:_MISSING_NAMED]),
            bytes_held=self.files.bytes_held() if with_bytes else 0,
            bytes_free=self.files.bytes_free() if with_bytes else None,
        )

    def again(self) -> None:
        """There is a network once more: what has failed is tried now, not when its long wait is over."""
        for wish in self._wishes.values():
            wish.backoff.reset()
            wish.not_before_s = 0.0
        self._changed.set()

    async def distrust(self, sha256: str) -> None:
        """A held file could not be decoded: read it again, fetch it anew if rotted."""
        if not await asyncio.to_thread(self.files.recheck, sha256):
            self._changed.set()

    async def reread(self, sha256: str) -> None:
        """One that has rotted is fetched anew; until then it is still what sounds."""
        if not await asyncio.to_thread(self.files.reread, sha256):
            self._changed.set()

    def wanted(self) -> tuple[str, ...]:
        """All that is to be held, what is needed first before the rest."""
        return tuple(self._wishes)

    async def run(self) -> None:
        timeout_s = self.settings.timeout_s
        transport = ByNames(self.names, timeout_s)
        client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, transport=transport)
        async with client, asyncio.TaskGroup() as group:
            group.create_task(self._work(client, group, urgent_only=True), name="fetch-urgent")
            for number in range(self.settings.parallel):
                group.create_task(self._work(client, group), name=f"fetch-{number}")
            group.create_task(self._tidy(), name="tidy")

    async def _work(
        self, client: httpx.AsyncClient, group: asyncio.TaskGroup, *, urgent_only: bool = False
    ) -> None:
        while True:
            wish = self._next(urgent_only=urgent_only)
            if wish is None:
                await self._wait_for_work()
                continue
            sha256 = wish.item.sha256
            if wish.is_urgent:
                self._set_plan_aside()
            self._busy[sha256] = group.create_task(self._bring(client, wish), name=f"fetch {sha256}")
            try:
                await asyncio.wait([self._busy[sha256]])
            finally:
                del self._busy[sha256]
                self._changed.set()

    def _set_plan_aside(self) -> None:
        """What has come of it stays, and is gone on with."""
        if not self._urgent_open():
            return
        for sha256, fetching in self._busy.items():
            wish = self._wishes.get(sha256)
            if wish is None or not wish.is_urgent:
                fetching.cancel()

    def _urgent_open(self) -> bool:
        """Something urgent is being fetched, or can be."""
        now_s = self.monotonic_s()
        return any(
            sha256 in self._busy or wish.not_before_s <= now_s
            for sha256, wish in self._wishes.items()
            if wish.is_urgent and not self.files.is_good(sha256)
        )

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
        wish.not_before_s = self.monotonic_s() + pause_s
        log.warning(
            "sound not fetched: sha256=%s next_try_s=%.0f problem=%s", wish.item.sha256, pause_s, problem
        )

    def _next(self, *, urgent_only: bool) -> _Wish | None:
        now_s = self.monotonic_s()
        urgent_only = urgent_only or self._urgent_open()
        ready = (wish for wish in self._open_wishes() if wish.not_before_s <= now_s)
        return next((wish for wish in ready if wish.is_urgent or not urgent_only), None)

    def _open_wishes(self) -> Iterator[_Wish]:
        for sha256, wish in self._wishes.items():
            if sha256 not in self._busy and not self.files.is_good(sha256):
                yield wish

    async def _wait_for_work(self) -> None:
        self._changed.clear()
        now_s = self.monotonic_s()
        waits = [wish.not_before_s for wish in self._open_wishes() if wish.not_before_s > now_s]
        pause_s = max(min(waits) - now_s, 0.05) if waits else None
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
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

    def _backoff(self, grade: Grade) -> Backoff:
        longest_s = self.settings.retry_max_s
        return Backoff(
            self.settings.retry_min_s,
            min(longest_s, URGENT_RETRY_MAX_S) if grade is Grade.ALERT else longest_s,
        )
