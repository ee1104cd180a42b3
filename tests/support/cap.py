"""CAP messages to try things with, and where the public samples and the OASIS schema lie."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import pytest
from lxml import etree

SHARED: Final = Path(__file__).parents[3] / "shared" / "cap"
NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
SENDER: Final = "canhbao@kttv.example"
AREA: Final = (
    "<area><areaDesc>Xã Bát Xát</areaDesc>"
    "<geocode><valueName>VN-GSO</valueName><value>02683</value></geocode></area>"
)
SQUARE: Final = (
    "<area><areaDesc>Thượng nguồn</areaDesc>"
    "<polygon>22.4,103.8 22.4,104.0 22.7,104.0 22.7,103.8 22.4,103.8</polygon></area>"
)


def need_samples() -> Path:
    """The folder with samples and schema; skips the test where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("the public CAP samples and schema (../shared/cap) are not on this machine")
    return SHARED


def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(need_samples() / "schema" / "CAP-v1.2.xsd")))


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def info(now: datetime, *, expires: datetime | str | None = "default", **changes: Any) -> str:
    """One `info`; any simple element by its name, `area` as XML, None leaves an element out."""
    ends = now + timedelta(hours=2) if expires == "default" else expires
    values: dict[str, Any] = {
        "language": "vi-VN",
        "category": "Met",
        "event": "Lũ",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Observed",
        "expires": at(ends) if isinstance(ends, datetime) else ends,
        "headline": "Lũ trên sông Hồng",
        "description": "Nước lên nhanh.",
        "instruction": "Lên chỗ cao ngay.",
    }
    area = changes.pop("area", AREA)
    values.update(changes)
    parts = [f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items() if value is not None]
    return f"<info>{''.join(parts)}{area}</info>"


def message(
    now: datetime,
    identifier: str = "M-1",
    *,
    infos: Iterable[str] | None = None,
    references: Iterable[tuple[str, datetime] | tuple[str, datetime, str]] = (),
    namespace: str = NAMESPACE,
    prolog: str = "",
    **changes: Any,
) -> bytes:
    """A message sent at `now`; `references` are identifiers with their times, and perhaps another sender."""
    sender = changes.get("sender", SENDER)
    values: dict[str, Any] = {
        "identifier": identifier,
        "sender": SENDER,
        "sent": at(now),
        "status": "Actual",
        "msgType": "Alert",
        "scope": "Public",
    }
    named = [f"{one[2] if len(one) > 2 else sender},{one[0]},{at(one[1])}" for one in references]
    if named:
        values["references"] = " ".join(named)
    values.update(changes)
    parts = [f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items() if value is not None]
    body = "".join(parts) + "".join([info(now)] if infos is None else infos)
    return f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<alert xmlns="{namespace}">{body}</alert>'.encode()
