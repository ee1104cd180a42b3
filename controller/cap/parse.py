"""CAP 1.2 from XML: any order of elements, no guessing about what decides whether a loudspeaker sounds."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from typing import Final, TypeVar

from lxml import etree

from controller.cap import safe
from controller.cap.errors import Unreadable, shortened
from controller.cap.model import (
    DEFAULT_LANGUAGE,
    NAMESPACE,
    OLD_NAMESPACES,
    CapArea,
    CapMessage,
    Category,
    Circle,
    Info,
    MsgType,
    Named,
    Polygon,
    Reference,
    Resource,
    Response,
    Scope,
    Status,
)
from controller.emergency.content import Certainty, Urgency
from wire.ids import Severity

Choice = TypeVar("Choice", bound=StrEnum)

MOST_INFOS: Final = 100
MOST_AREAS: Final = 5_000
LONGEST_IDENTIFIER: Final = 200
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(?:([Zz])|([+-]\d\d):?(\d\d))",
    re.ASCII,
)
_PAIR_SEPARATOR: Final = re.compile(r"\s*,\s*")


def parse(raw: bytes) -> CapMessage:
    """Raises Unreadable."""
    return understand(safe.read(raw))


def understand(root: etree._Element) -> CapMessage:
    """The message in an `alert` element. Raises Unreadable."""
    _check_name(root)
    parts = _Parts(root)
    infos = [element for element in root if element.tag == _tag("info")]
    areas = sum(1 for info in infos for child in info if child.tag == _tag("area"))
    if len(infos) > MOST_INFOS or areas > MOST_AREAS:
        raise Unreadable("cap.too_much", infos=len(infos), areas=areas)
    references, unreadable = _references(parts.text("references"))
    return CapMessage(
        identifier=parts.name("identifier"),
        sender=parts.name("sender"),
        sent=parts.needed_time("sent"),
        status=parts.choice("status", Status),
        msg_type=parts.choice("msgType", MsgType),
        scope=parts.choice("scope", Scope),
        note=parts.text("note"),
        references=references,
        unreadable_references=unreadable,
        infos=tuple(_info(element) for element in infos),
    )


def read_time(text: str) -> datetime | None:
    """With Z or without, with a fraction or without; None without an offset: it could be any hour."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    day, clock, zulu, hours, minutes = found.groups()
    offset = "+00:00" if zulu else f"{hours}:{minutes}"
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


