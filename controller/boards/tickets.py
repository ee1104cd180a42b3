"""How far an act has come, for everybody who waits for it."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

from controller.emergency.acts import Act, Performed


class Carried(Performed):
    """`act` is what was carried out: the act as it was asked for, under another revision, or another act."""

    act: Act


@dataclass
class Ticket:
    """One act on its way."""

    act: Act
    areas: list[str]
    urgent_until_s: float
    """On the monotonic clock: so long another controller's board does not stand in its way."""
    published_at: datetime | None = None
    published: threading.Event = field(default_factory=threading.Event)
    recorded: threading.Event = field(default_factory=threading.Event)

    @property
    def is_urgent(self) -> bool:
        return not self.published.is_set() or time.monotonic() < self.urgent_until_s

    def is_up(self, at: datetime) -> None:
        self.published_at = at
        self.published.set()

    def carried(self, deadline_s: float, record_wait_s: float) -> Carried:
        """As it is at the deadline, on the monotonic clock, or when it is published and had its time."""
        if self.published.wait(max(0.0, deadline_s - time.monotonic())):
            self.recorded.wait(max(0.0, min(deadline_s - time.monotonic(), record_wait_s)))
        return Carried(published_at=self.published_at, recorded=self.recorded.is_set(), act=self.act)
