"""How far alerts have come, as told to the centre; and the lanes by which they come in."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.clock import AssumedClock
from agent.mailbox import QUEUE_LIMIT, Incoming, Mailbox
from agent.receipts import PAUSE_S, Receipts
from wire import topics
from wire.alerts import Alert, AlertReceipt
from wire.evidence import LinkState
from wire.ids import AlertProgress

FIRST_FRAME = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@dataclass
class Line:
    """A connection that keeps what is sent, while it is up."""

    connected: bool = True
    mailbox: Mailbox = field(default_factory=Mailbox)
    on_up: Callable[[], None] | None = None
    sent: list[AlertReceipt] = field(default_factory=list)
    told_something: asyncio.Event = field(default_factory=asyncio.Event)

    def follow(self, areas: Iterable[str]) -> None:
        raise AssertionError(areas)

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> bool:
        if self.connected:
            assert (topic, qos, retain) == (topics.receipt("cum-loa-1"), 1, False)
            self.sent.append(AlertReceipt.decode(payload))
            self.told_something.set()
        return self.connected

    def state(self) -> LinkState:
        raise AssertionError("receipts do not ask")

    async def run(self) -> None:
        await asyncio.Event().wait()

    def told(self) -> list[tuple[str, int, AlertProgress]]:
        return [(one.sounding, one.revision, one.progress) for one in self.sent]


@dataclass
class World:
    """What the receipts look at: alerts in force, and first frames."""

    line: Line = field(default_factory=Line)
    alerts: list[Alert] = field(default_factory=list)
    first_frames: dict[str, datetime] = field(default_factory=dict)
    run: Any = None

    def in_force(self) -> Iterable[Alert]:
        return iter(self.alerts)

    def first_frame_at(self, sounding: str) -> datetime | None:
        return self.first_frames.get(sounding)

    def receipts(self) -> Receipts:
        book: Any = self
        return Receipts("cum-loa-1", self.line, book, book, clock=AssumedClock(), chance=random.Random(1))


@pytest.fixture
def world(make_alert: Callable[..., Alert]) -> World:
    return World(alerts=[make_alert()])


def test_each_step_is_told_once(world: World) -> None:
    receipts, sounding = world.receipts(), world.alerts[0].sounding
    receipts.tell()
    receipts.tell()
    world.first_frames[sounding] = FIRST_FRAME
    receipts.tell()
    receipts.tell()
    assert world.line.told() == [
        (sounding, 1, AlertProgress.RECEIVED),
        (sounding, 1, AlertProgress.SOUNDING),
    ]
    assert world.line.sent[1].first_frame_at == FIRST_FRAME


def test_a_new_revision_is_told_and_what_has_ended_is_not(world: World) -> None:
    receipts = world.receipts()
    receipts.tell()
    world.alerts[0] = world.alerts[0].model_copy(update={"revision": 2})
    receipts.tell()
    world.alerts.clear()
    receipts.tell()
    assert [revision for _, revision, _ in world.line.told()] == [1, 2]


def test_what_nobody_took_is_told_again_and_all_of_it_on_a_new_connection(world: World) -> None:
    receipts = world.receipts()
    world.line.connected = False
    receipts.tell()
    assert world.line.sent == []
    world.line.connected = True
    receipts.tell()
    receipts.again()
    receipts.tell()
    assert len(world.line.sent) == 2


async def test_steps_that_follow_each_other_at_once_are_told_as_one(world: World) -> None:
    receipts, sounding = world.receipts(), world.alerts[0].sounding
    async with asyncio.TaskGroup() as group:
        task = group.create_task(receipts.run())
        receipts.poke()
        await asyncio.sleep(0)
        world.first_frames[sounding] = FIRST_FRAME
        receipts.poke()
        async with asyncio.timeout(PAUSE_S + 1):
            await world.line.told_something.wait()
        task.cancel()
    assert world.line.told() == [(sounding, 1, AlertProgress.SOUNDING)]


async def test_while_it_is_in_force_it_is_told_anew_now_and_then(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.receipts.AGAIN_S", 0.05)
    receipts = world.receipts()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(receipts.run())
        receipts.poke()
        for _ in range(2):
            async with asyncio.timeout(PAUSE_S + 2):
                await world.line.told_something.wait()
            world.line.told_something.clear()
        task.cancel()
    assert len(world.line.sent) == 2


async def test_a_board_overtakes_any_number_of_plans() -> None:
    mailbox = Mailbox()
    for _ in range(QUEUE_LIMIT):
        mailbox.put(Incoming(topics.plan("lao-cai"), b"plan"))
    with pytest.raises(asyncio.QueueFull):
        mailbox.put(Incoming(topics.plan("lao-cai"), b"one more"))
    mailbox.put(Incoming(topics.alerts("lao-cai"), b"board"))
    assert mailbox.urgent.get_nowait().payload == b"board"
    assert mailbox.ordinary.qsize() == QUEUE_LIMIT
