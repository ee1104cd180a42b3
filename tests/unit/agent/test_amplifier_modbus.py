"""The serial line as it is in the field: noise, silence, delay, a wrong board, a cable pulled out."""

import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from agent.amplifier import registers
from agent.amplifier.board import BoardAmplifier
from agent.amplifier.modbus import ModbusBus
from agent.amplifier.registers import INPUT_COUNT, Holding, Write
from agent.clock import AssumedClock
from agent.errors import AmplifierFailed
from agent.settings import AmplifierSettings
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.serial import UNIT, SerialBoard

ANSWER_S = 0.25
ORDERS = 24


@pytest.fixture
def served() -> Iterator[SerialBoard]:
    made = SerialBoard(Board())
    made.start()
    yield made
    if made.serves:
        made.stop()


@pytest.fixture
async def bus(served: SerialBoard) -> AsyncIterator[ModbusBus]:
    made = ModbusBus(AmplifierSettings(port=served.port, parity="N", answer_s=ANSWER_S))
    yield made
    await made.close()


async def test_noise_costs_a_second_try_and_never_obeys_wrongly(served: SerialBoard, bus: ModbusBus) -> None:
    served.wire.noise = 0.2
    obeyed = 0
    for number in range(ORDERS):
        gain = registers.unsigned(-number)
        try:
            await bus.write(Write(Holding.GAIN, (gain,)))
        except AmplifierFailed as error:
            assert error.params["problem"] in {"no_answer", "wrong_answer", "refused"}
            continue
        obeyed += 1
        with served.held() as board:
            assert round(board.gain_db / registers.GAIN_STEP_DB) == -number
    assert obeyed >= ORDERS / 2


async def test_garbled_readings_are_never_believed(served: SerialBoard, bus: ModbusBus) -> None:
    amplifier = BoardAmplifier(bus, AssumedClock(), 0.15)
    truth = (await amplifier.read()).model_dump(exclude={"at"})
    served.wire.noise = 0.5
    readings = [await amplifier.read() for _ in range(10)]
    good = [reading.model_dump(exclude={"at"}) for reading in readings if reading.problem is None]
    assert good and all(reading == truth for reading in good)


async def test_garbage_on_the_line_leaves_the_next_message_alone(served: SerialBoard, bus: ModbusBus) -> None:
    chance = random.Random(5)
    for _ in range(5):
        served.wire.garbage = chance.randbytes(chance.randrange(1, 40))
        try:
            await bus.write(registers.MUTE)
        except AmplifierFailed as error:
            assert error.params["problem"] in {"no_answer", "wrong_answer", "refused"}
    served.wire.garbage = b""
    assert len(await bus.read_inputs(INPUT_COUNT)) == INPUT_COUNT


async def test_an_answer_that_is_a_little_late_is_waited_for(served: SerialBoard) -> None:
    patient = ModbusBus(AmplifierSettings(port=served.port, parity="N", answer_s=2.0))
    served.wire.delay_s = 0.3
    await patient.write(registers.switch_on(-3.0))
    await patient.close()
    with served.held() as board:
        assert board.power_on and board.gain_db == -3.0


async def test_late_answers_to_one_order_are_never_taken_for_another(
    served: SerialBoard, bus: ModbusBus
) -> None:
    served.wire.delay_s = ANSWER_S * 2
    orders = (registers.switch_on(0.0), registers.UNMUTE, registers.MUTE, registers.SWITCH_OFF)
    for order in orders * 3:
        try:
            await bus.write(order)
        except AmplifierFailed:
            continue
        with served.held() as board:
            held = board.holdings()[order.address : order.address + len(order.values)]
        assert tuple(held) == masked(order)


def masked(order: Write) -> tuple[int, ...]:
    """As the board keeps it: relays only of the lines that it has."""
    if order.address != Holding.POWER:
        return order.values
    power, relays, *others = order.values
    return (power, relays & 0b11, *others)


async def test_silence_is_given_up_after_its_tries(served: SerialBoard, bus: ModbusBus) -> None:
    served.wire.silent = True
    began_s = time.monotonic()
    with pytest.raises(AmplifierFailed, match="no_answer"):
        await bus.read_inputs(INPUT_COUNT)
    assert 2 * ANSWER_S <= time.monotonic() - began_s <= 5
    served.wire.silent = False
    await bus.read_inputs(INPUT_COUNT)


async def test_the_answer_of_another_board_is_none(served: SerialBoard, bus: ModbusBus) -> None:
    served.wire.answers_as = UNIT + 1
    with pytest.raises(AmplifierFailed, match="no_answer"):
        await bus.write(registers.FEED)


async def test_a_board_with_another_address_does_not_obey(served: SerialBoard) -> None:
    bus = ModbusBus(AmplifierSettings(port=served.port, parity="N", answer_s=ANSWER_S, unit=UNIT + 1))
    with pytest.raises(AmplifierFailed, match="no_answer"):
        await bus.write(registers.switch_on(0.0))
    await bus.close()
    with served.held() as board:
        assert not board.power_on


@pytest.mark.parametrize(
    "order",
    [Write(Holding.FEED, (1,)), Write(Holding.POWER, (2,)), Write(Holding.FORGET, (1, 2))],
    ids=["feed word", "power", "beyond the map"],
)
async def test_what_the_board_refuses_is_said(served: SerialBoard, bus: ModbusBus, order: Write) -> None:
    with pytest.raises(AmplifierFailed, match="refused"):
        await bus.write(order)
    with served.held() as board:
        assert not board.power_on


async def test_a_board_of_another_make_is_said() -> None:
    class Other:
        async def read_inputs(self, count: int) -> list[int]:
            return [registers.MAP_VERSION + 1] * count

        async def write(self, write: Write) -> None:
            raise AssertionError(write)

        async def close(self) -> None:
            return None

    state = await BoardAmplifier(Other(), AssumedClock(), 0.15).read()
    assert state.problem == "wrong_map" and not state.power_on and state.lines == ()


async def test_no_port_is_said(tmp_path: Path) -> None:
    nothing = ModbusBus(AmplifierSettings(port=f"{tmp_path}/ttyUSB0"))
    with pytest.raises(AmplifierFailed, match="no_port"):
        await nothing.write(registers.FEED)
    await nothing.close()


async def test_a_cable_pulled_out_is_said_and_found_again(served: SerialBoard, tmp_path: Path) -> None:
    name = tmp_path / "amplifier"
    name.symlink_to(served.port)
    bus = ModbusBus(AmplifierSettings(port=str(name), parity="N", answer_s=ANSWER_S))
    await bus.read_inputs(INPUT_COUNT)

    served.stop()
    name.unlink()
    with pytest.raises(AmplifierFailed):
        await bus.read_inputs(INPUT_COUNT)

    again = SerialBoard(Board(line_count=4))
    again.start()
    name.symlink_to(again.port)
    deadline_s = time.monotonic() + 10
    while await values_or_none(bus) is None:
        assert time.monotonic() < deadline_s
    state = await BoardAmplifier(bus, AssumedClock(), 0.15).read()
    assert len(state.lines) == 4
    await bus.close()
    again.stop()


async def values_or_none(bus: ModbusBus) -> list[int] | None:
    try:
        return await bus.read_inputs(INPUT_COUNT)
    except AmplifierFailed:
        return None
