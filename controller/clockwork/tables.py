"""The table decides when a job is due and who does it; the timer only wakes us to look."""

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class ClockworkJob(Base):
    __tablename__ = "clockwork_jobs"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    due_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)


class MissedWakeUp(Base):
    """A job that ran late enough to matter, or was dropped by the timer."""

    __tablename__ = "missed_wake_ups"
    __table_args__ = (Index("ix_missed_wake_ups_due_at", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job: Mapped[str] = mapped_column(String(32))
    due_at: Mapped[datetime]
    noticed_at: Mapped[datetime]
    late_s: Mapped[float]
