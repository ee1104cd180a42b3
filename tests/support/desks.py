"""Controllers with a desk, a broker and a database, and what goes wrong with the latter two."""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controller.boards.desk import Desk
from controller.context import Context
from controller.db.session import Database
from controller.emergency.acts import Act, Performed
from controller.emergency.recording import record
from wire import topics
from wire.alerts import AlertBoard
from wire.signing import Keyring, SigningKey

COMMUNE = "bat-xat"
BOARD = topics.alerts(COMMUNE)
SECOND = "kc-20261123-0000000b"


@dataclass
class Place:
    """A broker, a database with three stations, and as many controllers as a test starts."""

    broker: Any
    database: Database
    key: SigningKey
    act: Callable[..., Any]
    until: Callable[..., Awaitable[Any]]
    start_at: Callable[..., Awaitable[Any]]
    listen_at: Callable[..., Awaitable[Any]]

    async def start(self, **changes: Any) -> Any:
        """A controller, once its desk is connected."""
        controller = await self.start_at(self.broker, **changes)
        await self.until(lambda: controller.desk_link.connection, "the desk is connected")
        return controller

    async def listen(self) -> Any:
        return await self.listen_at(self.broker)

    async def begin(self, **changes: Any) -> tuple[Any, Any]:
        """Somebody who hears everything, and a controller."""
        return await self.listen(), await self.start(**changes)

    def boards(self, ear: Any, area_id: str = COMMUNE) -> list[AlertBoard]:
        """Each once: a broker that is new to a controller may be given the same bytes again."""
        keys = Keyring.of(self.key.public_jwk())
        return [keys.open(token, AlertBoard) for token in dict.fromkeys(ear.on(topics.alerts(area_id)))]

    def shows(self, ear: Any, area_id: str = COMMUNE) -> set[str]:
        """The soundings on the newest board."""
        heard = self.boards(ear, area_id)
        return {alert.sounding for alert in heard[-1].alerts} if heard else set()


class Shut:
    """The real record, behind a database that takes nothing before it is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.tries = 0

    def __call__(self, context: Context, act: Act) -> bool:
        self.tries += 1
        if not self.open.is_set():
            raise ConnectionError("the database is gone")
        return record(context, act)


@contextmanager
def writing(database: Database) -> Iterator[None]:
    """Somebody's long transaction: on SQLite nobody else can write."""
    connection = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def perform(desk: Desk, act: Act, wait_s: float = 2.0) -> Performed:
    return await asyncio.get_running_loop().run_in_executor(desk.pool, desk.perform, act, wait_s)
