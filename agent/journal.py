"""What has begun, what has ended, and the reports that nobody has acknowledged yet. One small SQLite file.

Few writes: one when an occurrence begins, one every few seconds while it sounds, one when it ends.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wire.ids import OutcomeReason
from wire.messages import PlannedOccurrence, PlaybackReport

_TABLES = """
create table if not exists begun (
    occurrence text primary key,
    area text not null,
    planned text not null,
    begun_at text not null,
    first_frame_at text,
    start_error_ms real,
    sounded_s real not null default 0,
    interrupted integer not null default 0,
    interrupted_by text
);
create table if not exists replaced (
    occurrence text not null, slot integer not null, primary key (occurrence, slot)
);
create table if not exists ended (occurrence text primary key, ended_at text not null);
create table if not exists heard (occurrence text primary key, ended_at text not null);
create table if not exists outbox (
    number integer primary key autoincrement, id text not null unique, report text not null
);
create table if not exists known (area text primary key, since text not null);
create table if not exists delivered (number integer primary key autoincrement, report text not null);
"""
_HELD = {
    "begun": "occurrence, area, planned, begun_at, first_frame_at, start_error_ms, sounded_s, interrupted,"
    " interrupted_by",
    "replaced": "occurrence, slot",
    "ended": "occurrence, ended_at",
    "heard": "occurrence, ended_at",
    "outbox": "id, report",
    "known": "area, since",
    "delivered": "report",
}
_DELIVERED_KEPT = 20
IN_MEMORY = Path(":memory:")


@dataclass(frozen=True, slots=True)
class Begun:
    """An occurrence that has begun and not ended. `sounded_s` counts frames of all its runs.

    `replaced` are the slots in which `Item.instead` has sounded.
    """

    planned: PlannedOccurrence
    area: str
    begun_at: datetime
    first_frame_at: datetime | None
    start_error_ms: float | None
    sounded_s: float
    interrupted: bool
    interrupted_by: OutcomeReason | None
    replaced: frozenset[int] = frozenset()


class Journal:
    """Safe in any thread; a call that writes returns when the file has it. Raises sqlite3.Error."""

    def __init__(self, file: Path, home: Path | None = None) -> None:
        """`home` is where one that lives in memory would rather live."""
        self._lock = threading.Lock()
        self._home = home or file
        self._knows_home = home is None
        self._db = _connected(file)
        self.remembers = file != IN_MEMORY
        """False while it lives in memory only."""
        self.damaged = 0
        """Files that could not be read and were put aside."""

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def fill_from(self, other: sqlite3.Connection) -> None:
        """All that it held before is gone. Raises sqlite3.Error."""
        with self._lock:
            other.backup(self._db)
            self._db.executescript(_TABLES)
            self._knows_home = True

    def leave_disk(self) -> None:
        """Go on in memory with all that the file holds. Raises sqlite3.Error where it cannot be read."""
        with self._lock:
            self._swap(_connected(IN_MEMORY))
            self.remembers = False

    def return_to_disk(self) -> None:
        """The file becomes what the memory holds, or stays what it is. Raises sqlite3.Error.

        A file that could not be read until now is taken in first.
        """
        with self._lock:
            home = _connected(self._home)
            if not self._knows_home:
                self._take_in(home)
            self._swap(home)
            self._knows_home = True
            self.remembers = self._home != IN_MEMORY

    def _take_in(self, home: sqlite3.Connection) -> None:
        try:
            for table, columns in _HELD.items():
                rows = home.execute(f"select {columns} from {table}").fetchall()  # noqa: S608
                marks = ", ".join("?" for _ in columns.split(","))
                self._db.executemany(
                    f"insert or ignore into {table} ({columns}) values ({marks})",  # noqa: S608
                    rows,
                )
            for table in ("begun", "replaced"):
                self._db.execute(f"delete from {table} where occurrence in (select occurrence from ended)")  # noqa: S608
        except sqlite3.Error:
            home.close()
            raise

    def _swap(self, other: sqlite3.Connection) -> None:
        try:
            self._db.backup(other)
        except sqlite3.Error:
            other.close()
            raise
        self._db.close()
        self._db = other

    def check(self) -> None:
        """Raises sqlite3.DatabaseError, `WireError` or ValueError when something in it cannot be read."""
        with self._lock:
            (found,) = self._db.execute("pragma quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self.begun()
        self.known_since()
        self.outbox(self.owed())

    def begin(
        self, planned: PlannedOccurrence, area: str, begun_at: datetime, held_by: OutcomeReason | None = None
    ) -> None:
        """Written before the first sample; `held_by` is why it was silent until now although it was due."""
        self._write(
            "insert into begun (occurrence, area, planned, begun_at, interrupted_by) values (?, ?, ?, ?, ?)"
            " on conflict (occurrence) do update set interrupted = 0",
            (planned.id, area, planned.encode().decode(), begun_at.isoformat(), held_by),
        )

    def unbegin(self, occurrence: str) -> None:
        """It was to begin and no frame of it came out."""
        self._write(
            "delete from begun where occurrence = ? and first_frame_at is null and sounded_s = 0",
            (occurrence,),
        )

    def first_frame(self, occurrence: str, at: datetime, start_error_ms: float | None) -> None:
        """The instant of the very first sample; later runs leave it alone."""
        self._write(
            "update begun set first_frame_at = ?, start_error_ms = ?"
            " where occurrence = ? and first_frame_at is null",
            (at.isoformat(), start_error_ms, occurrence),
        )

    def sounded(self, occurrence: str, sounded_s: float) -> None:
        self._write("update begun set sounded_s = ? where occurrence = ?", (sounded_s, occurrence))

    def replaced(self, occurrence: str, slots: Iterable[int]) -> None:
        """These slots of it and no other."""
        with self._transaction():
            self._db.execute("delete from replaced where occurrence = ?", (occurrence,))
            rows = [(occurrence, slot) for slot in slots]
            self._db.executemany("insert into replaced values (?, ?)", rows)

    def interrupted(self, occurrence: str, sounded_s: float, by: OutcomeReason) -> None:
        self._write(
            "update begun set sounded_s = ?, interrupted = 1, interrupted_by = ? where occurrence = ?",
            (sounded_s, by, occurrence),
        )

    def interrupt_all(self) -> int:
        """At start: whatever had begun was cut off by this program's end. How many."""
        with self._lock:
            return self._db.execute(
                "update begun set interrupted = 1, interrupted_by = ? where interrupted = 0",
                (OutcomeReason.STATION_OFF,),
            ).rowcount

    def begun(self) -> dict[str, Begun]:
        with self._lock:
            rows = self._db.execute(
                "select occurrence, area, planned, begun_at, first_frame_at, start_error_ms, sounded_s,"
                " interrupted, interrupted_by from begun"
            ).fetchall()
            slots = self._db.execute("select occurrence, slot from replaced").fetchall()
        return {
            row[0]: Begun(
                planned=PlannedOccurrence.decode(row[2].encode()),
                area=row[1],
                begun_at=datetime.fromisoformat(row[3]),
                first_frame_at=datetime.fromisoformat(row[4]) if row[4] else None,
                start_error_ms=row[5],
                sounded_s=row[6],
                interrupted=bool(row[7]),
                interrupted_by=OutcomeReason(row[8]) if row[8] else None,
                replaced=frozenset(slot for occurrence, slot in slots if occurrence == row[0]),
            )
            for row in rows
        }

    def end(self, reports: Iterable[PlaybackReport], now: datetime) -> None:
        """The occurrence is over and its report is owed, in one transaction."""
        with self._transaction():
            for report in reports:
                fresh = self._db.execute(
                    "insert or ignore into ended values (?, ?)", (report.occurrence, now.isoformat())
                ).rowcount
                if fresh:
                    self._db.execute(
                        "insert into outbox (id, report) values (?, ?)", (report.id, report.encode().decode())
                    )
                if report.seconds_played:
                    self._db.execute(
                        "insert or ignore into heard values (?, ?)", (report.occurrence, now.isoformat())
                    )
                for table in ("begun", "replaced"):
                    self._db.execute(
                        f"delete from {table} where occurrence = ?",  # noqa: S608
                        (report.occurrence,),
                    )

    def ended(self) -> frozenset[str]:
        with self._lock:
            return frozenset(row[0] for row in self._db.execute("select occurrence from ended"))

    def heard(self) -> frozenset[str]:
        """Those that ended after at least some of it was heard."""
        with self._lock:
            return frozenset(row[0] for row in self._db.execute("select occurrence from heard"))

    def known_since(self) -> dict[str, datetime]:
        """By area: since when this station has held its plan."""
        with self._lock:
            rows = self._db.execute("select area, since from known").fetchall()
        return {area: datetime.fromisoformat(since) for area, since in rows}

    def know(self, since: Mapping[str, datetime]) -> None:
        """These areas and no other."""
        with self._transaction():
            self._db.execute("delete from known")
            rows = [(area, instant.isoformat()) for area, instant in since.items()]
            self._db.executemany("insert into known values (?, ?)", rows)

    def outbox(self, limit: int) -> tuple[PlaybackReport, ...]:
        """The oldest reports that are still owed."""
        with self._lock:
            rows = self._db.execute("select report from outbox order by number limit ?", (limit,)).fetchall()
        return tuple(PlaybackReport.decode(row[0].encode()) for row in rows)

    def owed(self) -> int:
        with self._lock:
            return int(self._db.execute("select count(*) from outbox").fetchone()[0])

    def acknowledge(self, ids: Iterable[str]) -> None:
        """The controller has these: they leave the outbox, the last few stay to be looked at."""
        with self._transaction():
            for report_id in ids:
                self._db.execute(
                    "insert into delivered (report) select report from outbox where id = ?", (report_id,)
                )
                self._db.execute("delete from outbox where id = ?", (report_id,))
            self._db.execute(
                "delete from delivered where number <= (select max(number) from delivered) - ?",
                (_DELIVERED_KEPT,),
            )

    def delivered(self) -> tuple[PlaybackReport, ...]:
        """The last few acknowledged reports, newest first."""
        with self._lock:
            rows = self._db.execute("select report from delivered order by number desc").fetchall()
        return tuple(PlaybackReport.decode(row[0].encode()) for row in rows)

    def forget(self, now: datetime, days: float, keep: Iterable[str] = ()) -> None:
        """Ends older than `days` are forgotten, no plan reaches that far back; those in `keep` are not."""
        now = now.astimezone(UTC)
        oldest = (now - timedelta(days=days)).isoformat()
        kept = [(now.isoformat(), occurrence, oldest) for occurrence in keep]
        with self._transaction():
            for table in ("ended", "heard"):
                self._db.executemany(
                    f"update {table} set ended_at = ? where occurrence = ? and ended_at < ?",  # noqa: S608
                    kept,
                )
            self._db.execute("delete from ended where ended_at < ?", (oldest,))
            self._db.execute("delete from heard where ended_at < ?", (oldest,))

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        with self._lock:
            self._db.execute(sql, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise


def _connected(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
    try:
        db.execute("pragma journal_mode=wal")
        db.execute("pragma synchronous=full")
        db.executescript(_TABLES)
    except sqlite3.Error:
        db.close()
        raise
    return db
