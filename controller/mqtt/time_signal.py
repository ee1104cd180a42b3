"""The controller's time, once a minute, for boards whose clocks nobody keeps."""

import asyncio
from typing import Final

from controller.context import Context
from controller.mqtt.link import Link, Publication
from wire import topics
from wire.messages import TimeNotice

EVERY_S: Final = 60.0
LOOK_S: Final = 1.0
"""Without a connection: how long until the next look for one."""


class TimeSignal:
    """Every controller says it: stations believe the notices, whoever of the controllers they come from."""

    def __init__(self, context: Context, link: Link, every_s: float = EVERY_S) -> None:
        self._context = context
        self._link = link
        self._every_s = every_s

    async def run(self) -> None:
        """Until cancelled. A notice that does not go out now is never sent later: it would be wrong."""
        while True:
            if self._link.connection is None:
                await asyncio.sleep(min(LOOK_S, self._every_s))
                continue
            self.say()
            await asyncio.sleep(self._every_s)

    def say(self) -> None:
        notice = TimeNotice(at=self._context.now())
        token = self._context.signing_key.sign(notice)
        self._link.offer(Publication(topics.TIME, token, qos=0))
