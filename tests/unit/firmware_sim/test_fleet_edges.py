"""The edges of a simulated board: each fault acts on one of them and is taken away again without a trace."""

import asyncio
import errno
import random
import sqlite3
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.files import write_durably
from agent.settings import Broker
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.fleet.acts import begin
from firmware_sim.fleet.board import Board
from firmware_sim.fleet.card import MemoryCard, journal_on
from firmware_sim.fleet.draw import Met
from firmware_sim.fleet.era import Era, Run
from firmware_sim.fleet.faults import Fault, LinkDown, Makes, PowerCut, SameId
from firmware_sim.fleet.signal import Signal, Spells
from firmware_sim.fleet.truth import TruthLog, read
from firmware_sim.fleet.weather import Weather
from firmware_sim.network.conditions import SMOOTH, Conditions, Trouble
from firmware_sim.network.network import Network
from firmware_sim.scaled_loop import AT_ONCE, run_at

NOW = datetime(2026, 11, 23, tzinfo=UTC)
EVERY_FAULT = get_args(get_args(Fault)[0])


def board(folder: Path) -> Board:
    return Board("cum-loa-1", folder, Broker(), NOW, random.Random(1))


def edges(of: Board) -> tuple[object, ...]:
    """All that a fault could have left behind."""
    machine, speaker = of.machine, of.loudspeaker
    return (
        of.network.conditions,
        of.signal.carries,
        of.card.problem(),
        of.card.latency_s,
        machine.is_synchronised(),
        round(machine.error_s(), 3),
        tuple(speaker.board.faults.names()),
        speaker.noise,
        speaker.wrong,
        of.is_dark,
    )


