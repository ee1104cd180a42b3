"""Waiting longer after each failure, with full jitter, so that stations do not return all at once."""

import random

STABLE_S = 20.0
"""What lasted as long as this was no failure."""


class Backoff:
    """Seconds to wait: uniform from `minimum_s` to a ceiling that doubles from `first_s` to `maximum_s`.

    Without `first_s` the first ceiling is twice the minimum.
    """

    def __init__(
        self,
        minimum_s: float,
        maximum_s: float,
        chance: random.Random | None = None,
        *,
        first_s: float | None = None,
    ) -> None:
        self._minimum_s = minimum_s
        self._maximum_s = maximum_s
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._first_s = min(2 * minimum_s if first_s is None else first_s, maximum_s)
        self._ceiling_s = self._first_s

    def start_s(self) -> float:
        """Before the very first try: a whole district may have been switched on in the same second."""
        return self._chance.uniform(0.0, self._first_s)

    def next_s(self) -> float:
        pause_s = self._chance.uniform(self._minimum_s, max(self._minimum_s, self._ceiling_s))
        self._ceiling_s = min(self._ceiling_s * 2, self._maximum_s)
        return pause_s

    def after_s(self, lasted_s: float) -> float:
        """The wait after something that held for `lasted_s`."""
        if lasted_s >= STABLE_S:
            self.reset()
        return self.next_s()

    def reset(self) -> None:
        self._ceiling_s = self._first_s
