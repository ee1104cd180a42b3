"""Few may be wrong, whoever they are; then even the right one waits."""

import pytest

from agent.page.pin import WINDOW_S, WRONG_TRIES, Pin, PinAnswer


@pytest.fixture
def now_s() -> list[float]:
    return [0.0]


@pytest.fixture
def pin(now_s: list[float]) -> Pin:
    return Pin("246810", lambda: now_s[0])


def test_the_right_one_opens(pin: Pin) -> None:
    assert pin.check("246810") is PinAnswer.RIGHT
    assert pin.check(" 246810 ") is PinAnswer.RIGHT


def test_after_a_few_wrong_ones_nobody_gets_in_for_a_while(pin: Pin, now_s: list[float]) -> None:
    assert {pin.check(f"00000{number}") for number in range(WRONG_TRIES)} == {PinAnswer.WRONG}
    assert pin.check("246810") is PinAnswer.TOO_MANY
    now_s[0] = WINDOW_S
    assert pin.check("246810") is PinAnswer.RIGHT


def test_guessing_all_day_gets_few_tries(pin: Pin, now_s: list[float]) -> None:
    answers = []
    for second in range(24 * 3600):
        now_s[0] = float(second)
        answers.append(pin.check("000000"))
    assert answers.count(PinAnswer.WRONG) == 24 * 3600 / WINDOW_S * WRONG_TRIES


def test_right_ones_cost_nothing(pin: Pin) -> None:
    assert {pin.check("246810") for _ in range(WRONG_TRIES * 3)} == {PinAnswer.RIGHT}


def test_no_pin_opens_for_nobody(now_s: list[float]) -> None:
    pin = Pin("", lambda: now_s[0])
    assert not pin.is_set
    assert pin.check("") is PinAnswer.WRONG


@pytest.mark.parametrize("typed", ["２４６８１０", "246810\x00", "ă" * 6])
def test_strange_digits_are_wrong_not_a_fault(pin: Pin, typed: str) -> None:
    assert pin.check(typed) is PinAnswer.WRONG
