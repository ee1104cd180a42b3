"""What every amplifier must do: through the real serial code to a simulated board, and without a wire."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from agent.amplifier.board import BoardAmplifier
from agent.amplifier.contract import WATCHDOG_S
from agent.amplifier.modbus import ModbusBus
from agent.clock import AssumedClock
from agent.errors import AmplifierFailed
from agent.settings import AmplifierSettings
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.amplifier.inprocess import InProcessBus
from firmware_sim.amplifier.serial import SerialBoard
from wire.evidence import AmplifierFault

GAIN_DB = -6.0
SPEECH_RMS = 0.1


class StandingClock(AssumedClock):
    """No more time goes by for the board than the test says."""

    gone_s = 0.0

    def monotonic_s(self) -> float:
        return self.gone_s


@dataclass
class Rig:
    """An amplifier, and a hand on the board behind it."""

    amplifier: BoardAmplifier
    held: Callable[[], AbstractContextManager[Board]]
    clock: StandingClock = field(default_factory=StandingClock)

    def pass_time(self, seconds: float) -> None:
        self.clock.gone_s += seconds

    def suffer(self, fault: BoardFault, line: int | None = None) -> None:
        with self.held() as board:
            board.faults.begin(fault, line)

    def mend(self, fault: BoardFault, line: int | None = None) -> None:
        with self.held() as board:
            board.faults.mend(fault, line)

    def drawn_ma(self) -> list[float]:
        with self.held() as board:
            return board.currents_ma()

    async def sound(self) -> None:
        await self.amplifier.switch_on()
        self.pass_time(self.amplifier.settle_s)
        await self.amplifier.unmute()


@pytest.fixture(params=["in_process", "serial"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    board, clock = Board(input_rms=SPEECH_RMS), StandingClock()
    if request.param == "in_process":
        bus = InProcessBus(board, clock)
        yield Rig(BoardAmplifier(bus, clock, 0.15, GAIN_DB), held_by(board, clock), clock)
        return
    served = SerialBoard(board, seconds=clock.monotonic_s)
    served.start()
    wired = ModbusBus(AmplifierSettings(port=served.port, parity="N"))
    yield Rig(BoardAmplifier(wired, clock, 0.15, GAIN_DB), served.held, clock)
    await wired.close()
    served.stop()


def held_by(board: Board, clock: StandingClock) -> Callable[[], AbstractContextManager[Board]]:
    @contextmanager
    def held() -> Iterator[Board]:
        board.advance(clock.monotonic_s())
        yield board

    return held


async def test_a_board_at_rest_is_off_and_muted_and_tells_everything(rig: Rig) -> None:
    state = await rig.amplifier.read()
    assert state.problem is None
    assert not state.power_on
    assert [(line.relay_on, line.muted, line.current_ma) for line in state.lines] == [(False, True, 0.0)] * 2
    assert state.rail_v == pytest.approx(24.0, abs=0.5)
    assert state.battery_v == pytest.approx(27.2, abs=0.5)
    assert state.heat_sink_c == pytest.approx(28.0, abs=1.0)
    assert (state.mains_present, state.fan_on, state.tamper_open, state.faults) == (True, False, False, ())
    assert abs((datetime.now(UTC) - state.at).total_seconds()) < 10


async def test_it_goes_on_muted_and_sounds_when_unmuted(rig: Rig) -> None:
    await rig.amplifier.switch_on()
    rig.pass_time(rig.amplifier.settle_s)
    state = await rig.amplifier.read()
    assert state.power_on and all(line.relay_on and line.muted for line in state.lines)
    assert rig.drawn_ma() == [0.0, 0.0]

    await rig.amplifier.unmute()

    state = await rig.amplifier.read()
    assert not any(line.muted for line in state.lines)
    assert all(drawn_ma > 50 for drawn_ma in rig.drawn_ma())
    assert [line.current_ma for line in state.lines] == pytest.approx(rig.drawn_ma(), rel=0.05)


async def test_it_always_goes_on_muted(rig: Rig) -> None:
    for _ in range(2):
        await rig.amplifier.unmute()
        await rig.amplifier.switch_on()
        rig.pass_time(rig.amplifier.settle_s)
        assert rig.drawn_ma() == [0.0, 0.0]
        await rig.amplifier.unmute()
        assert all(rig.drawn_ma())
        await rig.amplifier.switch_off()


async def test_it_is_ready_after_the_time_to_settle_and_not_before(rig: Rig) -> None:
    await rig.amplifier.switch_on()
    await rig.amplifier.unmute()
    assert rig.drawn_ma() == [0.0, 0.0]
    rig.pass_time(rig.amplifier.settle_s)
    assert all(rig.drawn_ma())


async def test_its_gain_is_that_of_the_settings(rig: Rig) -> None:
    await rig.sound()
    assert (await rig.amplifier.read()).gain_db == GAIN_DB
    assert rig.drawn_ma()[0] == pytest.approx(1000 * SPEECH_RMS * 0.501 * 0.9 * 24 / 8, rel=0.02)


async def test_a_mute_is_silence_and_stays_on(rig: Rig) -> None:
    await rig.sound()
    await rig.amplifier.mute()
    assert rig.drawn_ma() == [0.0, 0.0]
    assert (await rig.amplifier.read()).power_on


async def test_off_is_off_and_muted(rig: Rig) -> None:
    await rig.sound()
    await rig.amplifier.switch_off()
    state = await rig.amplifier.read()
    assert not state.power_on
    assert not any(line.relay_on for line in state.lines) and all(line.muted for line in state.lines)
    assert rig.drawn_ma() == [0.0, 0.0]


async def test_every_order_may_be_repeated(rig: Rig) -> None:
    amplifier = rig.amplifier
    for order in (amplifier.switch_on, amplifier.feed, amplifier.mute, amplifier.switch_off):
        await order()
        before = (await amplifier.read()).model_dump(include={"power_on", "faults", "gain_db"})
        await order()
        assert (await amplifier.read()).model_dump(include={"power_on", "faults", "gain_db"}) == before
    await rig.sound()
    await rig.amplifier.unmute()
    assert all(rig.drawn_ma())


async def test_it_stays_on_while_it_is_fed(rig: Rig) -> None:
    await rig.sound()
    for _ in range(5):
        rig.pass_time(WATCHDOG_S - 1)
        await rig.amplifier.feed()
    assert all(rig.drawn_ma())


async def test_nobody_feeds_it_and_it_switches_itself_off(rig: Rig) -> None:
    await rig.sound()
    rig.pass_time(WATCHDOG_S / 2)
    await rig.amplifier.switch_on()
    await rig.amplifier.unmute()
    rig.pass_time(WATCHDOG_S / 2 + 0.1)
    assert rig.drawn_ma() == [0.0, 0.0], "only feed feeds"

    state = await rig.amplifier.read()

    assert not state.power_on and all(line.muted for line in state.lines)
    assert state.faults == (AmplifierFault.DEAD_AIR,)
    await rig.sound()
    assert all(rig.drawn_ma()), "a latched fault is a memory, no lock"


async def test_it_forgets_faults_whose_cause_is_gone(rig: Rig) -> None:
    await rig.sound()
    rig.pass_time(WATCHDOG_S + 0.1)
    await rig.amplifier.switch_on()
    rig.suffer(BoardFault.RAIL_LOW)
    state = await rig.amplifier.read()
    assert set(state.faults) == {AmplifierFault.DEAD_AIR, AmplifierFault.RAIL_LOW}

    await rig.amplifier.forget_faults()

    assert (await rig.amplifier.read()).faults == (AmplifierFault.RAIL_LOW,)
    rig.mend(BoardFault.RAIL_LOW)
    assert (await rig.amplifier.read()).faults == (AmplifierFault.RAIL_LOW,)
    await rig.amplifier.forget_faults()
    assert (await rig.amplifier.read()).faults == ()


@pytest.mark.parametrize(
    ("fault", "share"), [(BoardFault.OPEN_LINE, 0.0), (BoardFault.DRIVER_DEAD, 0.5)], ids=str
)
async def test_what_hangs_on_a_line_shows_in_its_current(rig: Rig, fault: BoardFault, share: float) -> None:
    rig.suffer(fault, line=1)
    await rig.sound()
    state = await rig.amplifier.read()
    whole_ma, broken_ma = (line.current_ma for line in state.lines)
    assert broken_ma == pytest.approx(share * whole_ma, rel=0.05, abs=2.0)


async def test_a_shorted_line_is_cut_off_and_the_other_one_sounds_on(rig: Rig) -> None:
    with rig.held() as board:
        board.input_rms = 0.5
    rig.suffer(BoardFault.SHORTED_LINE, line=0)
    await rig.sound()
    state = await rig.amplifier.read()
    assert AmplifierFault.OVER_CURRENT in state.faults
    assert [line.relay_on for line in state.lines] == [False, True]
    assert rig.drawn_ma()[0] == 0.0 and rig.drawn_ma()[1] > 0


async def test_mains_battery_and_case_are_told(rig: Rig) -> None:
    rig.suffer(BoardFault.MAINS_LOST)
    rig.suffer(BoardFault.TAMPER)
    state = await rig.amplifier.read()
    assert (state.mains_present, state.tamper_open) == (False, True)
    assert state.battery_v is not None and state.battery_v < 26
    assert state.rail_v == pytest.approx(state.battery_v, abs=0.5)
    rig.mend(BoardFault.MAINS_LOST)
    assert (await rig.amplifier.read()).mains_present


async def test_a_board_that_does_not_answer_is_said_and_never_waited_for(rig: Rig) -> None:
    await rig.sound()
    rig.suffer(BoardFault.NO_ANSWER)
    amplifier, began_s = rig.amplifier, time.monotonic()
    assert (await amplifier.read()).problem == "no_answer"
    orders = (amplifier.switch_on, amplifier.unmute, amplifier.mute, amplifier.feed, amplifier.switch_off)
    for order in (*orders, amplifier.forget_faults):
        with pytest.raises(AmplifierFailed):
            await order()
    assert time.monotonic() - began_s <= 7 * 1.5

    rig.mend(BoardFault.NO_ANSWER)

    assert (await amplifier.read()).problem is None
    await rig.sound()
