"""The register map in the program is the one that board builders read."""

import re
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

import pytest

from agent.amplifier import registers
from agent.amplifier.contract import WATCHDOG_S
from agent.amplifier.guard import HOLD_S
from agent.amplifier.registers import FAULT_BITS, INPUT_COUNT, MAP_VERSION, Holding, Input, Status, state_of
from agent.errors import AmplifierFailed
from agent.settings import AmplifierSettings
from wire.evidence import AmplifierFault

PAGE = (Path(__file__).parents[3] / "docs" / "amplifier-board.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 23, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(("heading", "kind"), [("## Holding", Holding), ("## Input", Input)], ids=str)
def test_every_register_is_on_the_page_at_its_address(heading: str, kind: type[IntEnum]) -> None:
    section = PAGE.split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+)(?: to \d+)? \| ([A-Z_]+) \|", section, re.MULTILINE)
    assert {name: int(address) for address, name in rows} == {one.name: one.value for one in kind}


def test_the_figures_on_the_page_are_those_of_the_program() -> None:
    settings = AmplifierSettings()
    for figure in (
        f"{registers.FEED_WORD:#06X}".replace("0X", "0x"),
        f"all {INPUT_COUNT} of them",
        f"Nobody feeds for {WATCHDOG_S:g} s",
        f"stays on for {HOLD_S:g} s",
        f"{settings.answer_s * 1000:g} ms",
        f"{settings.settle_s:g} s (`settle_s`)",
        f"{settings.baud:,} bits",
    ):
        assert figure in PAGE, figure
    for bit in FAULT_BITS.values():
        assert re.search(rf"latched: .*\b{bit} ", PAGE)


def words(**changed: int) -> list[int]:
    values = [0] * INPUT_COUNT
    values[Input.MAP_VERSION], values[Input.LINE_COUNT] = MAP_VERSION, 2
    for name, value in changed.items():
        values[Input[name]] = value
    return values


def test_a_reading_has_units() -> None:
    values = words(RAIL=2395, BATTERY=2640, HEAT_SINK=0x10000 - 55, GAIN=0x10000 - 60, FIRST_CURRENT=2718)
    values[Input.STATUS] = Status.POWER_ON | Status.FAN_ON
    values[Input.RELAYS], values[Input.MUTES], values[Input.FAULTS] = 0b01, 0b10, 0b10001
    state = state_of(values, NOW)
    assert (state.rail_v, state.battery_v, state.heat_sink_c, state.gain_db) == (23.95, 26.4, -5.5, -6.0)
    assert (state.power_on, state.fan_on, state.mains_present, state.tamper_open) == (
        True,
        True,
        False,
        False,
    )
    assert [(line.relay_on, line.muted, line.current_ma) for line in state.lines] == [
        (True, False, 271.8),
        (False, True, 0.0),
    ]
    assert state.faults == (AmplifierFault.OVER_TEMPERATURE, AmplifierFault.DEAD_AIR)


def test_no_battery_is_none() -> None:
    assert state_of(words(BATTERY=0xFFFF), NOW).battery_v is None


@pytest.mark.parametrize("changed", [{"MAP_VERSION": 2}, {"LINE_COUNT": 0}, {"LINE_COUNT": 9}], ids=str)
def test_a_map_that_is_not_ours_is_refused(changed: dict[str, int]) -> None:
    with pytest.raises(AmplifierFailed, match="wrong_map"):
        state_of(words(**changed), NOW)


def test_a_reading_that_is_too_short_is_refused() -> None:
    with pytest.raises(AmplifierFailed, match="wrong_map"):
        state_of(words()[:-1], NOW)


def test_words_are_two_s_complement_and_never_run_over() -> None:
    for value in (-32768, -1, 0, 1, 32767):
        assert registers.signed(registers.unsigned(value)) == value
    assert registers.signed(registers.unsigned(99_999)) == 32767
    assert registers.signed(registers.unsigned(-99_999)) == -32768
