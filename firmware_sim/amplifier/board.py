"""The amplifier board as a state machine: what its registers say and do, at the instant it is asked.

It reads no clock: whoever asks says what a monotonic clock says, always the same one.
"""

import random
from dataclasses import dataclass, field

from agent.amplifier import registers
from agent.amplifier.contract import WATCHDOG_S
from agent.amplifier.registers import FAULT_BITS, FEED_WORD, INPUT_COUNT, Holding, Input, Status
from firmware_sim.amplifier.faults import BoardFault, Faults
from firmware_sim.amplifier.physics import (
    ASLEEP_W,
    IDLE_W,
    WASTE,
    Heat,
    Supply,
    load_ohm,
    output_v,
)
from wire.evidence import AmplifierFault

SETTLE_S = 0.12
TRIP_MA = 5000.0
RAIL_LOW_V = 18.0
TOO_HOT_C, COOL_AGAIN_C = 85.0, 75.0
LOST_S = 60.0
"""Nobody has spoken to it for so long: the cable is broken, and it listens for sound by itself."""
SENSE_RMS = 0.003
METER_NOISE_MA = 0.2
METER_ERROR = 0.005
_STRIDE_S = 15.0
_MOST_STRIDES = 100


class BoardRefuses(Exception):
    """A Modbus exception code: 2 for an address that it has not, 3 for a value that it does not take."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"modbus exception {code}")


@dataclass
class Board:
    """`input_rms` is the sound at its input, 0 to 1; whoever plays into it keeps that true."""

    line_count: int = 2
    load_ohm: float = 8.0
    battery_fitted: bool = True
    input_rms: float = 0.0
    faults: Faults = field(default_factory=Faults)
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - meter noise
    power_on: bool = False
    relays: int = 0
    mutes: int = registers.ALL_LINES
    gain_db: float = 0.0
    latched: set[AmplifierFault] = field(default_factory=set)
    _tripped: int = 0
    _too_hot: bool = False
    _born_at_s: float | None = None
    _now_s: float = 0.0
    _ready_at_s: float = 0.0
    _fed_at_s: float = 0.0
    _spoken_to_at_s: float = 0.0
    _on_by_itself: bool = False
    _heat: Heat = field(default_factory=Heat)
    _supply: Supply = field(default_factory=Supply)

    def __post_init__(self) -> None:
        self._supply.fitted = self.battery_fitted

    def advance(self, now_s: float) -> None:
        """Live up to `now_s` on the monotonic clock; the first one is its birth."""
        if self._born_at_s is None:
            self._born_at_s = now_s
        left_s = max(now_s - self._born_at_s - self._now_s, 0.0)
        stride_s = max(_STRIDE_S, left_s / _MOST_STRIDES)
        while left_s > 0:
            step_s = min(left_s, stride_s, self._watchdog_left_s() or stride_s)
            self._pass_time(step_s)
            self._notice()
            left_s -= step_s
        self._notice()

    @property
    def answers(self) -> bool:
        return not self.faults.holds(BoardFault.NO_ANSWER) and not self._supply.is_dead(self.faults)

    def sounds(self, line: int) -> bool:
        """Whether sound at the input reaches this line's terminals."""
        settled = self.power_on and self._now_s >= self._ready_at_s
        closed = self.relays & ~self._tripped & ~self.mutes
        return settled and not self._too_hot and bool(closed >> line & 1)

    def currents_ma(self) -> list[float]:
        """What each line truly draws."""
        unloaded_v = self._supply.rail_v(0.0, self.faults)
        volts = output_v(self.input_rms, self.gain_db, unloaded_v)
        lines = range(self.line_count)
        loads = [load_ohm(self.load_ohm, line, self.faults) for line in lines]
        return [1000.0 * volts / loads[line] if self.sounds(line) else 0.0 for line in lines]

    def inputs(self) -> list[int]:
        """Every input register, as it is now."""
        self._is_spoken_to()
        watts = self._watts()
        battery_v = self._supply.battery_v(watts, self.faults)
        values = [0] * INPUT_COUNT
        values[Input.MAP_VERSION] = registers.MAP_VERSION
        values[Input.LINE_COUNT] = self.line_count
        values[Input.STATUS] = int(self._status())
        values[Input.FAULTS] = sum(FAULT_BITS[fault] for fault in self.latched)
        values[Input.RELAYS] = self.relays & ~self._tripped & self._all_lines
        values[Input.MUTES] = (registers.ALL_LINES if self._too_hot else self.mutes) & self._all_lines
        values[Input.GAIN] = registers.unsigned(self.gain_db / registers.GAIN_STEP_DB)
        values[Input.RAIL] = round(self._rail_v() / registers.VOLT_STEP_V)
        values[Input.BATTERY] = (
            round(battery_v / registers.VOLT_STEP_V) if self.battery_fitted else registers.NOT_FITTED
        )
        values[Input.HEAT_SINK] = registers.unsigned(self._heat.sink_c / registers.HEAT_STEP_C)
        values[Input.WATCHDOG_LEFT] = round((self._watchdog_left_s() or 0.0) / registers.WATCHDOG_STEP_S)
        for line, true_ma in enumerate(self.currents_ma()):
            values[Input.FIRST_CURRENT + line] = self._metered(true_ma)
        return values

    def holdings(self) -> list[int]:
        """Every holding register, as it was last written."""
        self._is_spoken_to()
        gain = registers.unsigned(self.gain_db / registers.GAIN_STEP_DB)
        return [int(self.power_on), self.relays, gain, self.mutes, 0, 0]

    def write(self, address: int, values: list[int]) -> None:
        """Consecutive holding registers. Raises `BoardRefuses`, having changed nothing."""
        if not values or address < 0 or address + len(values) > len(Holding):
            raise BoardRefuses(2)
        wanted = {Holding(address + offset): value for offset, value in enumerate(values)}
        if wanted.get(Holding.POWER, 0) > 1 or wanted.get(Holding.FEED, FEED_WORD) != FEED_WORD:
            raise BoardRefuses(3)
        self._is_spoken_to()
        for register, value in wanted.items():
            self._take(register, value)
        self._notice()

    def _take(self, register: Holding, value: int) -> None:
        match register:
            case Holding.POWER:
                self._switch(bool(value))
            case Holding.RELAYS:
                self.relays = value & self._all_lines
            case Holding.MUTES:
                self.mutes = value & registers.ALL_LINES if self.power_on else registers.ALL_LINES
            case Holding.GAIN:
                self.gain_db = registers.signed(value) * registers.GAIN_STEP_DB
            case Holding.FEED:
                self._fed_at_s = self._now_s
            case Holding.FORGET:
                self._forget(value)

    def _switch(self, on: bool) -> None:
        if on and not self.power_on:
            self._ready_at_s = self._now_s + SETTLE_S
            self._fed_at_s = self._now_s
            self._tripped = 0
        if not on:
            self.relays, self.mutes = 0, registers.ALL_LINES
            self._on_by_itself = False
        self.power_on = on

    def _is_spoken_to(self) -> None:
        """The program has it again, as it is."""
        self._spoken_to_at_s = self._now_s
        if self._on_by_itself:
            self._on_by_itself, self._fed_at_s = False, self._now_s

    def _listen(self) -> None:
        """Sound that comes in is proof enough where no program can be heard."""
        if self._now_s - self._spoken_to_at_s < LOST_S or self.input_rms < SENSE_RMS:
            return
        if not self.power_on:
            self._switch(on=True)
            self.relays, self.mutes, self._on_by_itself = self._all_lines, 0, True
        if self._on_by_itself:
            self._fed_at_s = self._now_s

    def _forget(self, bits: int) -> None:
        self.latched -= {fault for fault, bit in FAULT_BITS.items() if bits & bit}
        self._notice()

    def _pass_time(self, seconds: float) -> None:
        self._now_s += seconds
        watts = self._watts()
        self._supply.pass_time(seconds, watts, self.faults)
        self._heat.pass_time(seconds, self._heat_w(), self.faults)
        self._listen()
        if self.power_on and self._watchdog_left_s() == 0.0:
            if not self._on_by_itself:
                self.latched.add(AmplifierFault.DEAD_AIR)
            self._switch(on=False)

    def _notice(self) -> None:
        """Latch what is wrong now, and protect the amplifier and the loudspeakers from it."""
        if self._supply.is_dead(self.faults):
            self._switch(on=False)
            self.latched.clear()
        for line, current_ma in enumerate(self.currents_ma()):
            if current_ma > TRIP_MA:
                self._tripped |= 1 << line
                self.latched.add(AmplifierFault.OVER_CURRENT)
        self._too_hot = self._heat.sink_c > (COOL_AGAIN_C if self._too_hot else TOO_HOT_C)
        if self._too_hot:
            self.latched.add(AmplifierFault.OVER_TEMPERATURE)
        if self.power_on and self._rail_v() < RAIL_LOW_V:
            self.latched.add(AmplifierFault.RAIL_LOW)
        if self.faults.holds(BoardFault.FAN_STUCK) and self._heat.sink_c > TOO_HOT_C - 25:
            self.latched.add(AmplifierFault.FAN)

    def _watchdog_left_s(self) -> float | None:
        """None while it is off."""
        return max(self._fed_at_s + WATCHDOG_S - self._now_s, 0.0) if self.power_on else None

    def _status(self) -> Status:
        status = Status(0)
        if self.power_on:
            status |= Status.POWER_ON
        if self.power_on and self._now_s >= self._ready_at_s:
            status |= Status.SETTLED
        if not self.faults.holds(BoardFault.MAINS_LOST):
            status |= Status.MAINS_PRESENT
        if self._heat.fan_on:
            status |= Status.FAN_ON
        if self.faults.holds(BoardFault.TAMPER):
            status |= Status.TAMPER_OPEN
        return status

    @property
    def _all_lines(self) -> int:
        return (1 << self.line_count) - 1

    def _rail_v(self) -> float:
        return max(self._supply.rail_v(self._watts(), self.faults), 0.0)

    def _output_w(self) -> float:
        loads = [load_ohm(self.load_ohm, line, self.faults) for line in range(self.line_count)]
        return sum((ma / 1000.0) ** 2 * ohm for ma, ohm in zip(self.currents_ma(), loads, strict=True) if ma)

    def _heat_w(self) -> float:
        return IDLE_W + WASTE * self._output_w() if self.power_on else 0.0

    def _watts(self) -> float:
        """From mains or battery."""
        return (IDLE_W + (1 + WASTE) * self._output_w()) if self.power_on else ASLEEP_W

    def _metered(self, true_ma: float) -> int:
        if not self.power_on:
            return 0
        measured_ma = true_ma * self.chance.gauss(1.0, METER_ERROR) + self.chance.gauss(0.0, METER_NOISE_MA)
        return int(min(max(measured_ma / registers.CURRENT_STEP_MA, 0.0), 0xFFFF))
