"""An ear that never stands in anybody's way: what has to sound takes the loudspeaker from it at once."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from agent.errors import AgentError
from agent.selftest.contract import Ear
from agent.speakers.contract import Frames

log = logging.getLogger(__name__)

YIELD_WITHIN_S: Final = 0.5
"""An ear that does not fall silent in time is not waited for."""
Result = TypeVar("Result")


class GaveWay(Exception):
    """The test ends here: somebody else sounds, or is about to."""


class PoliteEar:
    """The ear contract. `hear` and `lines` also raise `GaveWay`; `is_free` is asked before each of them."""

    def __init__(self, ear: Ear, is_free: Callable[[], bool]) -> None:
        self._ear = ear
        self._is_free = is_free
        self._task: asyncio.Task[Any] | None = None

    async def hear(self, sound: Frames, level_db: float) -> Frames:
        return await self._sound(self._ear.hear(sound, level_db))

    async def lines(self, sound: Frames, level_db: float) -> tuple[float, ...]:
        return await self._sound(self._ear.lines(sound, level_db))

    async def yield_stage(self) -> None:
        """For whoever is about to sound: returns when nothing is heard of a test any more."""
        task = self._task
        if task is None:
            return
        task.cancel()
        _, late = await asyncio.wait([task], timeout=YIELD_WITHIN_S)
        if late:
            log.error("self-test does not fall silent: waited_s=%s", YIELD_WITHIN_S)

    async def _sound(self, sounding: Coroutine[Any, Any, Result]) -> Result:
        if not self._is_free():
            sounding.close()
            raise GaveWay
        async with asyncio.TaskGroup() as group:
            self._task = task = group.create_task(_outcome(sounding), name="self-test sounds")
            task.add_done_callback(self._forget)
        if task.cancelled():
            raise GaveWay
        result = task.result()
        if isinstance(result, AgentError):
            raise result
        return result

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        if self._task is task:
            self._task = None


async def _outcome(sounding: Coroutine[Any, Any, Result]) -> Result | AgentError:
    """A task group would wrap the error."""
    try:
        return await sounding
    except AgentError as error:
        return error
