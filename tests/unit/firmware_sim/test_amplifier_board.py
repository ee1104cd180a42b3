"""Volts, amperes and degrees of the simulated amplifier board, over hours of its life."""

import asyncio
import math

import pytest

from agent.amplifier import registers
from agent.amplifier.contract import WATCHDOG_S
from agent.amplifier.registers import FEED_WORD, Holding, Input, Status
from agent.clock import AssumedClock
from firmware_sim.amplifier import physics
from firmware_sim.amplifier.board import LOST_S, SETTLE_S, Board, BoardRefuses
from firmware_sim.amplifier.faults import OF_A_LINE, BoardFault, Faults
from firmware_sim.amplifier.inprocess import in_process_amplifier
from wire.evidence import AmplifierFault

HOUR_S = 3600.0
ON = [1, registers.ALL_LINES, 0, 0]


class Bench:
    """A board on the table, with somebody who feeds it as time goes by."""

    def __init__(self, **made_with: object) -> None:
        self.board = Board(**made_with)  # type: ignore[arg-type]
        self.now_s = 0.0
        self.board.advance(self.now_s)

    def live(self, seconds: float, fed: bool = True) -> None:
        ends_at_s = self.now_s + seconds
        while self.now_s < ends_at_s:
            self.now_s = min(self.now_s + (WATCHDOG_S - 1 if fed else seconds), ends_at_s)
            self.board.advance(self.now_s)
            if fed:
                self.board.write(Holding.FEED, [FEED_WORD])

    def sound(self, rms: float) -> None:
        self.board.write(Holding.POWER, ON)
        self.board.input_rms = rms
        self.live(SETTLE_S)

    def volts(self, register: Input) -> float:
        return self.board.inputs()[register] * registers.VOLT_STEP_V

    def sink_c(self) -> float:
        return registers.signed(self.board.inputs()[Input.HEAT_SINK]) * registers.HEAT_STEP_C

    def has(self, status: Status) -> bool:
        return status in Status(self.board.inputs()[Input.STATUS])


def test_current_follows_the_sound_at_the_input() -> None:
    bench = Bench()
    bench.sound(0.1)
    quiet_ma = bench.board.currents_ma()[0]
    bench.board.input_rms = 0.2
    assert bench.board.currents_ma()[0] == pytest.approx(2 * quiet_ma)
    bench.board.input_rms = 0.0
    assert bench.board.currents_ma() == [0.0, 0.0]
    bench.board.input_rms = 9.0
    assert bench.board.currents_ma()[0] == pytest.approx(1000 * physics.HEADROOM * 24 / 8), "it clips"


def test_each_load_draws_what_it_must() -> None:
    bench = Bench(line_count=4)
    faults = bench.board.faults
    faults.begin(BoardFault.OPEN_LINE, 1)
    faults.begin(BoardFault.DRIVER_DEAD, 2)
    faults.begin(BoardFault.SHORTED_LINE, 3)
    bench.sound(0.01)
    whole, open_line, one_driver, short = bench.board.currents_ma()
    assert open_line == 0.0
    assert one_driver == pytest.approx(whole / 2)
    assert short == pytest.approx(whole * 8 / physics.SHORT_OHM)
    assert not bench.board.latched, "a faint tone trips nothing"
    faults.mend(BoardFault.OPEN_LINE, 1)
    assert bench.board.currents_ma()[1] == pytest.approx(whole)


def test_a_line_that_tripped_is_tried_again_when_it_is_switched_on_anew() -> None:
    bench = Bench()
    bench.board.faults.begin(BoardFault.SHORTED_LINE, 0)
    bench.sound(0.5)
    assert bench.board.inputs()[Input.RELAYS] == 0b10
    bench.board.faults.mend(BoardFault.SHORTED_LINE, 0)
    bench.live(60)
    assert bench.board.inputs()[Input.RELAYS] == 0b10
    bench.board.write(Holding.POWER, [0, 0])
    bench.sound(0.5)
    assert bench.board.inputs()[Input.RELAYS] == 0b11


