"""What can be wrong with an amplifier board and what hangs on it."""

from dataclasses import dataclass, field
from enum import StrEnum


class BoardFault(StrEnum):
    """The first three befall one loudspeaker line, the others the whole board."""

    OPEN_LINE = "open_line"
    SHORTED_LINE = "shorted_line"
    DRIVER_DEAD = "driver_dead"
    """One of two drivers in parallel: the load's impedance doubles."""
    MAINS_LOST = "mains_lost"
    OVERHEAT = "overheat"
    RAIL_LOW = "rail_low"
    FAN_STUCK = "fan_stuck"
    TAMPER = "tamper"
    NO_ANSWER = "no_answer"


OF_A_LINE = frozenset({BoardFault.OPEN_LINE, BoardFault.SHORTED_LINE, BoardFault.DRIVER_DEAD})


@dataclass
class Faults:
    """Those that hold now."""

    _held: set[tuple[BoardFault, int | None]] = field(default_factory=set)

    def begin(self, fault: BoardFault, line: int | None = None) -> None:
        """Raises ValueError where `line` (from 0) is missing, or not to be given."""
        self._held.add(self._checked(fault, line))

    def mend(self, fault: BoardFault, line: int | None = None) -> None:
        self._held.discard(self._checked(fault, line))

    def holds(self, fault: BoardFault, line: int | None = None) -> bool:
        return (fault, line) in self._held

    def names(self) -> list[str]:
        """As a scenario and a truth file write them."""
        return sorted(fault if line is None else f"{fault}:{line}" for fault, line in self._held)

    @staticmethod
    def _checked(fault: BoardFault, line: int | None) -> tuple[BoardFault, int | None]:
        if (fault in OF_A_LINE) != (line is not None):
            raise ValueError(f"{fault} and line {line} do not go together")
        return fault, line
