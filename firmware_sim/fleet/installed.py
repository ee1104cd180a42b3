"""What whoever installed the stations has left on their cards: how each sounds when it is well.

To learn that takes half a second of a processor; so a fleet has a few makes of horns, learned once and kept.
"""

import asyncio
import shutil
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.selftest.exam import Exam
from agent.selftest.reference import AcousticReference, ElectricalReference, Memory, MemoryFile
from firmware_sim.horn import Horn
from firmware_sim.horn_ear import HornEar

MAKES_OF_HORNS: Final = 24
LINES: Final = 2
_INSTALLED_AT: Final = datetime(2025, 7, 1, tzinfo=UTC)


def make_of(station: str) -> int:
    """Which make of horns this station has; always the same."""
    return zlib.crc32(station.encode()) % MAKES_OF_HORNS


def new_horn(station: str) -> Horn:
    return Horn(make_of(station), lines=LINES)


def learn(folder: Path, stations: Iterable[str], tell: Callable[[int, int], None] = lambda *_: None) -> None:
    """The makes that these stations need and `folder` does not know yet; `tell` hears how many of how many.

    Raises OSError.
    """
    missing = [make for make in sorted(set(map(make_of, stations))) if not _home(folder, make).exists()]
    for done, make in enumerate(missing, 1):
        memory = asyncio.run(_memory(make))
        _home(folder, make).mkdir(parents=True)
        MemoryFile(_home(folder, make)).save(memory)
        tell(done, len(missing))


def hand_out(folder: Path, station: str, card: Path) -> None:
    """Put it on a card that has none, where it is known. Raises OSError."""
    for file in _home(folder, make_of(station)).glob("*.json"):
        if not (card / file.name).exists():
            shutil.copyfile(file, card / file.name)


def _home(folder: Path, make: int) -> Path:
    return folder / "horns" / str(make)


async def _memory(make: int) -> Memory:
    exam = Exam(HornEar(Horn(make, lines=LINES)))
    heard, drawn = await exam.hear_reference(_INSTALLED_AT), await exam.draw_reference(_INSTALLED_AT)
    return Memory(
        acoustic=heard if isinstance(heard, AcousticReference) else None,
        electrical=drawn if isinstance(drawn, ElectricalReference) else None,
    )
