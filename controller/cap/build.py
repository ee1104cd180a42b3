"""A CAP 1.2 message as XML, in the order that the schema wants."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from lxml import etree

from controller.cap.model import (
    NAMESPACE,
    CapArea,
    CapMessage,
    Circle,
    Info,
    Named,
    Polygon,
    Reference,
    Resource,
)

_FORBIDDEN: Final[dict[int, None]] = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF))
"""Characters that XML 1.0 cannot carry."""


def document(message: CapMessage) -> etree._Element:
    """The `alert` element, unsigned."""
    root = etree.Element(_tag("alert"), nsmap={None: NAMESPACE})  # type: ignore[dict-item]
    _put(root, "identifier", message.identifier)
    _put(root, "sender", message.sender)
    _put(root, "sent", written_time(message.sent))
    _put(root, "status", message.status)
    _put(root, "msgType", message.msg_type)
    _put(root, "scope", message.scope)
    _put_some(root, "note", message.note)
    _put_some(root, "references", " ".join(written_reference(one) for one in message.references))
    for info in message.infos:
        _add_info(root, info)
    return root


def xml(root: etree._Element) -> str:
    """With the declaration. Not indented: blanks would break a signature."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True).decode()


def written_time(moment: datetime) -> str:
    """`2026-11-23T09:00:00+07:00`: no fraction, and never Z (CAP 1.2, 3.3.2)."""
    return moment.replace(microsecond=0).isoformat()


def written_reference(reference: Reference) -> str:
    return f"{reference.sender},{reference.identifier},{written_time(reference.sent)}"


def _add_info(root: etree._Element, info: Info) -> None:
    element = _sub(root, "info")
    _put(element, "language", info.language)
    _put_each(element, "category", info.categories)
    _put(element, "event", info.event)
    _put_each(element, "responseType", info.responses)
    _put(element, "urgency", info.urgency)
    _put(element, "severity", info.severity)
    _put(element, "certainty", info.certainty)
    _put_named(element, "eventCode", info.event_codes)
    for name, moment in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
        if moment is not None:
            _put(element, name, written_time(moment))
    _put_some(element, "senderName", info.sender_name)
    _put_some(element, "headline", info.headline)
    _put_some(element, "description", info.description)
    _put_some(element, "instruction", info.instruction)
    _put_some(element, "web", info.web)
    _put_named(element, "parameter", info.parameters)
    for resource in info.resources:
        _add_resource(element, resource)
    for area in info.areas:
        _add_area(element, area)


def _add_resource(info: etree._Element, resource: Resource) -> None:
    element = _sub(info, "resource")
    _put(element, "resourceDesc", resource.description)
    _put(element, "mimeType", resource.mime_type)
    if resource.size_bytes is not None:
        _put(element, "size", str(resource.size_bytes))
    _put_some(element, "uri", resource.uri or "")


def _add_area(info: etree._Element, area: CapArea) -> None:
    element = _sub(info, "area")
    _put(element, "areaDesc", area.description)
    _put_each(element, "polygon", (_polygon(one) for one in area.polygons))
    _put_each(element, "circle", (_circle(one) for one in area.circles))
    _put_named(element, "geocode", area.geocodes)


def _polygon(corners: Polygon) -> str:
    return " ".join(f"{_plain(latitude)},{_plain(longitude)}" for latitude, longitude in corners)


def _circle(circle: Circle) -> str:
    return f"{_plain(circle.latitude)},{_plain(circle.longitude)} {_plain(circle.radius_km)}"


def _plain(number: float) -> str:
    """Never with an exponent, which CAP does not know."""
    return f"{Decimal(str(round(number, 6))):f}"


def _put_named(parent: etree._Element, name: str, values: Iterable[Named]) -> None:
    for value in values:
        element = _sub(parent, name)
        _put(element, "valueName", value.name)
        _put(element, "value", value.value)


def _put_each(parent: etree._Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        _put(parent, name, text)


def _put_some(parent: etree._Element, name: str, text: str) -> None:
    if text:
        _put(parent, name, text)


def _put(parent: etree._Element, name: str, text: str) -> None:
    _sub(parent, name).text = str(text).translate(_FORBIDDEN)


def _sub(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, _tag(name))


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
