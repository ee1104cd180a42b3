"""How each fault acts on a board, and how it is undone."""

import asyncio
import errno
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from firmware_sim.fleet import faults
from firmware_sim.fleet.board import Board
from firmware_sim.fleet.faults import Fault
from firmware_sim.fleet.signal import Spells
from firmware_sim.fleet.twin import visit_as
from firmware_sim.network.conditions import Conditions, Trouble

log = logging.getLogger(__name__)

Undo = Callable[[], None]
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that somebody waits for."""

_TROUBLES = {
    faults.LinkDown: Trouble.LINK_DOWN,
    faults.HalfOpen: Trouble.HALF_OPEN,
    faults.CaptivePortal: Trouble.CAPTIVE_PORTAL,
    faults.DnsFailure: Trouble.DNS_FAILURE,
    faults.Refused: Trouble.REFUSED,
}


def begin(board: Board, fault: Fault, spawn: Spawn) -> Undo:
    """The fault is there when this returns; what is returned takes it away again."""
    if isinstance(fault, faults.SameId):
        visits = spawn(visit_as(board.id, board.broker, fault.every))
        return partial(_end, visits)
    acts = (_on_loudspeaker, _on_network, _on_clock, _on_card, _on_program)
    undo = next((undo for act in acts if (undo := act(board, fault, object())) is not None), None)
    assert undo is not None, f"nobody knows what {fault.fault} does"
    return undo


def _on_loudspeaker(board: Board, fault: Fault, why: object) -> Undo | None:
    speaker = board.loudspeaker
    match fault:
        case faults.OpenLine() | faults.ShortedLine() | faults.DriverDead():
            speaker.goes_wrong(why, fault.fault, fault.line - 1)
        case faults.Noise():
            speaker.is_noisy(why, fault.wind_ms, fault.traffic_db)
            return partial(speaker.is_quiet, why)
        case faults.Blocked() | faults.Water() | faults.Torn() | faults.MicrophoneDead():
            speaker.goes_wrong(why, fault.fault)
        case (
            faults.MainsLost() | faults.Overheat() | faults.RailLow() | faults.FanStuck() | faults.Tamper()
            | faults.NoAnswer()
        ):  # fmt: skip
            speaker.goes_wrong(why, fault.fault)
        case _:
            return None
    return partial(speaker.is_mended, why)


def _on_network(board: Board, fault: Fault, why: object) -> Undo | None:
    signal = board.signal
    match fault:
        case faults.Latency():
            signal.lay(why, Conditions(latency_s=fault.delay / 2))
        case faults.Thin():
            signal.lay(why, Conditions(bytes_per_s=fault.bits_per_s / 8))
        case faults.Loss():
            signal.lay(why, Conditions(loss=fault.share))
        case faults.Flapping():
            signal.lay(why, Spells(fault.up, fault.down))
        case faults.BrokerDrops():
            signal.lay(why, Conditions(Trouble.BROKER_DROPS, drops_after_s=fault.after))
        case _:
            trouble = _TROUBLES.get(type(fault))
            if trouble is None:
                return None
            signal.lay(why, Conditions(trouble))
    return partial(signal.lift, why)


def _on_clock(board: Board, fault: Fault, why: object) -> Undo | None:
    machine = board.machine
    match fault:
        case faults.ClockStep():
            board.deny_time(why)
            if not fault.synchronised:
                machine.lose_synchronisation()
            machine.step(fault.by)
        case faults.ClockDrift():
            board.deny_time(why)
            machine.lose_synchronisation()
            machine.drift(fault.ppm)
            return partial(_correct, board, why)
        case faults.ClockLost():
            board.deny_time(why, wakes_in_1970=True)
        case _:
            return None
    return partial(board.allow_time, why)


def _on_card(board: Board, fault: Fault, why: object) -> Undo | None:
    card = board.card
    match fault:
        case faults.DiskFull():
            card.refuse(why, errno.ENOSPC)
        case faults.DiskReadOnly():
            card.refuse(why, errno.EROFS)
        case faults.DiskSlow():
            card.slow_down(why, fault.latency)
        case faults.BitFlip():
            log.info("bit flipped: station=%s file=%s", board.id, card.flip_a_bit())
        case faults.FilesDeleted():
            log.info("file deleted: station=%s file=%s", board.id, card.delete_a_file())
        case _:
            return None
    return partial(card.mend, why)


def _on_program(board: Board, fault: Fault, why: object) -> Undo | None:
    match fault:
        case faults.PowerCut():
            board.cut_power(why)
            return partial(board.restore_power, why)
        case faults.TornWrite():
            board.cut_power(why)
            log.info("write torn: station=%s file=%s", board.id, board.card.tear_the_newest())
            asyncio.get_running_loop().call_later(fault.boots_after, board.restore_power, why)
        case faults.TaskDies():
            if board.life is not None:
                board.life.cache.die()
        case faults.SoundLost():
            if board.life is not None:
                board.life.cache.lose()
        case _:
            return None
    return _nothing


def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()


def _correct(board: Board, why: object) -> None:
    board.machine.drift(0.0)
    board.allow_time(why)


def _nothing() -> None:
    return None
