"""Schedules (rules in wall time) and the occurrences (instants) that they became."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.db.base import Base
from wire.ids import LatenessRule


class ScheduleState(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


class Schedule(Base):
    __tablename__ = "schedules"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    rule: Mapped[dict[str, Any]] = mapped_column(JSON)
    """A `schedules.rule.Rule` as JSON: wall times, zone, dates, exceptions."""
    repeats: Mapped[int] = mapped_column(default=1)
    gap_s: Mapped[float] = mapped_column(default=0.0)
    priority: Mapped[int]
    volume: Mapped[int] = mapped_column(default=80)
    lateness: Mapped[LatenessRule]
    grace_s: Mapped[float] = mapped_column(default=10.0)
    state: Mapped[ScheduleState] = mapped_column(index=True)
    created_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    items: Mapped[list["ScheduleItem"]] = relationship(
        order_by="ScheduleItem.position", cascade="all, delete-orphan"
    )


class ScheduleItem(Base):
    """One programme of a schedule's playlist."""

    __tablename__ = "schedule_items"

    schedule_id: Mapped[str] = mapped_column(ForeignKey("schedules.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    programme_id: Mapped[str] = mapped_column(ForeignKey("programmes.id"), index=True)


class OccurrenceRow(Base):
    """What was planned for one instant, kept as it was; never deleted once its start has passed."""

    __tablename__ = "occurrences"
    __table_args__ = (Index("ix_occurrences_area_start", "area_id", "start"),)

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    schedule_id: Mapped[str] = mapped_column(ForeignKey("schedules.id"), index=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    title: Mapped[str] = mapped_column(String(200))
    start: Mapped[datetime] = mapped_column(index=True)
    seconds: Mapped[float]
    items: Mapped[list[Any]] = mapped_column(JSON)
    """`[{"sha256", "seconds", "size_bytes", "programme"}]`, in order."""
    repeats: Mapped[int]
    gap_s: Mapped[float]
    priority: Mapped[int]
    volume: Mapped[int]
    lateness: Mapped[LatenessRule]
    grace_s: Mapped[float]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """Who took this one back; empty where its schedule did. What a person took back stays so."""
