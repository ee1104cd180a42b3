"""How any thread of the process wakes the task that waits for it."""

import asyncio
import threading


class Ear:
    """Belongs to one asyncio task. What is called out before it listens is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[str] = set()
        self._nudged = False
        self._listening: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def call(self, name: str) -> None:
        """Call out a name, from any thread."""
        with self._lock:
            self._names.add(name)
            self._rouse()

    def nudge(self) -> None:
        """Wake the listener without a name, from any thread."""
        with self._lock:
            self._nudged = True
            self._rouse()

    async def heard(self, timeout_s: float) -> frozenset[str]:
        """Wait for a call or a nudge, at most so long; the names called since the last time."""
        event = asyncio.Event()
        with self._lock:
            self._listening = (asyncio.get_running_loop(), event)
            if self._names or self._nudged:
                event.set()
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            pass  # Nobody called: the listener looks anyway.
        finally:
            with self._lock:
                self._listening = None
        return self._take()

    def _take(self) -> frozenset[str]:
        with self._lock:
            names, self._names, self._nudged = frozenset(self._names), set(), False
            return names

    def _rouse(self) -> None:
        if self._listening is not None:
            loop, event = self._listening
            loop.call_soon_threadsafe(event.set)


class Waker:
    """Names to ears. `wake` is what `Context.wake` holds; a name that nobody listens for is dropped."""

    def __init__(self) -> None:
        self._ears: dict[str, Ear] = {}

    def listen(self, *names: str) -> Ear:
        """One ear for these names. Raises ValueError if one of them has an ear already."""
        taken = self._ears.keys() & set(names)
        if taken:
            raise ValueError(f"somebody listens already for {sorted(taken)}")
        ear = Ear()
        self._ears.update(dict.fromkeys(names, ear))
        return ear

    def wake(self, name: str) -> None:
        ear = self._ears.get(name)
        if ear is not None:
            ear.call(name)
