"""Volts, amperes and degrees of the simulated board.

The output stage is a bridge: full scale reaches `HEADROOM` of the rail. Heat follows one time constant
(Newton's law of cooling), the battery is a straight line over its charge with an inner resistance.
"""

import math
from dataclasses import dataclass

from firmware_sim.amplifier.faults import BoardFault, Faults

HEADROOM = 0.9
SHORT_OHM = 0.3
MAINS_RAIL_V = 24.0
MAINS_OHM = 0.15
RAIL_DROP_V = 8.0
IDLE_W = 3.0
ASLEEP_W = 0.8
WASTE = 0.15
"""Share of the output power that becomes heat in a class D stage."""
AMBIENT_C = 28.0
OVERHEAT_C = 90.0
HEAT_CONSTANT_S = 400.0
STILL_AIR_C_PER_W = 4.0
FAN_C_PER_W = 1.5
FAN_ON_C, FAN_OFF_C = 55.0, 45.0
BATTERY_WH = 168.0
EMPTY_V, FULL_V = 22.0, 25.6
FLOAT_V = 27.2
BATTERY_OHM = 0.3
CHARGE_W = 20.0


@dataclass
class Heat:
    """The heat sink and its fan."""

    sink_c: float = AMBIENT_C
    fan_on: bool = False

    def pass_time(self, seconds: float, watts: float, faults: Faults) -> None:
        per_w = FAN_C_PER_W if self.fan_on else STILL_AIR_C_PER_W
        ambient_c = AMBIENT_C + (OVERHEAT_C if faults.holds(BoardFault.OVERHEAT) else 0.0)
        target_c = ambient_c + per_w * watts
        self.sink_c = target_c + (self.sink_c - target_c) * math.exp(-seconds / HEAT_CONSTANT_S)
        wanted = self.sink_c > (FAN_OFF_C if self.fan_on else FAN_ON_C)
        self.fan_on = wanted and not faults.holds(BoardFault.FAN_STUCK)


@dataclass
class Supply:
    """Mains, with a battery behind it where one is fitted."""

    fitted: bool = True
    charge: float = 1.0

    def pass_time(self, seconds: float, watts: float, faults: Faults) -> None:
        on_battery = faults.holds(BoardFault.MAINS_LOST)
        gained_wh = (-watts if on_battery else CHARGE_W) * seconds / 3600.0
        self.charge = min(max(self.charge + gained_wh / BATTERY_WH, 0.0), 1.0)

    def is_dead(self, faults: Faults) -> bool:
        return faults.holds(BoardFault.MAINS_LOST) and (self.charge <= 0.0 or not self.fitted)

    def rail_v(self, watts: float, faults: Faults) -> float:
        drop_v = RAIL_DROP_V if faults.holds(BoardFault.RAIL_LOW) else 0.0
        if not faults.holds(BoardFault.MAINS_LOST):
            return MAINS_RAIL_V - MAINS_OHM * watts / MAINS_RAIL_V - drop_v
        return self.battery_v(watts, faults) - drop_v

    def battery_v(self, watts: float, faults: Faults) -> float:
        if not faults.holds(BoardFault.MAINS_LOST):
            return FLOAT_V if self.charge >= 1.0 else EMPTY_V + (FLOAT_V - EMPTY_V) * self.charge
        open_v = EMPTY_V + (FULL_V - EMPTY_V) * self.charge
        return open_v - BATTERY_OHM * watts / open_v


def load_ohm(nominal_ohm: float, line: int, faults: Faults) -> float:
    """What hangs on a line; infinite where it is open."""
    if faults.holds(BoardFault.OPEN_LINE, line):
        return math.inf
    if faults.holds(BoardFault.SHORTED_LINE, line):
        return SHORT_OHM
    return nominal_ohm * (2.0 if faults.holds(BoardFault.DRIVER_DEAD, line) else 1.0)


def output_v(input_rms: float, gain_db: float, rail_v: float) -> float:
    """RMS volts at the terminals; `input_rms` is 1.0 for a full-scale square wave."""
    return float(min(input_rms * 10 ** (gain_db / 20.0), 1.0) * HEADROOM * rail_v)
