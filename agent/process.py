"""Running a station as a process: logging to stderr, signals, exit code."""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from agent.app import Station, build
from agent.errors import AgentError, StateInUse
from agent.files import alone_in
from agent.local.assembled import run_beside
from agent.settings import Settings
from agent.speakers.contract import Speaker
from agent.supervision import stop_on_signals

log = logging.getLogger(__name__)

THREADS: Final = 24
"""Made as they are needed. A card that hangs may hold a dozen; sound must still find one, and a board of one
core would have five in all.
"""
Assemble = Callable[[Settings, Speaker], Station]


def set_up_logging() -> None:
    """One line per event on stderr; libraries speak only of trouble."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


def run_station(settings: Settings, speaker: Speaker, assemble: Assemble = build) -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 1 when a part of the station died. Raises `StateInUse`."""
    try:
        with alone_in(settings.state_dir):
            asyncio.run(_run(settings, speaker, assemble))
    except StateInUse:
        raise
    except (ExceptionGroup, AgentError, OSError, sqlite3.Error):
        log.critical("station goes down", exc_info=True)
        return 1
    return 0


async def _run(settings: Settings, speaker: Speaker, assemble: Assemble) -> None:
    enough_threads()
    stop = asyncio.Event()
    stop_on_signals(stop)
    await run_beside(assemble(settings, speaker), speaker, stop)


def enough_threads() -> None:
    """For the running loop, whatever number of cores the board has."""
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="beside")
    asyncio.get_running_loop().set_default_executor(pool)
