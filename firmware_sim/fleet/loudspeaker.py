"""What hangs behind a simulated station's sound card: amplifier board, lines, horns, microphone, air."""

import random
from collections.abc import Callable, Hashable
from dataclasses import replace

from agent.amplifier.contract import Amplifier
from agent.clock import Clock
from agent.speakers.contract import Frames
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import OF_A_LINE, BoardFault
from firmware_sim.amplifier.inprocess import in_process_amplifier
from firmware_sim.fleet.installed import LINES, new_horn
from firmware_sim.horn import Horn, HornFault
from firmware_sim.horn_ear import HornEar, Powered
from firmware_sim.village_noise import Air

SOUND_RMS = 0.12
"""Of speech at its usual level, full scale being 1."""


class Loudspeaker:
    """One fault shows in the amplifier's meters and in the air. Horns are made when they are first heard."""

    def __init__(self, station: str, chance: random.Random) -> None:
        self._station = station
        self._chance = chance
        self.board = Board(line_count=LINES, chance=chance)
        self._wrong: dict[Hashable, tuple[str, int | None]] = {}
        self._noise: dict[Hashable, tuple[float, float]] = {}
        self._horn: Horn | None = None

    def amplifier(self, clock: Clock) -> Amplifier:
        """For one life of the program."""
        return in_process_amplifier(self.board, clock)

    def ear(self, powered: Powered) -> "LazyEar":
        """`powered` has the amplifier on inside it."""
        return LazyEar(self.horn, self.air, powered)

    def sounds(self, on: bool) -> None:
        """Whoever plays into the amplifier says when."""
        self.board.input_rms = SOUND_RMS if on else 0.0

    @property
    def wrong(self) -> tuple[tuple[str, int | None], ...]:
        """What holds now, and on which line."""
        return tuple(self._wrong.values())

    @property
    def noise(self) -> tuple[tuple[float, float], ...]:
        """Winds in m/s and roads in dB SPL that are more than a calm day's."""
        return tuple(self._noise.values())

    def goes_wrong(self, why: Hashable, fault: str, line: int | None = None) -> None:
        """`fault` is a `BoardFault`, a `HornFault`, or both; `line` counts from 0."""
        self._wrong[why] = (fault, line)
        if fault in set(BoardFault):
            self.board.faults.begin(*_of_board(fault, line))
        if self._horn is not None:
            _break(self._horn, fault, line)

    def is_mended(self, why: Hashable) -> None:
        fault, line = self._wrong.pop(why)
        if fault in set(BoardFault) and (fault, line) not in self._wrong.values():
            self.board.faults.mend(*_of_board(fault, line))
        if self._horn is not None:
            self._horn.repair()
            self._break_all(self._horn)

    def is_noisy(self, why: Hashable, wind_ms: float, traffic_db: float) -> None:
        self._noise[why] = (wind_ms, traffic_db)

    def is_quiet(self, why: Hashable) -> None:
        self._noise.pop(why, None)

    def horn(self) -> Horn:
        if self._horn is None:
            self._horn = new_horn(self._station)
            self._break_all(self._horn)
        return self._horn

    def _break_all(self, horn: Horn) -> None:
        for fault, line in self._wrong.values():
            _break(horn, fault, line)

    def air(self) -> Air:
        calm = Air(temperature_c=self._chance.uniform(8.0, 34.0))
        winds = [calm.wind_ms, *(wind_ms for wind_ms, _ in self.noise)]
        roads = [calm.traffic_db, *(traffic_db for _, traffic_db in self.noise)]
        return replace(calm, wind_ms=max(winds), traffic_db=max(roads))


def _of_board(fault: str, line: int | None) -> tuple[BoardFault, int | None]:
    known = BoardFault(fault)
    return known, line if known in OF_A_LINE else None


def _break(horn: Horn, fault: str, line: int | None) -> None:
    if fault in set(HornFault):
        horn.break_down(HornFault(fault), line or 0)


class LazyEar:
    """A `HornEar` whose horns come into being with the first sound."""

    def __init__(self, horns: Callable[[], Horn], air: Callable[[], Air], powered: Powered) -> None:
        self._horns = horns
        self._air = air
        self._powered = powered
        self._ear: HornEar | None = None

    async def hear(self, sound: Frames, level_db: float) -> Frames:
        return await self._real().hear(sound, level_db)

    async def lines(self, sound: Frames, level_db: float) -> tuple[float, ...]:
        return await self._real().lines(sound, level_db)

    def _real(self) -> HornEar:
        if self._ear is None:
            self._ear = HornEar(self._horns(), self._air, pace=1.0, powered=self._powered)
        return self._ear
