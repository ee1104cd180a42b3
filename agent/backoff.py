"""Waiting longer after each failure, with full jitter, so that stations do not return all at once."""

import random


class Backoff:
    """Seconds to wait: uniform between `minimum_s` and a ceiling that doubles up to `maximum_s`."""

    def __init__(self, minimum_s: float, maximum_s: float, chance: random.Random | None = None) -> None:
        self._minimum_s = minimum_s
        self._maximum_s = maximum_s
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._ceiling_s = minimum_s

    def next_s(self) -> float:
        self._ceiling_s = min(self._ceiling_s * 2, self._maximum_s)
        return self._chance.uniform(self._minimum_s, max(self._minimum_s, self._ceiling_s))

    def reset(self) -> None:
        self._ceiling_s = self._minimum_s
