"""A second board that was given the same station id by mistake: each throws the other off the broker."""

import asyncio
import logging

from agent.settings import Broker
from firmware_sim.fleet import packets
from firmware_sim.fleet.connection import Connection
from firmware_sim.network.network import Network

log = logging.getLogger(__name__)

_STAYS_S = 2.0
_KEEPALIVE_S = 60


async def visit_as(station: str, broker: Broker, every_s: float) -> None:
    """Comes for a moment again and again, over a network of its own, until cancelled."""
    network = Network()
    password = broker.password.get_secret_value()
    hello = packets.connect(station, _KEEPALIVE_S, None, broker.username, password)
    while True:
        await asyncio.sleep(every_s)
        try:
            connection = await network.connect(
                lambda: Connection(hello, lambda _: None, lambda *_: None), broker.host, broker.port
            )
        except OSError as error:
            log.info("twin does not get through: station=%s problem=%s", station, error)
            continue
        try:
            await asyncio.wait([connection.ended], timeout=_STAYS_S)
        finally:
            connection.abort()