def no_spawning(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    raise AssertionError(f"{work} needs a task")


@pytest.mark.parametrize("kind", [kind for kind in EVERY_FAULT if kind is not SameId])
async def test_every_fault_acts_and_is_undone(kind: Callable[[], Fault], tmp_path: Path) -> None:
    (tmp_path / "card.jws").write_bytes(b"a document")
    one, fault = board(tmp_path), kind()
    before, content = edges(one), (tmp_path / "card.jws").read_bytes()
    undo = begin(one, fault, no_spawning)
    later = fault.fault in ("clock_lost", "task_dies", "sound_lost", "flapping")
    file = tmp_path / "card.jws"
    is_damaged = not file.exists() or file.read_bytes() != content
    assert edges(one) != before or later or is_damaged
    undo()
    if fault.fault not in ("power_cut", "torn_write"):
        assert edges(one) == before


async def test_a_power_cut_of_no_length_still_takes_the_power(tmp_path: Path) -> None:
    one = board(tmp_path)
    begin(one, PowerCut(), no_spawning)()
    assert one.is_dark
    with pytest.raises(OSError, match="error"):
        write_durably(one.card.mounted / "card.jws", b"too late")
    assert one.network.conditions.trouble is Trouble.LINK_DOWN


async def test_two_of_the_same_fault_end_with_the_second(tmp_path: Path) -> None:
    one = board(tmp_path)
    first, second = begin(one, LinkDown(), no_spawning), begin(one, LinkDown(), no_spawning)
    first()
    assert not one.signal.carries
    second()
    assert one.signal.carries


async def test_what_lies_on_a_signal_is_merged() -> None:
    network = Network(random.Random(1))
    signal = Signal(network)
    signal.lay("far", Conditions(latency_s=1.0))
    signal.lay("down", Conditions(Trouble.LINK_DOWN))
    signal.lay("portal", Conditions(Trouble.CAPTIVE_PORTAL, latency_s=0.2))
    assert network.conditions == Conditions(Trouble.LINK_DOWN, latency_s=1.0)
    signal.lift("down")
    assert network.conditions == Conditions(Trouble.CAPTIVE_PORTAL, latency_s=1.0)
    signal.lift("portal")
    signal.lift("far")
    assert network.conditions == SMOOTH


def test_a_flapping_signal_comes_and_goes() -> None:
    async def watched() -> set[bool]:
        signal = Signal(Network(random.Random(1)))
        signal.lay("flaps", Spells(10.0, 5.0))
        seen = set()
        for _ in range(60):
            await asyncio.sleep(1.0)
            seen.add(signal.carries)
        signal.lift("flaps")
        await asyncio.sleep(30.0)
        assert signal.carries
        return seen

    assert run_at(AT_ONCE, watched()) == {True, False}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_card_that_takes_nothing_can_still_be_read(tmp_path: Path, code: int) -> None:
    card = MemoryCard(tmp_path, random.Random(1))
    target = card.mounted / "layers" / "ta-van.jws"
    target.parent.mkdir()
    write_durably(target, b"before")
    card.refuse("full", code)
    with pytest.raises(OSError) as refused:
        write_durably(target, b"after")
    assert refused.value.errno == code
    assert target.read_bytes() == b"before"
    card.mend("full")
    write_durably(target, b"after")
    assert (tmp_path / "layers" / "ta-van.jws").read_bytes() == b"after"


def test_a_journal_on_a_full_card_refuses_and_one_opened_there_lives_in_memory(tmp_path: Path) -> None:
    card = MemoryCard(tmp_path, random.Random(1))
    journal = journal_on(card)
    journal.know({"ta-van": NOW})
    card.refuse("full", errno.ENOSPC)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.know({})
    journal.close()
    in_memory = journal_on(card)
    assert not in_memory.remembers
    assert in_memory.known_since() == {"ta-van": NOW}
    in_memory.know({})
    with pytest.raises(sqlite3.OperationalError):
        in_memory.return_to_disk()
    card.mend("full")
    in_memory.return_to_disk()
    in_memory.close()
    assert journal_on(card).known_since() == {}


def test_damage_is_done_to_files_that_are_there(tmp_path: Path) -> None:
    card = MemoryCard(tmp_path, random.Random(1))
    assert (card.flip_a_bit(), card.delete_a_file(), card.tear_the_newest()) == (None, None, None)
    (tmp_path / "card.jws").write_bytes(bytes(8))
    assert card.flip_a_bit() == tmp_path / "card.jws"
    flipped = (tmp_path / "card.jws").read_bytes()
    assert sum(byte.bit_count() for byte in flipped) == 1
    card.tear_the_newest()
    assert len((tmp_path / "card.jws").read_bytes()) == 4
    card.delete_a_file()
    assert not (tmp_path / "card.jws").exists()


def test_a_fault_shows_in_the_meters_and_in_the_air(tmp_path: Path) -> None:
    async def main() -> None:
        one = board(tmp_path)
        one.loudspeaker.goes_wrong("a", "open_line", 0)
        one.loudspeaker.goes_wrong("b", "open_line", 0)
        one.loudspeaker.goes_wrong("c", "water")
        assert one.loudspeaker.board.faults.holds(BoardFault.OPEN_LINE, 0)
        horn = one.loudspeaker.horn()
        assert horn.faults == {"open_line", "water"}
        one.loudspeaker.is_mended("a")
        assert one.loudspeaker.board.faults.holds(BoardFault.OPEN_LINE, 0)
        one.loudspeaker.is_mended("b")
        assert not one.loudspeaker.board.faults.holds(BoardFault.OPEN_LINE, 0)
        assert horn.faults == {"water"}

    asyncio.run(main())


def test_the_truth_tells_when_who_had_what(tmp_path: Path) -> None:
    file = tmp_path / "truth.jsonl"

    async def main() -> None:
        one = board(tmp_path)
        run = Run(began_at=NOW)
        era = Era(NOW, asyncio.get_running_loop().time())
        drawn = [
            Met("cum-loa-1", LinkDown(), "song", Makes.UNREACHABLE, 10.0, 70.0),
            Met("cum-loa-1", LinkDown(), "song-2", Makes.UNREACHABLE, 30.0, None),
            Met("elsewhere", LinkDown(), "song", Makes.UNREACHABLE, 10.0, 70.0),
        ]
        log = TruthLog(file)
        log.note({"run": run.began_at.isoformat()})
        await Weather({one.id: one}, drawn, era, log).run()
        log.close()
        assert one.faults == 1

    run_at(AT_ONCE, main())
    told = [(one.happened, one.event, (one.at - NOW).total_seconds()) for one in read(file)]
    assert told == [("begins", "song", 10.0), ("begins", "song-2", 30.0), ("ends", "song", 70.0)]
    first = next(iter(read(file)))
    assert first.ends is not None
    assert (first.makes, (first.ends - NOW).total_seconds()) == (Makes.UNREACHABLE, 70.0)
