"""The task that works through waiting uploads, one at a time."""

import asyncio
import logging
import threading
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from controller.clockwork.waker import Waker
from controller.context import Context
from controller.media import service

_LOOK_EVERY_S: Final = 5.0
_SWEEP_EVERY_S: Final = 3600.0
logger = logging.getLogger(__name__)


class UploadWorker:
    """`run` is to be supervised: it ends by cancellation, or by an error that no upload is to blame for."""

    def __init__(self, context: Context, waker: Waker) -> None:
        self._context = context
        self._ear = waker.listen("ingest")
        self._stopping = threading.Event()

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        swept_s = -_SWEEP_EVERY_S
        while True:
            if clock() - swept_s >= _SWEEP_EVERY_S:
                swept_s = clock()
                await asyncio.to_thread(service.sweep, self._context)
            while await self._work():
                pass
            await self._ear.heard(_LOOK_EVERY_S)

    async def _work(self) -> bool:
        """One upload, in a thread. When cancelled, waits until the thread has put its upload back in line."""
        work = asyncio.get_running_loop().run_in_executor(
            None, service.work_once, self._context, self._stopping.is_set
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stopping.set()
            await asyncio.wait({work})
            raise
        except SQLAlchemyError:
            logger.exception("the database could not be asked for uploads; again in %s s", _LOOK_EVERY_S)
            return False