def test_meters_are_near_the_truth_and_never_quite_still() -> None:
    bench = Bench()
    bench.sound(0.1)
    readings = [bench.board.inputs()[Input.FIRST_CURRENT] * registers.CURRENT_STEP_MA for _ in range(100)]
    true_ma = bench.board.currents_ma()[0]
    assert len(set(readings)) > 10
    assert sum(readings) / 100 == pytest.approx(true_ma, rel=0.01)
    assert all(reading == pytest.approx(true_ma, rel=0.05) for reading in readings)


def test_the_rail_sags_under_load_and_recovers() -> None:
    bench = Bench()
    assert bench.volts(Input.RAIL) == pytest.approx(24.0, abs=0.05)
    bench.sound(0.6)
    assert 22 < bench.volts(Input.RAIL) < 23.9
    bench.board.input_rms = 0.0
    assert bench.volts(Input.RAIL) == pytest.approx(24.0, abs=0.1)


def test_a_low_rail_is_latched_while_it_is_on() -> None:
    bench = Bench()
    bench.board.faults.begin(BoardFault.RAIL_LOW)
    bench.live(10)
    assert not bench.board.latched
    bench.sound(0.1)
    assert bench.board.latched == {AmplifierFault.RAIL_LOW}


def test_the_battery_carries_it_for_hours_and_then_the_board_is_dead_until_mains_come_back() -> None:
    bench = Bench()
    bench.sound(0.2)
    bench.board.faults.begin(BoardFault.MAINS_LOST)
    assert not bench.has(Status.MAINS_PRESENT)
    bench.live(HOUR_S)
    first_v = bench.volts(Input.BATTERY)
    bench.live(3 * HOUR_S)
    assert physics.EMPTY_V < bench.volts(Input.BATTERY) < first_v < physics.FULL_V
    assert bench.board.answers
    bench.live(100 * HOUR_S)
    assert not bench.board.answers and not bench.board.power_on

    bench.board.faults.mend(BoardFault.MAINS_LOST)

    bench.live(1)
    assert bench.board.answers and not bench.board.power_on and bench.board.mutes
    empty_v = bench.volts(Input.BATTERY)
    bench.live(12 * HOUR_S)
    assert empty_v < bench.volts(Input.BATTERY) == pytest.approx(physics.FLOAT_V)


def test_asleep_the_battery_lasts_days() -> None:
    bench = Bench()
    bench.board.faults.begin(BoardFault.MAINS_LOST)
    bench.live(72 * HOUR_S, fed=False)
    assert bench.board.answers


def test_where_there_is_no_battery_none_is_told_and_mains_are_all() -> None:
    bench = Bench(battery_fitted=False)
    assert bench.board.inputs()[Input.BATTERY] == registers.NOT_FITTED
    bench.board.faults.begin(BoardFault.MAINS_LOST)
    assert not bench.board.answers


def test_work_warms_it_the_fan_cools_it_and_rest_lets_it_cool_down() -> None:
    bench = Bench()
    bench.sound(0.6)
    bench.live(HOUR_S / 4)
    assert bench.has(Status.FAN_ON)
    bench.live(HOUR_S)
    assert physics.AMBIENT_C + 5 < bench.sink_c() < physics.FAN_ON_C + 1
    bench.board.write(Holding.POWER, [0])
    bench.live(HOUR_S)
    assert bench.sink_c() == pytest.approx(physics.AMBIENT_C, abs=1.0)
    assert not bench.has(Status.FAN_ON) and not bench.board.latched


def test_a_stuck_fan_is_told() -> None:
    bench = Bench()
    bench.board.faults.begin(BoardFault.FAN_STUCK)
    bench.sound(0.6)
    bench.live(HOUR_S)
    assert not bench.has(Status.FAN_ON)
    assert AmplifierFault.FAN in bench.board.latched


def test_too_hot_it_mutes_itself_until_it_has_cooled() -> None:
    bench = Bench()
    bench.sound(0.1)
    bench.board.faults.begin(BoardFault.OVERHEAT)
    bench.live(HOUR_S / 2)
    assert AmplifierFault.OVER_TEMPERATURE in bench.board.latched
    assert bench.board.currents_ma() == [0.0, 0.0]
    assert bench.board.inputs()[Input.MUTES] == 0b11

    bench.board.faults.mend(BoardFault.OVERHEAT)

    bench.live(HOUR_S)
    assert all(bench.board.currents_ma()), "and sounds again by itself"
    assert AmplifierFault.OVER_TEMPERATURE in bench.board.latched
    bench.board.write(Holding.FORGET, [0xFF])
    assert not bench.board.latched


