"""The simulated network of one station: it can be taken away and given back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Network:
    """`unplug` cuts whatever it carries without a word, as a lost mobile signal does."""

    def __init__(self) -> None:
        self._up = asyncio.Event()
        self._up.set()
        self._cut: Callable[[], None] | None = None

    @property
    def plugged(self) -> bool:
        return self._up.is_set()

    def unplug(self) -> None:
        self._up.clear()
        if self._cut is not None:
            self._cut()

    def plug(self) -> None:
        self._up.set()

    async def is_up(self) -> None:
        """Returns as soon as there is a network."""
        await self._up.wait()

    @contextmanager
    def carrying(self, cut: Callable[[], None]) -> Iterator[None]:
        """While something travels on it; `cut` ends that."""
        self._cut = cut
        if not self.plugged:
            cut()
        try:
            yield
        finally:
            self._cut = None
