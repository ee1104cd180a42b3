"""How it stands with the way between a station and its centre."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """By the names that scenarios use."""

    NONE = "none"
    LINK_DOWN = "link_down"
    """No signal: what stood is cut, nothing new can be opened."""
    HALF_OPEN = "half_open"
    """Connections stand and new ones come about; nothing travels, in either direction, and nobody says so."""
    REFUSED = "refused"
    """The other side is there and wants nobody."""
    BROKER_DROPS = "broker_drops"
    """The other side answers, and a moment later drops the connection."""
    CAPTIVE_PORTAL = "captive_portal"
    """Somebody between answers every connection with a page, code 200."""
    DNS_FAILURE = "dns_failure"
    """No name is found. What stands goes on."""


CUTTING = frozenset({Trouble.LINK_DOWN, Trouble.REFUSED, Trouble.BROKER_DROPS, Trouble.CAPTIVE_PORTAL})
"""Troubles that end the connections that stand."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """`latency_s` is one way. Of all packets the share `loss` is lost, and holds up what is behind it."""

    trouble: Trouble = Trouble.NONE
    latency_s: float = 0.0
    bytes_per_s: float = math.inf
    loss: float = 0.0
    resend_s: float = 0.4
    """How long TCP takes to notice one loss and send again."""
    drops_after_s: float = 1.0

    @property
    def is_smooth(self) -> bool:
        """Bytes arrive the moment they are sent."""
        return not self.latency_s and math.isinf(self.bytes_per_s) and not self.loss


SMOOTH = Conditions()
FAR = Conditions(latency_s=1.0)
"""2 s there and back, as over an overloaded mast."""
THIN = Conditions(bytes_per_s=16_000 / 8, latency_s=0.15)
"""GPRS at the edge of its cell: 16 kbit/s."""
LOSSY = Conditions(loss=0.1, latency_s=0.05)
