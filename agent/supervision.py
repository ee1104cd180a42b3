"""Tasks that must live for ever: when one ends, all of them do, and the process with them."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping

from agent.errors import TaskEnded

log = logging.getLogger(__name__)


class _StopRequested(Exception):
    pass


async def supervise(tasks: Mapping[str, Callable[[], Awaitable[None]]], stop: asyncio.Event) -> None:
    """Run until `stop` is set. Raises what killed a task, or `TaskEnded` if one simply returned."""
    try:
        async with asyncio.TaskGroup() as group:
            for name, task in tasks.items():
                group.create_task(_for_ever(name, task), name=name)
            group.create_task(_until(stop), name="stop")
    except* _StopRequested:
        log.info("stopped as asked")


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT end the process cleanly."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _for_ever(name: str, task: Callable[[], Awaitable[None]]) -> None:
    try:
        await task()
    except Exception:
        log.exception("task died: name=%s", name)
        raise
    raise TaskEnded(task=name)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
    raise _StopRequested
