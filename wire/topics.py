"""The MQTT topic tree, `loaban/1/…` (DESIGN section 3)."""

from typing import Final, NamedTuple

ROOT: Final = "loaban/1"

ALL_PRESENCES: Final = f"{ROOT}/station/+/presence"
ALL_HEARTBEATS: Final = f"{ROOT}/station/+/heartbeat"
ALL_REPORTS: Final = f"{ROOT}/station/+/report"
ALL_RECEIPTS: Final = f"{ROOT}/station/+/receipt"

TIME: Final = f"{ROOT}/time"
"""The controller's time (signed, not retained, QoS 0), for every station."""

ALERTS_LEAF: Final = "/alerts"
"""How every topic of an alert board ends."""


class Topic(NamedTuple):
    """A topic taken apart: `scope` is `area` or `station`, `owner` its id, `leaf` what it carries."""

    scope: str
    owner: str
    leaf: str


def plan(area: str) -> str:
    return f"{ROOT}/area/{area}/plan"


def alerts(area: str) -> str:
    """The board of alerts in force in an area (retained, signed)."""
    return f"{ROOT}/area/{area}{ALERTS_LEAF}"


def standing(area: str) -> str:
    """The sounds that stations hold before any alert needs them (retained, signed)."""
    return f"{ROOT}/area/{area}/standing"


def card(station: str) -> str:
    return f"{ROOT}/station/{station}/card"


def presence(station: str) -> str:
    return f"{ROOT}/station/{station}/presence"


def heartbeat(station: str) -> str:
    return f"{ROOT}/station/{station}/heartbeat"


def report(station: str) -> str:
    return f"{ROOT}/station/{station}/report"


def receipt(station: str) -> str:
    """How far an alert has come on this station: received, sounding (QoS 1, not retained)."""
    return f"{ROOT}/station/{station}/receipt"


def ack(station: str) -> str:
    """Where the controller says which reports are safely in its database (not retained, QoS 1)."""
    return f"{ROOT}/station/{station}/ack"


def parse(topic: str) -> Topic | None:
    """Take a topic apart, or None if it is not one of ours."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[2] not in ("area", "station"):
        return None
    return Topic(parts[2], parts[3], parts[4])
