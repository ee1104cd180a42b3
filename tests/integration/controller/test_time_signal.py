"""Every controller says what time it is, signed, and no broker keeps it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.context import Context
from controller.mqtt.link import Link
from controller.mqtt.time_signal import TimeSignal
from wire import topics
from wire.messages import TimeNotice
from wire.signing import Keyring, SigningKey

MARK = "loaban/1/mark"
NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


class Minutes:
    """A clock of which each look takes a minute."""

    def __init__(self) -> None:
        self.looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return NOON + timedelta(minutes=self.looks)


async def test_notices_are_signed_follow_each_other_and_are_not_kept(
    any_broker: Any,
    context: Context,
    listen: Callable[[Any], Awaitable[Any]],
    until: Any,
    signing_key: SigningKey,
) -> None:
    ear = await listen(any_broker)
    link = Link(any_broker.host, any_broker.port, "controller-of-time")
    link.hear(topics.ALL_PRESENCES, 1, lambda _message: None)
    signal = TimeSignal(replace(context, now=Minutes().now), link, every_s=0.05)
    running = [asyncio.create_task(part.run()) for part in (signal, link)]
    await until(lambda: len(ear.on(topics.TIME)) >= 3, "three notices")
    for task in running:
        task.cancel()
    await asyncio.wait(running)
    keyring = Keyring.of(signing_key.public_jwk())
    said = [keyring.open(token, TimeNotice).at for token in ear.on(topics.TIME)[:3]]
    assert said == [NOON + timedelta(minutes=number) for number in (1, 2, 3)]
    ear.say(MARK, b"kept", retain=True)
    await until(lambda: ear.on(MARK), "the mark")
    late = await listen(any_broker)
    await until(lambda: late.on(MARK), "what the broker keeps")
    assert late.on(topics.TIME) == []


async def test_without_a_broker_nothing_is_said_and_nothing_is_saved_up(context: Context) -> None:
    minutes = Minutes()
    link = Link("127.0.0.1", 9, "controller-alone")
    running = asyncio.create_task(TimeSignal(replace(context, now=minutes.now), link, 0.01).run())
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert minutes.looks == 0


def test_a_notice_is_never_waited_for(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link("127.0.0.1", 9, "controller-alone")
    qualities: list[int] = []
    monkeypatch.setattr(link, "offer", lambda publication: qualities.append(publication.qos))
    TimeSignal(context, link).say()
    assert qualities == [0]
