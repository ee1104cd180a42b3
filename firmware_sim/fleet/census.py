"""What a fleet is doing right now, added up over its processes, as one line."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from firmware_sim.fleet.board import Board

EVERY_S = 1.0


class Census(BaseModel):
    """Of one process, or of all. `late_ms` is how far its event loop lagged behind, in our time."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    rate: float
    stations: int = 0
    online: int = 0
    sounding: int = 0
    faulty: int = 0
    dark: int = 0
    connects: int = 0
    """Since the start."""
    boots: int = 0
    deaths: int = 0
    late_ms: float = 0.0


def added(parts: Iterable[Census]) -> Census:
    """At least one."""
    first, *others = parts
    total = first
    for part in others:
        sums = {name: getattr(total, name) + getattr(part, name) for name in _COUNTED}
        worst = {"late_ms": max(total.late_ms, part.late_ms), "at": max(total.at, part.at)}
        total = total.model_copy(update=sums | worst)
    return total


_COUNTED = ("stations", "online", "sounding", "faulty", "dark", "connects", "boots", "deaths")


def census_of(boards: Iterable[Board], at: datetime, rate: float, connects: int, late_ms: float) -> Census:
    counted = dict.fromkeys(_COUNTED, 0)
    counted["connects"] = connects
    for board in boards:
        counted["stations"] += 1
        counted["faulty"] += board.faults > 0
        counted["dark"] += board.is_dark
        counted["boots"] += board.boots
        counted["deaths"] += board.deaths
        if board.life is not None:
            counted["online"] += board.life.station.link.connected
            counted["sounding"] += board.life.station.conductor.now_playing() is not None
    return Census(at=at, rate=rate, late_ms=late_ms, **counted)


async def take_every_second(rate: float, take: Callable[[float], None]) -> None:
    """Every second of ours; `take` gets how late the loop was, in ms. For ever."""
    while True:
        begun_s = time.monotonic()
        await asyncio.sleep(EVERY_S * rate)
        take((time.monotonic() - begun_s - EVERY_S) * 1000)