def test_heat_does_not_depend_on_how_often_anybody_looks() -> None:
    often, seldom = Bench(), Bench()
    for bench in (often, seldom):
        bench.board.faults.begin(BoardFault.OVERHEAT)
    for _ in range(600):
        often.live(1, fed=False)
    seldom.live(600, fed=False)
    assert often.sink_c() == pytest.approx(seldom.sink_c(), abs=0.2)


def test_its_watchdog_bites_on_time_however_late_anybody_looks() -> None:
    bench = Bench()
    bench.sound(0.1)
    assert bench.board.inputs()[Input.WATCHDOG_LEFT] == pytest.approx(10 * WATCHDOG_S, abs=2)
    bench.board.input_rms = 0.0
    bench.live(10 * HOUR_S, fed=False)
    assert bench.board.latched == {AmplifierFault.DEAD_AIR}
    assert bench.sink_c() == pytest.approx(physics.AMBIENT_C, abs=0.5), "it was off nearly all the time"


@pytest.mark.parametrize(
    ("address", "values", "code"),
    [(6, [1], 2), (4, [FEED_WORD, 1, 1], 2), (-1, [1], 2), (0, [], 2), (0, [2], 3), (4, [0x1234], 3)],
)
def test_what_is_not_on_the_map_is_refused_and_changes_nothing(
    address: int, values: list[int], code: int
) -> None:
    bench = Bench()
    before = bench.board.holdings()
    with pytest.raises(BoardRefuses) as refused:
        bench.board.write(address, values)
    assert refused.value.code == code
    assert bench.board.holdings() == before


def test_a_board_that_nobody_speaks_to_opens_for_sound_by_itself_and_closes_after_it() -> None:
    bench = Bench()
    bench.board.input_rms = 0.1
    bench.live(LOST_S - 1, fed=False)
    assert not any(bench.board.currents_ma()), "a program that reads every half minute is there"
    bench.live(2, fed=False)
    bench.live(SETTLE_S, fed=False)
    assert all(bench.board.currents_ma())
    bench.live(HOUR_S, fed=False)
    assert all(bench.board.currents_ma())

    bench.board.input_rms = 0.0

    bench.live(WATCHDOG_S + 0.1, fed=False)
    assert not bench.board.power_on and bench.board.mutes and not bench.board.latched


def test_a_program_that_comes_back_has_the_board_as_it_is() -> None:
    bench = Bench()
    bench.board.input_rms = 0.1
    bench.live(LOST_S + 1, fed=False)
    assert bench.has(Status.POWER_ON)
    bench.live(WATCHDOG_S - 1, fed=False)
    assert all(bench.board.currents_ma())
    bench.live(2, fed=False)
    assert not bench.board.power_on, "and must feed it from then on"


def test_it_lives_on_while_the_program_is_dead() -> None:
    class Clock(AssumedClock):
        now_s = 500.0

        def monotonic_s(self) -> float:
            return self.now_s

    clock, board = Clock(), Board()
    asyncio.run(in_process_amplifier(board, clock).switch_on())
    clock.now_s += WATCHDOG_S - 1
    second_life = in_process_amplifier(board, clock)
    assert asyncio.run(second_life.read()).power_on
    clock.now_s += 2
    state = asyncio.run(second_life.read())
    assert not state.power_on and state.faults == (AmplifierFault.DEAD_AIR,)


def test_a_fault_of_a_line_needs_a_line_and_no_other_has_one() -> None:
    faults = Faults()
    for fault in BoardFault:
        with pytest.raises(ValueError, match=fault):
            faults.begin(fault, None if fault in OF_A_LINE else 0)
    faults.begin(BoardFault.OPEN_LINE, 1)
    faults.begin(BoardFault.TAMPER)
    assert faults.names() == ["open_line:1", "tamper"]
    faults.mend(BoardFault.OPEN_LINE, 0)
    assert faults.holds(BoardFault.OPEN_LINE, 1)


def test_the_load_of_an_open_line_is_endless() -> None:
    faults = Faults()
    faults.begin(BoardFault.OPEN_LINE, 0)
    assert math.isinf(physics.load_ohm(8.0, 0, faults))
