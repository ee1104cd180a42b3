"""When heartbeats leave: thousands of them must not leave at once."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from agent import health as module
from agent.health import Health
from wire.evidence import LinkState


class Chance(random.Random):
    """Always the least; says between what it was to choose."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.asked.append((a, b))
        return a


class Line:
    connected = True
    on_up = None

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, topic: str, _: bytes, *, qos: int) -> bool:
        self.sent.append(topic)
        return True

    def state(self) -> LinkState:
        return LinkState(connects=1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "AFTER_ALERT_S", (0.02, 2.5))


@asynccontextmanager
async def running(health: Health) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(health.run())
        yield
        task.cancel()


def health_of(life: Any) -> Any:
    inbox: Any = SimpleNamespace(refusals=())
    line: Any = Line()
    return Health(
        "cum-loa-1",
        "boot",
        60.0,
        life.clock,
        line,
        life.agenda,
        life.cache,
        life.journal,
        inbox,
        life.conductor,
        Chance(),
    )


async def test_a_change_is_told_after_a_small_random_pause_a_longer_one_while_an_alert_is_in_force(
    life: Any, make_alert: Any, make_board: Any
) -> None:
    health = health_of(life)
    async with running(health):
        await life.until(lambda: len(health.link.sent) == 1)
        health.poke()
        await life.until(lambda: len(health.link.sent) == 2)
        await life.take(make_board(make_alert()))
        health.poke()
        await life.until(lambda: len(health.link.sent) == 3)
    assert health.chance.asked == [(0.0, 0.3), (0.02, 2.5)]


async def test_a_disk_that_cannot_be_read_costs_a_heartbeat_and_no_more(
    life: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> int:
        raise sqlite3.OperationalError("disk I/O error")

    health = health_of(life)
    with monkeypatch.context() as disk:
        disk.setattr(life.journal, "owed", broken)
        async with running(health):
            await life.until(lambda: "no heartbeat" in caplog.text)
    async with running(health):
        await life.until(lambda: health.link.sent)
