"""What the alert bench counts: a figure that cannot fail would prove nothing."""

from pathlib import Path

import pytest

from bench.alert.figures import Figure, Spread, Target
from bench.alert.heard import Heard
from firmware_sim.fleet.events import Event, Happened

ONE, OTHER = "kc-1-r1@20261123T000000Z", "kc-1-r2@20261123T000010Z"


def heard(*events: Event) -> Heard:
    return Heard(Path("unread"), list(events))


def run(at_s: float, from_s: float, sounded_s: float, how: Happened, sounding: str = ONE) -> list[Event]:
    """One run of a sounding at one station, from its first frame on."""
    first = Event(at_s, "s-1", Happened.FIRST_FRAME, sounding, from_s)
    return [first, Event(at_s + sounded_s, "s-1", how, sounding, from_s, sounded_s)]


def test_begun_again_from_the_beginning_is_heard_twice() -> None:
    both = [*run(0, 0.0, 5.0, Happened.STOPPED), *run(10, 0.0, 20.0, Happened.ENDED)]
    assert heard(*both).heard_twice() == [("s-1", ONE)]


def test_going_on_a_little_too_early_is_heard_twice() -> None:
    both = [*run(0, 0.0, 5.0, Happened.STOPPED), *run(10, 3.0, 20.0, Happened.ENDED)]
    assert heard(*both).heard_twice() == [("s-1", ONE)]


def test_going_on_where_it_stopped_or_further_on_is_not() -> None:
    resumed = [*run(0, 0.0, 5.0, Happened.STOPPED), *run(10, 5.0, 5.0, Happened.STOPPED)]
    assert heard(*resumed, *run(30, 30.0, 5.0, Happened.ENDED)).heard_twice() == []


def test_another_sounding_of_the_same_alert_is_not() -> None:
    both = [*run(0, 0.0, 5.0, Happened.STOPPED), *run(10, 0.0, 20.0, Happened.ENDED, OTHER)]
    assert heard(*both).heard_twice() == []


def test_a_sounding_is_over_when_every_station_ended_it_one_way_or_the_other() -> None:
    found = heard(*run(0, 0.0, 5.0, Happened.STOPPED))
    assert found.over(ONE, ["s-1"])
    assert not found.over(ONE, ["s-1", "s-2"])


def test_percentiles_are_by_nearest_rank() -> None:
    assert Spread.of(float(number) for number in range(100, 0, -1)) == Spread(100, 1.0, 50.0, 99.0, 100.0)
    assert Spread.of([3.0]) == Spread(1, 3.0, 3.0, 3.0, 3.0)
    assert Spread.of([]) is None


@pytest.mark.parametrize(
    ("values", "met"),
    [([0.1, 0.2, 1.9], True), ([0.1, 0.2, 2.1], False), ([0.6, 0.6, 0.7], False)],
)
def test_a_target_is_met_only_where_each_of_its_bounds_is(values: list[float], met: bool) -> None:
    spread = Spread.of(values)
    assert spread is not None
    assert Target(p50=0.5, last=2.0).holds(spread) is met


def test_a_line_tells_the_median_and_the_worst_round_and_how_many_met_the_target() -> None:
    figure = Figure("press_to_first_frame", Target(last=2.0))
    for last in (1.0, 3.0, 1.5):
        figure.add([0.5, last])
    line = figure.line()
    assert "last 1.500 (3.000)" in line
    assert "target last<=2 s: reached in 2 of 3 rounds" in line
    assert "not measured" in Figure("nothing").line()
