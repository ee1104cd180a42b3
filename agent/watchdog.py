"""Tells the service manager that the station lives, as sd_notify(3) does: fed by whoever makes it sound.

A program whose timers still run but whose loudspeaker has hung is dead; systemd starts it anew.
"""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Protocol

from agent.clock import Clock

log = logging.getLogger(__name__)

STUCK_S = 20.0
"""A sound that should leave the speaker and has not come further for so long is stuck."""
_FEEDS_PER_LIMIT = 4


class Sound(Protocol):
    """What is on the stage, as far as the watchdog looks at it."""

    @property
    def id(self) -> str: ...

    @property
    def sounded_s(self) -> float: ...


class Notifier:
    """Datagrams to the service manager; where there is none, nothing happens."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(self, state: str) -> bool:
        """Whether it was heard, or nobody wants to hear it."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)
                line.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("service manager not told: state=%s problem=%s", state, error)
            return False
        return True


class Watchdog:
    """`look` is called after each look that the conductor takes at the world, every second or so."""

    def __init__(
        self,
        notifier: Notifier,
        limit_s: float | None,
        clock: Clock,
        sounding: Callable[[], Sound | None],
    ) -> None:
        self._notifier = notifier
        self._every_s = None if limit_s is None else limit_s / _FEEDS_PER_LIMIT
        self._clock = clock
        self._sounding = sounding
        self._is_ready = False
        self._fed_at_s: float | None = None
        self._seen: tuple[str, float] | None = None
        self._advanced_at_s = clock.monotonic_s()

    def look(self) -> None:
        now_s = self._clock.monotonic_s()
        if not self._is_ready:
            self._is_ready = self._notifier.tell("READY=1")
        if self._is_stuck(now_s):
            log.error("sound is stuck, watchdog goes hungry: for_s=%.0f", now_s - self._advanced_at_s)
            return
        if self._every_s is not None and (self._fed_at_s is None or now_s - self._fed_at_s >= self._every_s):
            self._fed_at_s = now_s if self._notifier.tell("WATCHDOG=1") else None

    def stopping(self) -> None:
        self._notifier.tell("STOPPING=1")

    def _is_stuck(self, now_s: float) -> bool:
        sound = self._sounding()
        seen = None if sound is None else (sound.id, sound.sounded_s)
        if seen is None or seen != self._seen:
            self._seen, self._advanced_at_s = seen, now_s
        return now_s - self._advanced_at_s > STUCK_S


def limit_s_of(environment: Mapping[str, str], pid: int) -> float | None:
    """Seconds within which systemd wants to hear from process `pid`; None where it does not."""
    microseconds, meant = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", str(pid))
    return int(microseconds) / 1e6 if microseconds.isdecimal() and meant == str(pid) else None


def notifier_of(environment: Mapping[str, str] = os.environ) -> Notifier:
    return Notifier(environment.get("NOTIFY_SOCKET", ""))
