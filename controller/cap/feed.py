"""Our alerts as an Atom feed (RFC 4287) with a link to each CAP message."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from lxml import etree

ATOM: Final = "http://www.w3.org/2005/Atom"
CAP_TYPE: Final = "application/cap+xml"
ATOM_TYPE: Final = "application/atom+xml"


@dataclass(frozen=True)
class Entry:
    """The newest message of one alert."""

    identifier: str
    title: str
    summary: str
    updated: datetime


def path_of(identifier: str) -> str:
    """Where the message is found under our own address."""
    return f"/cap/{quote(identifier, safe=':')}.xml"


def atom(base_url: str, title: str, sender: str, entries: Iterable[Entry], none_before: datetime) -> bytes:
    """`none_before` is its time where there is no entry."""
    listed = list(entries)
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})  # type: ignore[dict-item]
    address = f"{base_url}/cap/feed.atom"
    _put(root, "id", address)
    _put(root, "title", title)
    _put(root, "updated", _time(max((entry.updated for entry in listed), default=none_before)))
    _put(_sub(root, "author"), "name", sender)
    _sub(root, "link", rel="self", type=ATOM_TYPE, href=address)
    for entry in listed:
        _add(root, base_url, entry)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add(root: etree._Element, base_url: str, entry: Entry) -> None:
    element = _sub(root, "entry")
    _put(element, "id", entry.identifier)
    _put(element, "title", entry.title)
    _put(element, "updated", _time(entry.updated))
    _put(element, "summary", entry.summary)
    _sub(element, "link", rel="alternate", type=CAP_TYPE, href=f"{base_url}{path_of(entry.identifier)}")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _put(parent: etree._Element, name: str, text: str) -> None:
    _sub(parent, name).text = text


def _sub(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
