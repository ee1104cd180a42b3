"""The amplifier is on for whoever sounds and off for the rest of the day, in a loop of virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.amplifier.board import BoardAmplifier
from agent.amplifier.contract import WATCHDOG_S
from agent.amplifier.guard import FORGET_S, HOLD_S, READ_IDLE_S, STALL_S, AmplifierGuard
from agent.amplifier.none import NoAmplifier
from agent.amplifier.registers import Write
from agent.clock import Clock, SystemClock
from agent.errors import AmplifierFailed
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.amplifier.inprocess import InProcessBus
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from wire.evidence import AmplifierFault

DEAD_AIR_S = 10.0
LOOK_S = 0.05
SPEECH_RMS = 0.1


@dataclass
class Player:
    """Frames leave from `begun` on, until they stop."""

    clock: Clock
    began_at_s: float | None = None
    heard_s: float = 0.0

    def start(self) -> None:
        self.began_at_s = self.clock.monotonic_s()

    def stick(self) -> None:
        self.heard_s, self.began_at_s = self.sounded_s(), None

    def sounded_s(self) -> float:
        gone_s = 0.0 if self.began_at_s is None else self.clock.monotonic_s() - self.began_at_s
        return self.heard_s + gone_s


class HalfWire(InProcessBus):
    """Everything arrives at the board; where it is mute, nothing comes back."""

    is_mute = False

    async def read_inputs(self, count: int) -> list[int]:
        values = await super().read_inputs(count)
        self._say()
        return values

    async def write(self, write: Write) -> None:
        await super().write(write)
        self._say()

    def _say(self) -> None:
        if self.is_mute:
            raise AmplifierFailed(problem="no_answer")


@dataclass
class Rig:
    clock: Clock
    board: Board = field(default_factory=lambda: Board(input_rms=SPEECH_RMS))
    changes: int = 0

    def __post_init__(self) -> None:
        self.bus = HalfWire(self.board, self.clock)
        self.guard = AmplifierGuard(BoardAmplifier(self.bus, self.clock, 0.15), self.clock)
        self.guard.on_change = self.changed

    def changed(self) -> None:
        self.changes += 1

    def now(self) -> Board:
        self.board.advance(self.clock.monotonic_s())
        return self.board

    def is_heard(self) -> bool:
        return all(self.now().currents_ma())

    def is_on(self) -> bool:
        return self.now().power_on

    async def until(self, look: Callable[[], bool], within_s: float) -> float:
        """How long it took."""
        began_at_s = self.clock.monotonic_s()
        while not look():
            gone_s = self.clock.monotonic_s() - began_at_s
            assert gone_s <= within_s, f"not within {within_s} s"
            await asyncio.sleep(LOOK_S)
        return self.clock.monotonic_s() - began_at_s


def live(folder: Path, story: Callable[[Rig], Awaitable[None]]) -> Rig:
    """Tell `story` beside a guard that runs."""
    made: list[Rig] = []

    async def main() -> None:
        machine = SimulatedClock(asyncio.get_running_loop().time)
        rig = Rig(SystemClock(folder / "clock.json", machine))
        made.append(rig)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(rig.guard.run())
            await story(rig)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    run_at(AT_ONCE, main())
    return made[0]


def test_inside_it_is_settled_and_unmuted_and_afterwards_off_and_muted(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        asked_at_s = rig.clock.monotonic_s()
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            assert rig.clock.monotonic_s() - asked_at_s == pytest.approx(rig.guard.settle_s, abs=0.01)
            assert rig.is_heard()
            player.start()
            await asyncio.sleep(60)
            assert rig.is_heard()
        off_after_s = await rig.until(lambda: not rig.is_on(), 5)
        assert off_after_s == pytest.approx(HOLD_S + rig.guard.settle_s, abs=2 * LOOK_S)
        assert rig.board.mutes

    assert not live(tmp_path, story).board.latched


def test_it_stays_on_between_two_that_follow_soon(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for _ in range(3):
            player = Player(rig.clock)
            async with rig.guard.powered(player.sounded_s):
                player.start()
                await asyncio.sleep(1)
            await asyncio.sleep(HOLD_S - 0.2)
            assert rig.is_heard()
            assert rig.guard.off_for_s == 0.0

    live(tmp_path, story)


def test_whoever_comes_while_it_settles_before_it_goes_off_finds_it_on(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.guard.powered(Player(rig.clock).sounded_s):
            pass
        await rig.until(lambda: rig.now().mutes != 0, 5)
        assert rig.is_on()
        async with rig.guard.powered(Player(rig.clock).sounded_s):
            assert rig.is_heard()
            await asyncio.sleep(1)
            assert rig.is_heard()

    live(tmp_path, story)


def test_whoever_comes_then_is_not_cut_off_where_the_answers_are_lost(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.guard.powered(Player(rig.clock).sounded_s):
            pass
        await rig.until(lambda: rig.now().mutes != 0, 5)
        rig.bus.is_mute = True
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            player.start()
            for _ in range(40):
                await asyncio.sleep(LOOK_S)
                assert rig.is_heard()

    live(tmp_path, story)


def test_two_who_sound_at_once_leave_it_on_until_the_last_is_done(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        player = Player(rig.clock)
        player.start()
        async with rig.guard.powered(player.sounded_s):
            async with rig.guard.powered(player.sounded_s):
                pass
            await asyncio.sleep(2 * HOLD_S)
            assert rig.is_heard()

    live(tmp_path, story)


def test_dead_air_ends_and_sound_that_goes_on_is_heard_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            player.start()
            await asyncio.sleep(30)
            player.stick()
            off_after_s = await rig.until(lambda: not rig.is_on(), DEAD_AIR_S)
            assert off_after_s > STALL_S / 2
            await asyncio.sleep(60)
            assert not rig.is_on()
            player.start()
            await rig.until(rig.is_heard, 2)

    assert not live(tmp_path, story).board.latched, "the program was there before the watchdog"


def test_nobody_who_is_late_to_sound_loses_it(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            await asyncio.sleep(STALL_S + 20)
            player.start()
            await rig.until(rig.is_heard, 2)

    live(tmp_path, story)


def test_a_board_that_lost_its_power_is_switched_on_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            player.start()
            await asyncio.sleep(3)
            rig.now().write(0, [0])
            assert not rig.is_heard()
            await rig.until(rig.is_heard, 7)

    live(tmp_path, story)


def test_an_amplifier_found_on_is_switched_off(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.until(lambda: rig.guard.state() is not None, 1)
        rig.now().write(0, [1, 0xFF, 0, 0])
        assert rig.is_on()
        await rig.until(lambda: not rig.is_on(), WATCHDOG_S + 0.1)

    live(tmp_path, story)


def test_it_is_off_when_the_guard_is_told_to_stop(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.guard.powered(Player(rig.clock).sounded_s):
            assert rig.is_on()

    rig = live(tmp_path, story)
    assert not rig.board.power_on and not rig.board.latched


def test_a_board_that_does_not_answer_keeps_nobody_waiting_and_is_told(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.board.faults.begin(BoardFault.NO_ANSWER)
        asked_at_s = rig.clock.monotonic_s()
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            assert rig.clock.monotonic_s() - asked_at_s <= rig.guard.settle_s
            player.start()
            await asyncio.sleep(1)
            state = rig.guard.state()
            assert state is not None and state.problem == "no_answer"
            told = rig.changes
            await asyncio.sleep(20)
            assert rig.changes == told, "told once"
            rig.board.faults.mend(BoardFault.NO_ANSWER)
            await rig.until(rig.is_heard, 2)
        state = rig.guard.state()
        assert state is not None and state.problem is None
        assert rig.changes == told + 1

    live(tmp_path, story)


def test_a_board_whose_answers_are_lost_obeys_all_the_same(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.bus.is_mute = True
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            assert rig.is_heard()
            player.start()
            for _ in range(600):
                await asyncio.sleep(0.1)
                assert rig.is_heard()
        await rig.until(lambda: not rig.is_on(), DEAD_AIR_S)
        assert not rig.board.latched
        state = rig.guard.state()
        assert state is not None and state.problem == "no_answer"

    live(tmp_path, story)


def test_a_broken_cable_does_not_silence_a_long_alert(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.board.input_rms = 0.0
        rig.board.faults.begin(BoardFault.NO_ANSWER)
        await asyncio.sleep(3600)
        player = Player(rig.clock)
        async with rig.guard.powered(player.sounded_s):
            player.start()
            rig.board.input_rms = SPEECH_RMS
            await rig.until(rig.is_heard, 2)
            await asyncio.sleep(300)
            assert rig.is_heard()
        rig.board.input_rms = 0.0
        await rig.until(lambda: not rig.is_on(), DEAD_AIR_S)

    live(tmp_path, story)


def test_what_happens_to_an_idle_board_is_read_and_told(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await asyncio.sleep(3 * READ_IDLE_S)
        told = rig.changes
        rig.board.faults.begin(BoardFault.MAINS_LOST)
        rig.board.faults.begin(BoardFault.TAMPER)
        await asyncio.sleep(READ_IDLE_S + 1)
        state = rig.guard.state()
        assert state is not None and state.mains_present is False and state.tamper_open
        assert rig.changes == told + 1

    live(tmp_path, story)


def test_a_latched_fault_is_shown_for_an_hour_and_then_forgotten(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.now().write(0, [1, 0xFF, 0, 0])
        await asyncio.sleep(WATCHDOG_S + 2 * READ_IDLE_S)
        rig.now()
        rig.board.latched.add(AmplifierFault.DEAD_AIR)
        await asyncio.sleep(FORGET_S - READ_IDLE_S)
        state = rig.guard.state()
        assert state is not None and state.faults == (AmplifierFault.DEAD_AIR,)
        await asyncio.sleep(4 * READ_IDLE_S)
        state = rig.guard.state()
        assert state is not None and state.faults == ()

    live(tmp_path, story)


def test_where_there_is_no_board_nothing_is_put_off_and_nothing_told() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        clock = SystemClock(Path("/nonexistent/clock.json"), SimulatedClock(loop.time))
        guard = AmplifierGuard(NoAmplifier(clock), clock)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(guard.run())
            asked_at_s = loop.time()
            async with guard.powered(Player(clock).sounded_s):
                assert loop.time() == asked_at_s
                assert guard.off_for_s == 0.0
            await asyncio.sleep(100)
            assert guard.state() is None
            task.cancel()

    run_at(AT_ONCE, main())
