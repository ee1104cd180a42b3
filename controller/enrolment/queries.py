"""The only SQL about codes and boards' keys."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from controller.enrolment.tables import Enrolment


def by_digest(session: Session, digest: str) -> Enrolment | None:
    return session.scalar(select(Enrolment).where(Enrolment.code_digest == digest))


def void_unused(session: Session, station_id: str, now: datetime) -> None:
    """A station has one code at a time."""
    open_ = Enrolment.station_id == station_id, Enrolment.used_at.is_(None), Enrolment.expires_at > now
    session.execute(update(Enrolment).where(*open_).values(expires_at=now))


def use(session: Session, enrolment_id: int, now: datetime, public_key: dict[str, str]) -> bool:
    """Whether it was still to be had: of two boards that ask at once, one gets it."""
    good = Enrolment.id == enrolment_id, Enrolment.used_at.is_(None), Enrolment.expires_at > now
    result = session.execute(update(Enrolment).where(*good).values(used_at=now, public_key=public_key))
    return cast("CursorResult[Any]", result).rowcount == 1


def newest_used(session: Session, station_id: str) -> Enrolment | None:
    used = Enrolment.station_id == station_id, Enrolment.used_at.is_not(None)
    return session.scalar(select(Enrolment).where(*used).order_by(Enrolment.used_at.desc()).limit(1))


def waiting(session: Session, station_id: str, now: datetime) -> Enrolment | None:
    """The code that a board may still use."""
    open_ = Enrolment.station_id == station_id, Enrolment.used_at.is_(None), Enrolment.expires_at > now
    return session.scalar(select(Enrolment).where(*open_))
