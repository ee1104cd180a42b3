"""What has come in and waits to be judged; alert boards never wait behind a plan."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from wire import topics

QUEUE_LIMIT: Final = 2000


@dataclass(frozen=True, slots=True)
class Incoming:
    topic: str
    payload: bytes


def _queue() -> asyncio.Queue[Incoming]:
    return asyncio.Queue(QUEUE_LIMIT)


@dataclass(frozen=True)
class Mailbox:
    """Two lanes, each read by a task of its own."""

    urgent: asyncio.Queue[Incoming] = field(default_factory=_queue)
    ordinary: asyncio.Queue[Incoming] = field(default_factory=_queue)

    def put(self, incoming: Incoming) -> None:
        """Raises asyncio.QueueFull."""
        lane = self.urgent if incoming.topic.endswith(topics.ALERTS_LEAF) else self.ordinary
        lane.put_nowait(incoming)
