"""The register map of the amplifier board (`docs/amplifier-board.md`), and what a reading means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Final

from agent.errors import AmplifierFailed
from wire.evidence import AmplifierFault, AmplifierProblem, AmplifierState, LineState

MAP_VERSION: Final = 1
MOST_LINES: Final = 8
ALL_LINES: Final = 0xFF
FEED_WORD: Final = 0x5A5A
NOT_FITTED: Final = 0xFFFF


class Holding(IntEnum):
    """Written by the station program (functions 6 and 16)."""

    POWER = 0
    RELAYS = 1
    GAIN = 2
    MUTES = 3
    FEED = 4
    FORGET = 5


class Input(IntEnum):
    """Written by the board, read in one piece (function 4)."""

    MAP_VERSION = 0
    LINE_COUNT = 1
    STATUS = 2
    FAULTS = 3
    RELAYS = 4
    MUTES = 5
    GAIN = 6
    RAIL = 7
    BATTERY = 8
    HEAT_SINK = 9
    WATCHDOG_LEFT = 10
    FIRST_CURRENT = 11


INPUT_COUNT: Final = Input.FIRST_CURRENT + MOST_LINES
"""As many as there are, whatever the board's number of lines."""

GAIN_STEP_DB: Final = 0.1
VOLT_STEP_V: Final = 0.01
HEAT_STEP_C: Final = 0.1
CURRENT_STEP_MA: Final = 0.1
WATCHDOG_STEP_S: Final = 0.1


class Status(IntFlag):
    POWER_ON = 1
    SETTLED = 2
    MAINS_PRESENT = 4
    FAN_ON = 8
    TAMPER_OPEN = 16


FAULT_BITS: Final = {
    AmplifierFault.OVER_TEMPERATURE: 1,
    AmplifierFault.OVER_CURRENT: 2,
    AmplifierFault.RAIL_LOW: 4,
    AmplifierFault.FAN: 8,
    AmplifierFault.DEAD_AIR: 16,
}


@dataclass(frozen=True)
class Write:
    """Consecutive holding registers, in one message."""

    address: Holding
    values: tuple[int, ...]


def switch_on(gain_db: float) -> Write:
    """The amplifier and every line's relay; muted as it was while off, open where it was open already."""
    return Write(Holding.POWER, (1, ALL_LINES, unsigned(gain_db / GAIN_STEP_DB)))


UNMUTE: Final = Write(Holding.MUTES, (0,))
MUTE: Final = Write(Holding.MUTES, (ALL_LINES,))
SWITCH_OFF: Final = Write(Holding.POWER, (0, 0))
"""The board mutes itself with it. Fewer registers than `switch_on`: their answers cannot be confused."""
FEED: Final = Write(Holding.FEED, (FEED_WORD,))
FORGET: Final = Write(Holding.FORGET, (sum(FAULT_BITS.values()),))


def state_of(values: Sequence[int], at: datetime) -> AmplifierState:
    """What the input registers say. Raises `AmplifierFailed` where they are not those of this map."""
    if len(values) != INPUT_COUNT or values[Input.MAP_VERSION] != MAP_VERSION:
        raise AmplifierFailed(problem=AmplifierProblem.WRONG_MAP)
    if not 1 <= values[Input.LINE_COUNT] <= MOST_LINES:
        raise AmplifierFailed(problem=AmplifierProblem.WRONG_MAP)
    status, battery = Status(values[Input.STATUS] & 0x1F), values[Input.BATTERY]
    return AmplifierState(
        at=at,
        power_on=Status.POWER_ON in status,
        lines=tuple(_line(values, number) for number in range(values[Input.LINE_COUNT])),
        gain_db=round(signed(values[Input.GAIN]) * GAIN_STEP_DB, 1),
        rail_v=round(values[Input.RAIL] * VOLT_STEP_V, 2),
        mains_present=Status.MAINS_PRESENT in status,
        battery_v=None if battery == NOT_FITTED else round(battery * VOLT_STEP_V, 2),
        heat_sink_c=round(signed(values[Input.HEAT_SINK]) * HEAT_STEP_C, 1),
        fan_on=Status.FAN_ON in status,
        tamper_open=Status.TAMPER_OPEN in status,
        faults=tuple(fault for fault, bit in FAULT_BITS.items() if values[Input.FAULTS] & bit),
    )


def _line(values: Sequence[int], number: int) -> LineState:
    return LineState(
        relay_on=bool(values[Input.RELAYS] >> number & 1),
        muted=bool(values[Input.MUTES] >> number & 1),
        current_ma=round(values[Input.FIRST_CURRENT + number] * CURRENT_STEP_MA, 1),
    )


def signed(word: int) -> int:
    """A 16-bit register in two's complement."""
    return word - 0x10000 if word & 0x8000 else word


def unsigned(value: float) -> int:
    """A register for `value`, kept within 16 bits."""
    return max(min(round(value), 0x7FFF), -0x8000) & 0xFFFF
