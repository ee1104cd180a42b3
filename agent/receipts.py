"""How far each alert has come here, told to the centre: received, sounding. The end is a playback report."""

import asyncio
import logging
import random
from collections.abc import Iterator

from agent.alert_book import AlertBook
from agent.clock import Clock
from agent.link import Connection
from agent.stage import Stage
from wire import topics
from wire.alerts import Alert, AlertReceipt
from wire.ids import AlertProgress

log = logging.getLogger(__name__)

PAUSE_S = 0.3
"""At most: thousands of answers must not stand in the way of the alert itself."""

AGAIN_S = 30.0
"""What is in force and has not ended is told anew: a broker keeps no receipt for a centre that was away."""

_Told = tuple[int, AlertProgress]


class Receipts:
    """`poke` when an alert may have come further, `again` when the connection is new."""

    def __init__(
        self,
        station: str,
        link: Connection,
        book: AlertBook,
        stage: Stage,
        *,
        clock: Clock,
        chance: random.Random | None = None,
    ) -> None:
        self._station = station
        self._link = link
        self._book = book
        self._stage = stage
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - jitter, not a secret
        self._poked = asyncio.Event()
        self._told: dict[str, _Told] = {}

    def poke(self) -> None:
        self._poked.set()

    def again(self) -> None:
        """Nobody may have heard what was told before."""
        self._told.clear()
        self.poke()

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(AGAIN_S if self._told else None):
                    await self._poked.wait()
            except TimeoutError:
                self.again()
            await asyncio.sleep(self._chance.uniform(0, PAUSE_S))
            self._poked.clear()
            self.tell()

    def tell(self) -> None:
        """What has changed since the last time. While an alert begins, it looks again."""
        now = {receipt.sounding: receipt for receipt in self._receipts()}
        for sounding, receipt in now.items():
            told = (receipt.revision, receipt.progress)
            if self._told.get(sounding) != told and self._send(receipt):
                self._told[sounding] = told
        self._told = {sounding: told for sounding, told in self._told.items() if sounding in now}
        run = self._stage.run
        if run is not None and run.id in now and now[run.id].progress is AlertProgress.RECEIVED:
            self.poke()

    def _send(self, receipt: AlertReceipt) -> bool:
        return self._link.send(topics.receipt(self._station), receipt.encode(), qos=1)

    def _receipts(self) -> Iterator[AlertReceipt]:
        for alert in self._book.in_force():
            yield self._receipt(alert)

    def _receipt(self, alert: Alert) -> AlertReceipt:
        first_frame_at = self._stage.first_frame_at(alert.sounding)
        return AlertReceipt(
            station=self._station,
            alert=alert.id,
            revision=alert.revision,
            sounding=alert.sounding,
            progress=AlertProgress.RECEIVED if first_frame_at is None else AlertProgress.SOUNDING,
            at=self._clock.now(),
            clock=self._clock.trust(),
            first_frame_at=first_frame_at,
        )
