"""Engine and transactions, the same for SQLite (WAL) and PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.orm import Session

_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_LOCK_WAIT_S = 15.0


class Database:
    """An engine. Every use is one transaction, committed when the block ends well.

    Nobody waits longer than `lock_wait_s` for what another transaction holds; then it is OperationalError.
    """

    def __init__(self, url: str, lock_wait_s: float = _LOCK_WAIT_S) -> None:
        options = _postgresql_options(lock_wait_s) if url.startswith("postgresql") else {}
        self.engine = create_engine(
            url, pool_pre_ping=True, pool_size=20, max_overflow=20, connect_args=options
        )
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite(lock_wait_s))
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with Session(self.engine, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that commits at the end of the block, or leaves nothing behind."""
        writing = self.engine.execution_options(loaban_write=True)
        with Session(writing, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        self.engine.dispose()


def _postgresql_options(lock_wait_s: float) -> dict[str, Any]:
    """A server that is gone without a word is noticed within seconds, not after hours."""
    return {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "options": f"-c lock_timeout={round(lock_wait_s * 1000)}",
    }


def _prepare_sqlite(lock_wait_s: float) -> Callable[[Any, Any], None]:
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (*_SQLITE_PRAGMAS, f"busy_timeout={round(lock_wait_s * 1000)}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return prepare


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once, so that it waits its turn instead of failing halfway through."""
    writing = connection.get_execution_options().get("loaban_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
