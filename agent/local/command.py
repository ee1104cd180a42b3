"""`loaban-agent status` and `loaban-agent test`: of the running program, or by themselves where none runs."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from agent.app import build
from agent.errors import AgentError
from agent.files import alone_in
from agent.local.assembled import desk_of
from agent.local.control import ask
from agent.local.desk import Told
from agent.local.errors import ProgramSilent
from agent.settings import Settings
from agent.speakers.contract import Speaker
from agent.status import lines
from agent.wording import Say

STATUS_WITHIN_S: Final = 20.0
TEST_WITHIN_S: Final = 900.0


def status_lines(settings: Settings, say: Say) -> Iterator[str]:
    """Raises OSError or sqlite3.Error when nobody runs and the state folder cannot be read."""
    try:
        yield from ask(settings.state_dir, {"do": "status"}, STATUS_WITHIN_S)["lines"]
    except ProgramSilent:
        yield say("live.not_running")
        yield from lines(settings, say)


def test(
    settings: Settings,
    what: str,
    *,
    insist: bool,
    calibrate: bool,
    open_speaker: Callable[[], Speaker],
    tell: Callable[[str], None],
    say: Say,
) -> Told:
    """What came of it. Raises AgentError where it was refused, OSError where the state cannot be read."""
    question = {"do": "test", "what": what, "insist": insist, "calibrate": calibrate}
    tell(say("test.starting"))
    try:
        told = Told(**ask(settings.state_dir, question, TEST_WITHIN_S))
    except ProgramSilent:
        tell(say("test.by_itself"))
        with alone_in(settings.state_dir):
            return asyncio.run(_by_itself(settings, open_speaker(), what, insist=insist, calibrate=calibrate))
    return told


async def _by_itself(
    settings: Settings, speaker: Speaker, what: str, *, insist: bool, calibrate: bool
) -> Told:
    """A station whose conductor never takes the stage."""
    station = build(settings, speaker)
    desk = desk_of(station, speaker)
    try:
        station.agenda.load()
        station.agenda.alerts.refresh(station.agenda.moment())
        async with asyncio.TaskGroup() as group:
            guard = group.create_task(station.amplifier.run(), name="amplifier")
            told = await _outcome_of(desk.test(what, insist=insist, calibrate=calibrate))
            guard.cancel()
        if isinstance(told, Exception):
            raise told
        return told
    finally:
        await station.performer.close()
        station.journal.close()


async def _outcome_of(testing: Awaitable[Told]) -> Told | AgentError | OSError | sqlite3.Error:
    """A task group would wrap what is raised."""
    try:
        return await testing
    except (AgentError, OSError, sqlite3.Error) as error:
        return error
