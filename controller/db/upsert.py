"""Insert-or-update in one statement, for SQLite and PostgreSQL alike."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import coalesce

from controller.db.base import Base

Row = Mapping[str, Any]


def upsert(
    session: Session,
    table: type[Base],
    rows: Sequence[Row],
    only_if: ColumnElement[bool] | None = None,
    first_stands: Collection[str] = (),
) -> int:
    """Insert each row, or overwrite the one with its key (where `only_if` holds). Returns rows written.

    Every row names the same columns. Those in `first_stands` are filled in where they are empty, and kept.
    """
    if not rows:
        return 0
    keys = _primary_key(table)
    statement = _insert(session, table)
    changed: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    for name in first_stands:
        changed[name] = coalesce(table.__table__.c[name], statement.excluded[name])
    return _execute(
        session, statement.on_conflict_do_update(index_elements=keys, set_=changed, where=only_if), rows
    )


def insert_missing(session: Session, table: type[Base], rows: Sequence[Row]) -> int:
    """Insert each row whose primary key is not there yet. Returns rows inserted.

    Every row names the same columns.
    """
    if not rows:
        return 0
    statement = _insert(session, table).on_conflict_do_nothing(index_elements=_primary_key(table))
    return _execute(session, statement, rows)


def _execute(session: Session, statement: Executable, rows: Sequence[Row]) -> int:
    options = {"preserve_rowcount": True}  # psycopg forgets it with the cursor.
    result = session.execute(statement, [dict(row) for row in rows], execution_options=options)
    return cast("CursorResult[Any]", result).rowcount


def _insert(session: Session, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
    plain = cast("Table", table.__table__)
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(plain)
    return sqlite.insert(plain)


def _primary_key(table: type[Base]) -> list[str]:
    return [column.name for column in table.__table__.primary_key]
