"""The job `cap`: feeds of CAP messages, Atom or RSS, with the messages inside or behind links."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import etree

from controller.cap import queries, safe, sources
from controller.cap.errors import Unreadable, shortened
from controller.cap.model import NAMESPACE, OLD_NAMESPACES
from controller.cap.service import Arrival, Reception
from controller.cap.sources import Source, is_web_address
from controller.cap.tables import CapFeedState, Via
from controller.context import Context
from controller.errors import Invalid

_log = logging.getLogger(__name__)

NAME: Final = "cap"
MOST_ENTRIES: Final = 200
_TIMEOUTS: Final = httpx.Timeout(10.0, connect=5.0)
_LONGEST_S: Final = 20.0
"""One address, from the first byte to the last."""
_LONGEST_FEED_S: Final = 30.0
_AT_ONCE: Final = 8
"""Feeds; those that failed the last time come last."""
_MOST_REMEMBERED: Final = 5_000
_ALERTS: Final = frozenset(f"{{{namespace}}}alert" for namespace in (NAMESPACE, *OLD_NAMESPACES))
_CAP_TYPES: Final = ("application/cap+xml", "application/common-alerting-protocol+xml")


class Unreachable(Exception):
    """What was wrong with a feed, or with one message of it, as it is kept for technicians."""


class WrongSources(Exception):
    """What is to be changed in `cap.toml`, as a sentence for technicians: it stands beside the job."""


@dataclass(frozen=True)
class _Link:
    """A message behind an address; `mark` changes when its entry does."""

    url: str
    mark: str


@dataclass(frozen=True)
class _Fetched:
    body: bytes
    etag: str | None
    url: str


class Polling:
    """Looks at every feed that is due. What is wrong with one holds up no other."""

    def __init__(self, context: Context, reception: Reception) -> None:
        self._context = context
        self._reception = reception
        self._lock = threading.Lock()
        self._read: OrderedDict[_Link, None] = OrderedDict()
        """Messages behind links that need not be fetched again; only in memory, for digests decide."""

    def run(self) -> None:
        """Raises WrongSources for a `cap.toml` that cannot be read."""
        try:
            found = sources.load(self._context.settings.data_dir)
        except Invalid as error:
            raise WrongSources(self._context.texts.say("vi", error.key, **error.params)) from error
        with self._context.database.read() as session:
            states = queries.feeds(session)
        now = self._context.now()
        with httpx.Client(timeout=_TIMEOUTS, follow_redirects=False, trust_env=False) as client:
            due = [one for one in found.every if one.feed and _is_due(one, states.get(one.name), now)]
            self._poll_all(client, sorted(due, key=lambda one: _fails(states.get(one.name))), states)

    def _poll_all(
        self, client: httpx.Client, due: Sequence[Source], states: Mapping[str, CapFeedState]
    ) -> None:
        """Side by side, so that none waits for a slow one. Raises what the database raises, after all."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="cap-feed") as pool:
            looks = [pool.submit(self._poll, client, one, states.get(one.name)) for one in due]
        for look in looks:
            look.result()

    def _poll(self, client: httpx.Client, source: Source, state: CapFeedState | None) -> None:
        now = self._context.now()
        try:
            etag = self._look(client, source, state.etag if state else None)
            values: dict[str, Any] = {"etag": etag, "failed_at": None, "failure": None}
        except (Unreachable, Unreadable, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            _log.warning("CAP feed %s: %s", source.name, error)
            failure = shortened(f"{type(error).__name__}: {error}", 500)
            values = {"etag": None, "failed_at": now, "failure": failure}
        with self._context.database.write() as session:
            queries.save_feed(session, source.name, {"polled_at": now, **values})

    def _look(self, client: httpx.Client, source: Source, etag: str | None) -> str | None:
        """The feed's new ETag; none where a message behind it could not be fetched: to be tried again."""
        deadline_s = time.monotonic() + _LONGEST_FEED_S
        page = self._fetch(client, source, source.feed or "", etag)
        if page is None:
            return etag
        complete = True
        for entry in _entries(safe.read(page.body)):
            if isinstance(entry, bytes):
                self._take(source, entry)
            elif time.monotonic() > deadline_s or not self._follow(client, source, entry, page.url):
                complete = False
        return page.etag if complete else None

    def _follow(self, client: httpx.Client, source: Source, link: _Link, base_url: str) -> bool:
        """False where it could not be fetched; it is tried again at the next look."""
        with self._lock:
            if link in self._read:
                return True
        try:
            fetched = self._fetch(client, source, urljoin(base_url, link.url), None)
        except (Unreachable, httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            _log.warning("CAP feed %s, %s: %s", source.name, link.url[:200], error)
            return False
        if fetched is not None:
            self._take(source, fetched.body)
        self._remember(link)
        return True

    def _remember(self, link: _Link) -> None:
        with self._lock:
            self._read[link] = None
            while len(self._read) > _MOST_REMEMBERED:
                self._read.popitem(last=False)

    def _take(self, source: Source, raw: bytes) -> None:
        arrival = Arrival(raw, Via.FEED, source, source.name, untouched=source.feed_is_private)
        self._reception.take_new(arrival)

    def _fetch(self, client: httpx.Client, source: Source, url: str, etag: str | None) -> _Fetched | None:
        """None where nothing has changed. Redirects only among the source's own hosts. Raises Unreachable."""
        for _ in range(4):
            _check_host(source, url)
            headers = {"Accept": "application/atom+xml, application/rss+xml, application/cap+xml, */*;q=0.1"}
            if etag:
                headers["If-None-Match"] = etag
            with client.stream("GET", url, headers=headers) as response:
                if response.status_code == 304 and etag:
                    return None
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if not response.is_success:
                    raise Unreachable(f"{url} answers {response.status_code}")
                return _Fetched(_body(response), response.headers.get("etag", "")[:200] or None, url)
        raise Unreachable(f"{url}: too many redirects")


def _fails(state: CapFeedState | None) -> bool:
    return state is not None and state.failed_at is not None


def _check_host(source: Source, url: str) -> None:
    """A feed may not make us ask other machines, nor fall back from https. Raises Unreachable."""
    if not is_web_address(url):
        raise Unreachable(f"{url} is no web address")
    wanted, given = urlsplit(source.feed or ""), urlsplit(url)
    if given.hostname not in {wanted.hostname, *source.hosts}:
        raise Unreachable(f"{url} is on another host than the feed; `hosts` may allow it")
    if wanted.scheme == "https" and given.scheme != "https":
        raise Unreachable(f"{url} is not protected as the feed is")


def _body(response: httpx.Response) -> bytes:
    """Raises Unreachable for what is too large or comes too slowly."""
    deadline_s = time.monotonic() + _LONGEST_S
    found = bytearray()
    for block in response.iter_bytes():
        found += block
        if len(found) > safe.LIMIT_BYTES:
            raise Unreachable(f"{response.url} is larger than {safe.LIMIT_BYTES} bytes")
        if time.monotonic() > deadline_s:
            raise Unreachable(f"{response.url} takes longer than {_LONGEST_S:.0f} s")
    return bytes(found)


def _is_due(source: Source, state: CapFeedState | None, now: datetime) -> bool:
    if state is None or state.polled_at is None:
        return True
    return now >= state.polled_at + timedelta(seconds=source.every_s) or state.polled_at > now


def _entries(root: etree._Element) -> Iterator[bytes | _Link]:
    """Messages inside the page, or links to them. The page may be a message itself. The oldest first."""
    if root.tag in _ALERTS:
        yield etree.tostring(root)
        return
    found = [element for element in root.iter() if _name(element) in {"entry", "item"}]
    for element in reversed(found[:MOST_ENTRIES]):
        inside = next((child for child in element.iter() if child.tag in _ALERTS), None)
        if inside is not None:
            yield etree.tostring(inside, with_tail=False)
            continue
        link = _link(element)
        if link:
            mark = _text(element, "updated") or _text(element, "pubDate") or _text(element, "id")
            yield _Link(link, mark)


def _link(entry: etree._Element) -> str | None:
    """The one that is said to be CAP; else the first that leads on."""
    links = [
        (element, element.get("type", "")) for element in entry if _name(element) in {"link", "enclosure"}
    ]
    for element, type_ in links:
        if type_.partition(";")[0].strip() in _CAP_TYPES:
            return _address(element)
    others = [element for element, _ in links if element.get("rel", "alternate") == "alternate"]
    return next((address for element in others if (address := _address(element))), None)


def _address(link: etree._Element) -> str | None:
    return link.get("href") or link.get("url") or (link.text or "").strip() or None


def _text(entry: etree._Element, name: str) -> str:
    return next(((child.text or "").strip() for child in entry if _name(child) == name), "")


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname
