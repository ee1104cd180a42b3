"""The broker inside the controller, for tens of stations and trying it out. In service: Mosquitto."""

import asyncio
import errno
import logging
from typing import Any

from amqtt.broker import Broker
from amqtt.errors import BrokerError

from controller.errors import Conflict

_NOISY_LOGGERS = ("amqtt", "transitions")


class EmbeddedBroker:
    """An amqtt broker on one TCP port. It keeps retained messages while it runs, and nothing after that."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._broker: Any = None

    async def start(self) -> None:
        """Listen. Raises Conflict (`dispatch.broker_port_taken`) when another program has the port."""
        for name in _NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        broker = Broker(_configuration(self._host, self._port), loop=asyncio.get_running_loop())
        try:
            await broker.start()
        except BrokerError as error:
            if _is_taken(error):
                raise Conflict("dispatch.broker_port_taken", host=self._host, port=self._port) from error
            raise
        self._broker = broker

    async def run(self) -> None:
        """Serve until cancelled; raises RuntimeError if the broker stops by itself."""
        if self._broker is None:
            await self.start()
        broker = self._broker
        try:
            await asyncio.wait(
                {broker._broadcast_task, broker._session_monitor_task}, return_when=asyncio.FIRST_COMPLETED
            )
            raise RuntimeError("the embedded broker stopped by itself")
        finally:
            self._broker = None
            await broker.shutdown()


def _configuration(host: str, port: int) -> dict[str, Any]:
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


def _is_taken(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE
