"""Alembic, driven from code: there is nothing to configure by hand."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine

_FOLDER = Path(__file__).parent / "migrations"
_ADVISORY_LOCK: Final = 1_057_702_025
"""A number of our own among the advisory locks of one PostgreSQL database."""


def config(url: str) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def upgrade(url: str) -> None:
    """Bring the database to the newest schema. Processes that start at once do it one after the other."""
    engine = create_engine(url)
    try:
        with _alone(engine):
            command.upgrade(config(url), "head")
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            yield  # The lock ends with the connection.
        return
    path = Path(f"{engine.url.database}.migrating")
    with path.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
