"""A fleet as a command: one process, or a parent that starts and ends several and hands on the commands."""

import asyncio
import gc
import logging
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

from agent.errors import AgentError, TaskEnded
from agent.files import alone_in
from agent.supervision import stop_on_signals
from firmware_sim.fleet.commands import StandardInput, lines_of_standard_input
from firmware_sim.fleet.fleet import Fleet
from firmware_sim.fleet.settings import FleetSettings

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 20.0
_HANDLES_PER_STATION = 6
_COLLECTING = (100_000, 50, 1_000_000)
"""Thresholds of the garbage collector. By its own, it would walk over what a thousand boards hold, all of
which stays, each time that they all have something to do at once; a board alone holds next to nothing."""


def run_fleet(settings: FleetSettings, config: Path, part: int | None) -> int:
    """The exit code: 0 when stopped as asked, 1 when a station or a process died.

    Raises `StateInUse` where another fleet has this folder.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    if part is None and settings.processes > 1:
        with alone_in(settings.folder):
            return asyncio.run(_run_parts(settings, config))
    number = part or 0
    with alone_in(settings.folder / f"part-{number}"):
        return asyncio.run(_run_part(settings, number))


async def _run_part(settings: FleetSettings, number: int) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    stations = settings.part(number)
    gc.set_threshold(*_COLLECTING)
    _allow_handles(len(stations) * _HANDLES_PER_STATION + 100)
    try:
        await Fleet(settings, stations, StandardInput()).run(stop)
    except (ExceptionGroup, AgentError, OSError, sqlite3.Error):
        log.critical("fleet goes down", exc_info=True)
        return 1
    return 0


def _allow_handles(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


async def _run_parts(settings: FleetSettings, config: Path) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    parts = [await _start(config, number) for number in range(settings.processes)]
    code = 0
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_hand_on(parts))]
            tasks += [group.create_task(_watch(part)) for part in parts]
            await stop.wait()
            for task in tasks:
                task.cancel()
    except* TaskEnded:
        log.critical("a process of the fleet died, the others are stopped")
        code = 1
    finally:
        await asyncio.gather(*map(_end, parts))
    return code


async def _start(config: Path, number: int) -> asyncio.subprocess.Process:
    code = "from firmware_sim.cli import app; app()"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "fleet", "--config", str(config), "--part", str(number),
        stdin=subprocess.PIPE,
    )  # fmt: skip


async def _hand_on(parts: list[asyncio.subprocess.Process]) -> None:
    async for line in lines_of_standard_input():
        for part in parts:
            assert part.stdin is not None
            part.stdin.write(line)
            await part.stdin.drain()


async def _watch(part: asyncio.subprocess.Process) -> None:
    raise TaskEnded(task="fleet process", code=await part.wait())


async def _end(part: asyncio.subprocess.Process) -> None:
    if part.returncode is not None:
        return
    part.terminate()
    try:
        async with asyncio.timeout(_STOP_WITHIN_S):
            await part.wait()
    except TimeoutError:
        log.warning("a process of the fleet does not stop, killed: pid=%d", part.pid)
        part.kill()
        await part.wait()
