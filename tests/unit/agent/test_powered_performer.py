"""Sound finds the amplifier on, settled and unmuted, and waits for nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.amplifier.guard import HOLD_S, AmplifierGuard
from agent.amplifier.powered import PoweredPerformer
from agent.clock import Clock, SystemClock
from agent.errors import AgentError, SpeakerFailed
from agent.performer import Order
from firmware_sim.amplifier.board import Board
from firmware_sim.amplifier.faults import BoardFault
from firmware_sim.amplifier.inprocess import in_process_amplifier
from firmware_sim.clock import SimulatedClock
from firmware_sim.scaled_loop import AT_ONCE, run_at
from wire.ids import LatenessRule
from wire.messages import Item, Lateness, PlannedOccurrence

ITEM = Item(sha256="a" * 64, seconds=5.0, size_bytes=1000)


class Sound:
    """Frames leave from the order's instant on, for `seconds`; `fails` ends it there instead."""

    def __init__(
        self, order: Order, seconds: float, changed: Callable[[], None], fails: AgentError | None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.order = order
        self.problem: AgentError | None = None
        self.is_over = False
        self.replaced = frozenset({7})
        self._seconds, self._changed, self._fails = seconds, changed, fails
        self._final_s: float | None = None
        self.begins_at_s = max(order.start_at_s, self._loop.time())
        self._timer = self._loop.call_at(self.begins_at_s + seconds, self._end)

    @property
    def first_frame_at_s(self) -> float | None:
        return self.begins_at_s if self.sounded_s else None

    @property
    def sounded_s(self) -> float:
        if self._final_s is not None:
            return self._final_s
        return min(max(self._loop.time() - self.begins_at_s, 0.0), self._seconds)

    async def stop(self) -> None:
        self._timer.cancel()
        self._final_s, self.is_over = self.sounded_s, True

    def _end(self) -> None:
        self._final_s, self.is_over, self.problem = self.sounded_s, True, self._fails
        self._changed()


class Performer:
    def __init__(self) -> None:
        self.fails: AgentError | None = None
        self.closed = False
        self.sounds: list[Sound] = []

    def perform(self, order: Order, _group: asyncio.TaskGroup, changed: Callable[[], None]) -> Sound:
        self.sounds.append(Sound(order, ITEM.seconds, changed, self.fails))
        return self.sounds[-1]

    async def close(self) -> None:
        self.closed = True


@dataclass
class Rig:
    clock: Clock
    board: Board
    guard: AmplifierGuard
    inner: Performer
    performer: PoweredPerformer
    group: asyncio.TaskGroup
    changes: int = 0

    def changed(self) -> None:
        self.changes += 1

    def is_heard(self) -> bool:
        self.board.advance(self.clock.monotonic_s())
        return all(self.board.currents_ma())

    def is_on(self) -> bool:
        self.board.advance(self.clock.monotonic_s())
        return self.board.power_on

    async def at(self, instant_s: float) -> None:
        await asyncio.sleep(instant_s - self.clock.monotonic_s())


def order(start_at_s: float) -> Order:
    planned = PlannedOccurrence(
        id="ban-tin@20261123T053000Z",
        schedule="ban-tin",
        start=datetime(2026, 11, 23, 5, 30, tzinfo=UTC),
        items=(ITEM,),
        lateness=Lateness(rule=LatenessRule.RESUME),
    )
    return Order(planned, 0.0, start_at_s, 80)


def live(folder: Path, story: Callable[[Rig], Awaitable[None]]) -> None:
    async def main() -> None:
        clock = SystemClock(folder / "clock.json", SimulatedClock(asyncio.get_running_loop().time))
        board, inner = Board(input_rms=0.1), Performer()
        guard = AmplifierGuard(in_process_amplifier(board, clock), clock)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(guard.run())
            await story(Rig(clock, board, guard, inner, PoweredPerformer(inner, guard, clock), group))
            running.cancel()

    run_at(AT_ONCE, main())


def test_what_is_planned_begins_on_its_instant_with_the_amplifier_ready(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        given = order(10.0)
        made = rig.performer.perform(given, rig.group, rig.changed)
        await rig.at(9.0)
        assert not rig.is_on(), "not earlier than it must be"
        await rig.at(9.99)
        assert rig.is_heard()
        await rig.at(14.9)
        assert rig.is_heard() and not made.is_over
        assert made.first_frame_at_s == 10.0
        await rig.at(15.0 + HOLD_S + 0.5)
        assert made.is_over and rig.changes == 1
        assert made.order is given and made.sounded_s == ITEM.seconds and made.replaced == {7}
        assert not rig.is_on()

    live(tmp_path, story)


def test_what_must_sound_at_once_waits_for_the_amplifier_and_no_more(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        now_s = rig.clock.monotonic_s()
        given = order(now_s)
        made = rig.performer.perform(given, rig.group, rig.changed)
        assert rig.inner.sounds[0].begins_at_s == now_s + rig.guard.settle_s
        await rig.at(now_s + rig.guard.settle_s + 0.01)
        assert rig.is_heard()
        assert made.order is given, "the conductor compares it with the plan"
        await made.stop()

    live(tmp_path, story)


def test_what_follows_at_once_waits_for_nothing(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first = rig.performer.perform(order(0.0), rig.group, rig.changed)
        await rig.at(3.0)
        await first.stop()
        rig.performer.perform(order(3.0), rig.group, rig.changed)
        assert rig.inner.sounds[1].begins_at_s == 3.0
        await rig.at(3.1)
        assert rig.is_heard()

    live(tmp_path, story)


def test_a_dead_board_puts_off_nothing_more(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.board.faults.begin(BoardFault.NO_ANSWER)
        made = rig.performer.perform(order(0.0), rig.group, rig.changed)
        await rig.at(3.0)
        assert rig.inner.sounds[0].begins_at_s == pytest.approx(rig.guard.settle_s)
        assert made.sounded_s > 2.5
        state = rig.guard.state()
        assert state is not None and state.problem == "no_answer"

    live(tmp_path, story)


def test_what_is_taken_back_before_its_instant_never_switches_it_on(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        made = rig.performer.perform(order(10.0), rig.group, rig.changed)
        await rig.at(5.0)
        await made.stop()
        for instant_s in (9.5, 10.0, 11.0):
            await rig.at(instant_s)
            assert not rig.is_on()
        assert made.is_over and made.sounded_s == 0.0

    live(tmp_path, story)


def test_trouble_of_the_speaker_is_told_and_the_amplifier_goes_off(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.inner.fails = SpeakerFailed(problem="gone")
        made = rig.performer.perform(order(1.0), rig.group, rig.changed)
        await rig.at(6.0 + HOLD_S + 0.5)
        assert made.problem is rig.inner.fails and made.is_over
        assert not rig.is_on()

    live(tmp_path, story)


def test_closing_closes_the_performer_inside(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.performer.close()
        assert rig.inner.closed

    live(tmp_path, story)
