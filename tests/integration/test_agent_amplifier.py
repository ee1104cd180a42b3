"""The station program as a process, with an amplifier board on its serial port."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.amplifier.serial import SerialBoard
from wire.evidence import AmplifierFault
from wire.ids import Outcome

DEAD_AIR_S = 10.0
LONG_S = 40.0


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[SerialBoard]:
    made = SerialBoard(Board(input_rms=0.1))
    made.start()
    monkeypatch.setenv("LOABAN_AGENT_AMPLIFIER__PORT", made.port)
    monkeypatch.setenv("LOABAN_AGENT_AMPLIFIER__PARITY", "N")
    yield made
    made.stop()


def is_heard(served: SerialBoard) -> bool:
    with served.held() as board:
        return all(board.currents_ma())


def is_on(served: SerialBoard) -> bool:
    with served.held() as board:
        return board.power_on


def test_it_is_on_for_the_sound_and_off_for_the_rest_of_the_day(
    centre: Any,
    make_station: Any,
    make_sound: Any,
    soon: Any,
    served: SerialBoard,
    wait_for: Callable[..., Any],
) -> None:
    sound = make_sound(5.0)
    station = make_station()
    centre.send_card()
    beat = centre.heartbeat_with(lambda beat: beat.amplifier is not None, "a reading of the board")
    assert not beat.amplifier.power_on and all(line.muted for line in beat.amplifier.lines)
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)

    wait_for(lambda: is_heard(served), "amplifier on and unmuted")
    assert datetime.now(UTC) < planned.start + timedelta(milliseconds=50)
    centre.heartbeat_with(
        lambda beat: beat.playing and all(line.current_ma > 50 for line in beat.amplifier.lines),
        "current of both lines in the heartbeat",
    )
    report = centre.report_of(planned.id)
    wait_for(lambda: not is_on(served), "amplifier off", DEAD_AIR_S)

    ended_at = planned.start + timedelta(seconds=planned.seconds)
    assert datetime.now(UTC) - ended_at <= timedelta(seconds=DEAD_AIR_S)
    assert report.outcome is Outcome.PLAYED and abs(report.start_error_ms) <= 20
    with served.held() as board:
        assert not board.latched, "its watchdog had nothing to do"
    assert station.terminate() == 0


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_dead_air_ends_whatever_becomes_of_the_program(
    centre: Any,
    make_station: Any,
    make_sound: Any,
    soon: Any,
    served: SerialBoard,
    wait_for: Callable[..., Any],
    how: signal.Signals,
) -> None:
    sound = make_sound(LONG_S)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)
    centre.heartbeat_with(lambda beat: beat.playing and beat.amplifier.power_on, "sound")

    station.process.send_signal(how)
    died_s = time.monotonic()
    wait_for(lambda: not is_on(served), "amplifier off by itself", DEAD_AIR_S)

    assert time.monotonic() - died_s <= DEAD_AIR_S
    with served.held() as board:
        assert board.mutes and not any(board.currents_ma())
        assert board.latched == {AmplifierFault.DEAD_AIR}
    if how is signal.SIGSTOP:
        station.process.send_signal(signal.SIGCONT)
    else:
        station.process.wait(5)
        station.start()
    wait_for(lambda: is_heard(served), "the rest is heard", 15)
    centre.heartbeat_with(lambda beat: AmplifierFault.DEAD_AIR in beat.amplifier.faults, "the fault is told")


def test_a_dead_board_silences_nobody_and_is_told(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, served: SerialBoard
) -> None:
    with served.held() as board:
        board.faults.begin(BoardFault.NO_ANSWER)
    sound = make_sound(2.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item)
    centre.send_plan(planned)

    report = centre.report_of(planned.id)

    assert report.outcome is Outcome.PLAYED and abs(report.start_error_ms) <= 20
    (heard,) = station.heard()
    assert heard.over and heard.silent_frames == 0
    beat = centre.heartbeat_with(lambda beat: beat.amplifier and beat.amplifier.problem, "trouble is told")
    assert beat.amplifier.problem == "no_answer"
