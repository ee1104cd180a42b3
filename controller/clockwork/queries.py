"""The clockwork's SQL. A conditional UPDATE of a job's row is the claim."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, or_, select, update
from sqlalchemy.orm import Session

from controller.clockwork.tables import ClockworkJob, MissedWakeUp
from controller.db.upsert import insert_missing


def ensure(session: Session, now: datetime, names: Iterable[str]) -> None:
    """A row for each job; a new one is due at once."""
    insert_missing(session, ClockworkJob, [{"name": name, "due_at": now} for name in names])


def hasten(session: Session, now: datetime, names: Iterable[str]) -> None:
    """Make jobs due now, unless they already are."""
    waiting = ClockworkJob.due_at > now
    session.execute(
        update(ClockworkJob).where(ClockworkJob.name.in_(list(names)), waiting).values(due_at=now)
    )


def due(session: Session, now: datetime, names: Iterable[str]) -> Sequence[tuple[str, datetime]]:
    """Jobs that are due and that nobody has claimed, with the times they were due at."""
    statement = select(ClockworkJob.name, ClockworkJob.due_at).where(
        ClockworkJob.name.in_(list(names)), ClockworkJob.due_at <= now, _unclaimed(now)
    )
    return [(name, due_at) for name, due_at in session.execute(statement)]


def claim(
    session: Session,
    now: datetime,
    name: str,
    due_at: datetime,
    *,
    who: str,
    until: datetime,
    next_due: datetime,
) -> bool:
    """Take one due time of a job; False if another process was faster."""
    statement = (
        update(ClockworkJob)
        .where(ClockworkJob.name == name, ClockworkJob.due_at == due_at, _unclaimed(now))
        .values(claimed_by=who, claimed_until=until, due_at=next_due)
    )
    return _rows(session.execute(statement)) == 1


def finish(session: Session, now: datetime, name: str, who: str, failure: str | None) -> None:
    """Let go of a claim and keep how it went."""
    outcome = {"finished_at": now} if failure is None else {"failed_at": now, "failure": failure}
    session.execute(
        update(ClockworkJob)
        .where(ClockworkJob.name == name, ClockworkJob.claimed_by == who)
        .values(claimed_by=None, claimed_until=None, **outcome)
    )


def add_missed(session: Session, job: str, due_at: datetime, noticed_at: datetime) -> None:
    late_s = (noticed_at - due_at).total_seconds()
    session.add(MissedWakeUp(job=job, due_at=due_at, noticed_at=noticed_at, late_s=late_s))


def jobs(session: Session) -> Sequence[ClockworkJob]:
    return session.scalars(select(ClockworkJob).order_by(ClockworkJob.name)).all()


def missed(session: Session, limit: int) -> Sequence[MissedWakeUp]:
    """The newest first."""
    newest = MissedWakeUp.due_at.desc(), MissedWakeUp.id.desc()
    return session.scalars(select(MissedWakeUp).order_by(*newest).limit(limit)).all()


def forget_missed(session: Session, before: datetime) -> int:
    return _rows(session.execute(delete(MissedWakeUp).where(MissedWakeUp.due_at < before)))


def _unclaimed(now: datetime) -> Any:
    return or_(ClockworkJob.claimed_until.is_(None), ClockworkJob.claimed_until < now)


def _rows(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
