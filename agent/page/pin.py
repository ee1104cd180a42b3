"""The PIN that a test on the page asks for. Anybody on the network may try, so few may be wrong."""

import hmac
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Final

WRONG_TRIES: Final = 5
WINDOW_S: Final = 900.0


class PinAnswer(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too_many"


class Pin:
    """Counts all visitors together: an address on an open network is worth nothing."""

    def __init__(self, pin: str, monotonic_s: Callable[[], float]) -> None:
        self._pin = pin.encode()
        self._monotonic_s = monotonic_s
        self._wrong: deque[float] = deque()

    @property
    def is_set(self) -> bool:
        return bool(self._pin)

    def check(self, typed: str) -> PinAnswer:
        """A locked PIN is not compared: whoever guesses learns nothing meanwhile."""
        now_s = self._monotonic_s()
        while self._wrong and now_s - self._wrong[0] >= WINDOW_S:
            self._wrong.popleft()
        if len(self._wrong) >= WRONG_TRIES:
            return PinAnswer.TOO_MANY
        if self.is_set and hmac.compare_digest(self._pin, typed.strip().encode()):
            return PinAnswer.RIGHT
        self._wrong.append(now_s)
        return PinAnswer.WRONG