class _Parts:
    """The simple elements of one element, each of which may stand there once."""

    def __init__(self, element: etree._Element) -> None:
        self._element = element

    def text(self, name: str) -> str:
        """Empty where it is missing. Raises Unreadable `cap.repeated`."""
        found = self._element.findall(_tag(name))
        if len(found) > 1:
            raise Unreadable("cap.repeated", element=name)
        return _text(found[0]) if found else ""

    def needed(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise Unreadable("cap.missing", element=name)
        return text

    def name(self, name: str) -> str:
        """An identifier or a sender. Some have blanks in them, which the standard forbids."""
        text = " ".join(self.needed(name).split())
        if len(text) > LONGEST_IDENTIFIER:
            raise Unreadable("cap.bad_identifier", element=name, value=shortened(text))
        return text

    def time(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        moment = read_time(text)
        if moment is None:
            raise Unreadable("cap.bad_time", element=name, value=shortened(text))
        return moment

    def needed_time(self, name: str) -> datetime:
        self.needed(name)
        moment = self.time(name)
        if moment is None:
            raise Unreadable("cap.missing", element=name)
        return moment

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """To the letter: what decides whether it sounds is not guessed."""
        text = self.needed(name)
        try:
            return kind(text)
        except ValueError as error:
            raise Unreadable("cap.unknown_value", element=name, value=shortened(text)) from error

    def grade(self, name: str, kind: type[Choice]) -> str:
        """Of urgency, severity or certainty; what is missing or strange is *Unknown*."""
        text = self.text(name).lower()
        return text.capitalize() if text in {str(value) for value in kind} else "Unknown"

    def choices(self, name: str, kind: type[Choice]) -> tuple[Choice, ...]:
        known = {str(value).lower(): value for value in kind}
        found = (_text(element).lower() for element in self._element.findall(_tag(name)))
        return tuple(dict.fromkeys(known[text] for text in found if text in known))

    def named(self, name: str) -> tuple[Named, ...]:
        parts = (_Parts(element) for element in self._element.findall(_tag(name)))
        return tuple(Named(one.text("valueName"), one.text("value")) for one in parts)

    def each(self, name: str) -> Iterable[etree._Element]:
        return self._element.iterfind(_tag(name))


def _info(element: etree._Element) -> Info:
    parts = _Parts(element)
    return Info(
        event=parts.text("event"),
        language=parts.text("language") or DEFAULT_LANGUAGE,
        categories=parts.choices("category", Category),
        responses=parts.choices("responseType", Response),
        urgency=parts.grade("urgency", Urgency),
        severity=parts.grade("severity", Severity),
        certainty=parts.grade("certainty", Certainty),
        event_codes=parts.named("eventCode"),
        effective=read_time(parts.text("effective")),
        onset=read_time(parts.text("onset")),
        expires=parts.time("expires"),
        sender_name=parts.text("senderName"),
        headline=parts.text("headline"),
        description=parts.text("description"),
        instruction=parts.text("instruction"),
        web=parts.text("web"),
        parameters=parts.named("parameter"),
        resources=tuple(_resource(one) for one in parts.each("resource")),
        areas=tuple(_area(one) for one in parts.each("area")),
    )


def _resource(element: etree._Element) -> Resource:
    parts = _Parts(element)
    size = parts.text("size")
    return Resource(
        description=parts.text("resourceDesc"),
        mime_type=parts.text("mimeType"),
        uri=parts.text("uri") or None,
        size_bytes=int(size) if size.isascii() and size.isdigit() and len(size) < 16 else None,
    )


def _area(element: etree._Element) -> CapArea:
    parts = _Parts(element)
    polygons = [_polygon(_text(one)) for one in parts.each("polygon")]
    circles = [_circle(_text(one)) for one in parts.each("circle")]
    return CapArea(
        description=parts.text("areaDesc"),
        polygons=tuple(one for one in polygons if one is not None),
        circles=tuple(one for one in circles if one is not None),
        geocodes=parts.named("geocode"),
        unreadable=polygons.count(None) + circles.count(None),
    )


def _polygon(text: str) -> Polygon | None:
    """At least three corners; closed where the sender forgot to. None if it cannot be read."""
    try:
        corners = tuple(_point(pair) for pair in _PAIR_SEPARATOR.sub(",", text).split())
    except ValueError:
        return None
    if len(set(corners)) < 3:
        return None
    return corners if corners[0] == corners[-1] else (*corners, corners[0])


def _circle(text: str) -> Circle | None:
    parts = _PAIR_SEPARATOR.sub(",", text).split()
    try:
        pair, radius = parts
        radius_km = float(radius)
        latitude, longitude = _point(pair)
    except ValueError:
        return None
    if not isfinite(radius_km) or radius_km < 0:
        return None
    return Circle(latitude, longitude, radius_km)


def _point(pair: str) -> tuple[float, float]:
    """Raises ValueError where it is not on this earth."""
    latitude, longitude = map(float, pair.split(","))
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(pair)
    return latitude, longitude


def _references(text: str) -> tuple[tuple[Reference, ...], int]:
    """`sender,identifier,sent` by blanks; and how many were no such thing."""
    found = [_reference(one) for one in text.split()]
    return tuple(dict.fromkeys(one for one in found if one is not None)), found.count(None)


def _reference(text: str) -> Reference | None:
    sender, _, rest = text.partition(",")
    identifier, _, sent = rest.rpartition(",")
    moment = read_time(sent)
    return Reference(sender, identifier, moment) if sender and identifier and moment else None


def _check_name(root: etree._Element) -> None:
    """Raises Unreadable `cap.not_cap`, `cap.no_namespace`, `cap.wrong_namespace`, `cap.old_version`."""
    name = etree.QName(root)
    if name.localname != "alert":
        raise Unreadable("cap.not_cap", element=shortened(name.localname))
    if not name.namespace:
        raise Unreadable("cap.no_namespace")
    if name.namespace in OLD_NAMESPACES:
        raise Unreadable("cap.old_version", namespace=str(name.namespace))
    if name.namespace != NAMESPACE:
        raise Unreadable("cap.wrong_namespace", namespace=shortened(name.namespace, 100))


def _text(element: etree._Element) -> str:
    return "".join(str(part) for part in element.itertext()).strip()


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
