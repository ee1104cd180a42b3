"""A CAP 1.2 message as we understand it (OASIS Standard CAP-v1.2, 1 July 2010)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
OLD_NAMESPACES: Final = frozenset({"urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0"})
SIGNATURE_NAMESPACE: Final = "http://www.w3.org/2000/09/xmldsig#"
DEFAULT_LANGUAGE: Final = "en-US"
"""What a message without a language is in, says the standard."""


class Status(StrEnum):
    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MsgType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Scope(StrEnum):
    PUBLIC = "Public"
    RESTRICTED = "Restricted"
    PRIVATE = "Private"


class Category(StrEnum):
    GEO = "Geo"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    RESCUE = "Rescue"
    FIRE = "Fire"
    HEALTH = "Health"
    ENV = "Env"
    TRANSPORT = "Transport"
    INFRA = "Infra"
    CBRNE = "CBRNE"
    OTHER = "Other"


class Response(StrEnum):
    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Named(NamedTuple):
    """A value of somebody's own list: a geocode, an event code, a parameter."""

    name: str
    value: str


class Reference(NamedTuple):
    """What names one message among all: its sender's own identifier, and when it was sent."""

    sender: str
    identifier: str
    sent: datetime


Polygon = tuple[tuple[float, float], ...]
"""Latitude and longitude of its corners in degrees (WGS 84), the first one again at the end."""


class Circle(NamedTuple):
    latitude: float
    longitude: float
    radius_km: float


@dataclass(frozen=True)
class CapArea:
    """`unreadable` counts the polygons and circles that were no such thing."""

    description: str
    polygons: tuple[Polygon, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()
    unreadable: int = 0


@dataclass(frozen=True)
class Resource:
    description: str
    mime_type: str
    uri: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Info:
    """One language, or one part, of a message. What is not said is None, *Unknown* or empty."""

    event: str
    language: str = DEFAULT_LANGUAGE
    categories: tuple[Category, ...] = ()
    responses: tuple[Response, ...] = ()
    urgency: str = "Unknown"
    severity: str = "Unknown"
    certainty: str = "Unknown"
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[CapArea, ...] = ()


@dataclass(frozen=True)
class CapMessage:
    """Times are aware and keep the offset they were written with."""

    identifier: str
    sender: str
    sent: datetime
    status: Status
    msg_type: MsgType
    scope: Scope
    note: str = ""
    references: tuple[Reference, ...] = ()
    unreadable_references: int = 0
    infos: tuple[Info, ...] = ()

    @property
    def itself(self) -> Reference:
        return Reference(self.sender, self.identifier, self.sent)

    @property
    def summary(self) -> str:
        """The first headline, or event, for lists."""
        return next((said for info in self.infos for said in (info.headline, info.event) if said), "")
