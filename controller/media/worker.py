"""The task that works through waiting uploads, one at a time."""

import asyncio
import logging
import threading
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from controller.context import Context
from controller.media import service

_LOOK_EVERY_S: Final = 5.0
_SWEEP_EVERY_S: Final = 3600.0
log = logging.getLogger(__name__)


class IngestWorker:
    """`run` is to be supervised: it ends by cancellation, or by an error that no upload is to blame for."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look now. May be called from any thread, before `run` and after it, too."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self, context: Context) -> None:
        self._loop = asyncio.get_running_loop()
        stopping = threading.Event()
        swept_s = -_SWEEP_EVERY_S
        try:
            while True:
                self._woken.clear()
                if self._loop.time() - swept_s >= _SWEEP_EVERY_S:
                    swept_s = self._loop.time()
                    await asyncio.to_thread(service.sweep, context)
                while await _work(context, stopping):
                    pass
                await self._sleep()
        finally:
            self._loop = None

    async def _sleep(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            return


async def _work(context: Context, stopping: threading.Event) -> bool:
    """One upload, in a thread. When cancelled, waits until the thread has put its upload back in line."""
    work = asyncio.create_task(asyncio.to_thread(service.work_once, context, stopping.is_set))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stopping.set()
        await asyncio.wait({work})
        raise
    except SQLAlchemyError:
        log.exception("the database could not be asked for uploads; looking again in %s s", _LOOK_EVERY_S)
        return False
