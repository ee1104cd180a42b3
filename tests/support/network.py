"""Bad networks for tests that have no event loop of their own: proxies in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from firmware_sim.network.cable import Cable
from firmware_sim.network.conditions import Conditions
from firmware_sim.network.proxy import Proxy


@dataclass(frozen=True)
class BadNetwork:
    """One proxy and the loop that it lives in."""

    proxy: Proxy
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return self.proxy.port

    @property
    def opened(self) -> int:
        """Connections that were asked for so far."""
        return self.proxy.path.opened

    def set(self, conditions: Conditions) -> None:
        asyncio.run_coroutine_threadsafe(self.proxy.set(conditions), self.loop).result(5)


@contextmanager
def bad_networks(*ports: int, cable: Cable | None = None) -> Iterator[tuple[BadNetwork, ...]]:
    """Each leads to one of these ports of this machine, smoothly at first; from `cable`, if there is one."""
    loop = asyncio.new_event_loop()
    listen_on = cable.near if cable else "127.0.0.1"
    proxies = [Proxy("127.0.0.1", port, listen_on=listen_on) for port in ports]
    are_up, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(proxies, cable, are_up, stop),))
    thread.start()
    try:
        assert are_up.wait(5)
        yield tuple(BadNetwork(proxy, loop) for proxy in proxies)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(
    proxies: list[Proxy], cable: Cable | None, are_up: threading.Event, stop: asyncio.Event
) -> None:
    async with asyncio.TaskGroup() as group:
        carrying = [group.create_task(cable.run())] if cable else []
        listening = [asyncio.Event() for _ in proxies]
        running = [
            group.create_task(proxy.run(event)) for proxy, event in zip(proxies, listening, strict=True)
        ]
        for event in listening:
            await event.wait()
        are_up.set()
        await stop.wait()
        for task in (*running, *carrying):
            task.cancel()
