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
from firmware_sim.fleet.census import Census
from firmware_sim.fleet.commands import StandardInput, lines_of_standard_input
from firmware_sim.fleet.draw import draw
from firmware_sim.fleet.era import Run
from firmware_sim.fleet.fleet import Fleet
from firmware_sim.fleet.living import LivingFleet
from firmware_sim.fleet.progress import AddedUp, ProgressLine, hand_up
from firmware_sim.fleet.scenario import load
from firmware_sim.fleet.settings import FleetSettings

log = logging.getLogger(__name__)

_STOP_WITHIN_S = 20.0
_HANDLES_PER_STATION = 6
_COLLECTING = (100_000, 50, 1_000_000)
"""Thresholds of the garbage collector. By its own, it would walk over what a thousand boards hold, all of
which stays, each time that they all have something to do at once; a board alone holds next to nothing."""


def run_fleet(settings: FleetSettings, config: Path, part: int | None, run: Run | None = None) -> int:
    """The exit code: 0 when stopped as asked, 1 when a station or a process died.

    Without a `run` the stations have no edges but sound and network. Raises `StateInUse` where another fleet
    has this folder, and `ScenarioRefused`.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    if part is None and settings.processes > 1:
        with alone_in(settings.folder):
            return asyncio.run(run_parts(settings, config, run))
    number = part or 0
    runner = asyncio.Runner(loop_factory=run.new_loop if run else None)
    with alone_in(settings.folder / f"part-{number}"), runner:
        return runner.run(_run_part(settings, number, run, alone=part is None))


async def _run_part(settings: FleetSettings, number: int, run: Run | None, *, alone: bool) -> int:
    stop = asyncio.Event()
    stop_on_signals(stop)
    stations = settings.part(number)
    gc.set_threshold(*_COLLECTING)
    _allow_handles(len(stations) * _HANDLES_PER_STATION + 100)
    try:
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(_stop_in_time(run, stop)) if run and alone else None
            await _fleet(settings, stations, run, alone=alone).run(stop)
            if ending is not None:
                ending.cancel()
    except (ExceptionGroup, AgentError, OSError, sqlite3.Error):
        log.critical("fleet goes down", exc_info=True)
        return 1
    return 0


def _fleet(settings: FleetSettings, stations: tuple[str, ...], run: Run | None, *, alone: bool) -> Fleet:
    if run is None:
        return Fleet(settings, stations, StandardInput())
    drawn = draw(load(run.scenario), settings.all_stations()) if run.scenario else ()
    tell = ProgressLine(run.language).show if alone else hand_up
    return LivingFleet(settings, stations, StandardInput(), run=run, drawn=drawn, tell=tell)


async def _stop_in_time(run: Run, stop: asyncio.Event) -> None:
    if run.lasts_s is not None:
        await asyncio.sleep(run.lasts_s - run.fleet_s())
        stop.set()


def _allow_handles(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


async def run_parts(settings: FleetSettings, config: Path, run: Run | None) -> int:
    """Each in a process of its own."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    parts = [await _start(config, number, run) for number in range(settings.processes)]
    code = 0
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_hand_on(parts))]
            tasks += [group.create_task(_watch(part)) for part in parts]
            if run is not None:
                tasks += _followed(parts, run, group, stop)
            await stop.wait()
            for task in tasks:
                task.cancel()
    except* TaskEnded:
        log.critical("a process of the fleet died, the others are stopped")
        code = 1
    finally:
        await asyncio.gather(*map(_end, parts))
    return code


def _followed(
    parts: list[asyncio.subprocess.Process], run: Run, group: asyncio.TaskGroup, stop: asyncio.Event
) -> list[asyncio.Task[None]]:
    progress = AddedUp(len(parts), ProgressLine(run.language).show)
    tasks = [group.create_task(_listen(part, number, progress)) for number, part in enumerate(parts)]
    if run.lasts_s is not None:
        tasks.append(group.create_task(_set_after(run.lasts_s / run.rate, stop)))
    return tasks


async def _set_after(seconds: float, stop: asyncio.Event) -> None:
    await asyncio.sleep(seconds)
    stop.set()


async def _listen(part: asyncio.subprocess.Process, number: int, progress: AddedUp) -> None:
    assert part.stdout is not None
    async for line in part.stdout:
        progress.take(number, Census.model_validate_json(line))


async def _start(config: Path, number: int, run: Run | None) -> asyncio.subprocess.Process:
    code = "from firmware_sim.cli import app; app()"
    words = ["fleet", "--config", str(config), "--part", str(number)]
    if run is not None:
        words += ["--run", run.model_dump_json()]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *words,
        stdin=subprocess.PIPE, stdout=None if run is None else subprocess.PIPE,
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
