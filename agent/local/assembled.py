"""What a board has beside a bare station: the desk for its technician, its page, its watchdog."""

import asyncio
import os
from collections.abc import Awaitable, Callable

from agent.app import Station
from agent.local.control import serve
from agent.local.desk import Desk
from agent.local.tests import Tests
from agent.speakers.contract import Speaker
from agent.stage import Run
from agent.watchdog import Watchdog, limit_s_of, notifier_of
from agent.wording import sayer


def desk_of(station: Station, speaker: Speaker) -> Desk:
    tests = Tests(
        speaker, station.amplifier, station.self_test, station.agenda, station.conductor, station.clock
    )
    station.conductor.stage.guests.append(tests)

    def zone() -> str | None:
        card = station.agenda.store.card
        return card.zone if card else None

    return Desk(station.settings, station.health, tests, sayer(station.settings.language), zone)


def tasks_of(station: Station, desk: Desk) -> dict[str, Callable[[], Awaitable[None]]]:
    """To be supervised with the station's own."""
    settings = station.settings
    tasks: dict[str, Callable[[], Awaitable[None]]] = {
        "control": lambda: serve(settings.state_dir, desk.answer)
    }
    if settings.page.host:
        from agent.page.pin import Pin
        from agent.page.server import Page

        pin = Pin(settings.page.pin.get_secret_value(), station.clock.monotonic_s)
        tasks["page"] = Page(settings.page, desk, pin).run
    return tasks


def watchdog_of(station: Station) -> Watchdog:
    """Fed by the conductor from now on."""
    stage, clock = station.conductor.stage, station.clock

    def sounding() -> Run | None:
        run = stage.run
        if run is None or run.playback.is_over or run.playback.order.start_at_s > clock.monotonic_s():
            return None
        return run

    watchdog = Watchdog(notifier_of(), limit_s_of(os.environ, os.getpid()), clock, sounding)
    station.conductor.on_look = watchdog.look
    return watchdog


async def run_beside(station: Station, speaker: Speaker, stop: asyncio.Event) -> None:
    """The whole program of a board, until `stop` is set. Raises what killed a part of it."""
    station.beside = tasks_of(station, desk_of(station, speaker))
    watchdog = watchdog_of(station)
    try:
        await station.run(stop)
    finally:
        watchdog.stopping()
