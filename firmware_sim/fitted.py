"""One station on this machine with all that hangs on a real one: amplifier board, horns, microphone."""

import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from agent.app import Station, build, clock_of
from agent.settings import Settings
from agent.speakers.contract import Speaker
from firmware_sim.fleet.loudspeaker import Loudspeaker


def fitted(loudspeaker: Loudspeaker) -> Callable[[Settings, Speaker], Station]:
    """How to put a station together before this loudspeaker."""

    def assemble(settings: Settings, speaker: Speaker) -> Station:
        clock = clock_of(settings)

        def powered(progress: Callable[[], float]) -> AbstractAsyncContextManager[None]:
            return station.amplifier.powered(progress)

        station = build(
            settings, speaker, clock, amplifier=loudspeaker.amplifier(clock), ear=loudspeaker.ear(powered)
        )
        return station

    return assemble


def loudspeaker_of(station: str) -> Loudspeaker:
    """The same one at every start."""
    return Loudspeaker(station, random.Random(station))  # noqa: S311 - weather, not a secret
