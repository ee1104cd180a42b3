"""Insert-or-update in one statement, for SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from controller.db.base import Base

Row = Mapping[str, Any]
_CHUNK_ROWS = 500
"""Both databases limit the number of parameters in one statement."""


def upsert(
    session: Session, table: type[Base], rows: Sequence[Row], only_if: ColumnElement[bool] | None = None
) -> int:
    """Insert each row, or overwrite the one with its key (where `only_if` holds). Returns rows written.

    Every row names the same columns, and no primary key comes twice.
    """
    keys = _primary_key(table)
    written = 0
    for chunk in _chunks(rows):
        statement = _insert(session, table).values(chunk)
        changed = {name: statement.excluded[name] for name in chunk[0] if name not in keys}
        result = session.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=changed, where=only_if)
        )
        written += cast("CursorResult[Any]", result).rowcount
    return written


def insert_missing(session: Session, table: type[Base], rows: Sequence[Row]) -> int:
    """Insert each row whose primary key is not there yet. Returns rows inserted."""
    written = 0
    for chunk in _chunks(rows):
        statement = _insert(session, table).values(chunk)
        result = session.execute(statement.on_conflict_do_nothing(index_elements=_primary_key(table)))
        written += cast("CursorResult[Any]", result).rowcount
    return written


def _insert(session: Session, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _primary_key(table: type[Base]) -> list[str]:
    return [column.name for column in table.__table__.primary_key]


def _chunks(rows: Sequence[Row]) -> list[list[dict[str, Any]]]:
    plain = [dict(row) for row in rows]
    return [plain[start : start + _CHUNK_ROWS] for start in range(0, len(plain), _CHUNK_ROWS)]
