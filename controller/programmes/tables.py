"""Programmes: a sound with a title, a category and a language, and the approval it needs before it airs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base
from schedules.category import Category


class ProgrammeState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    RETURNED = "returned"
    ARCHIVED = "archived"


class Programme(Base):
    __tablename__ = "programmes"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[Category]
    language: Mapped[str] = mapped_column(String(8))
    sound_sha256: Mapped[str] = mapped_column(ForeignKey("sounds.sha256"), index=True)
    state: Mapped[ProgrammeState] = mapped_column(index=True)
    created_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    edited_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """Who changed it last."""
    submitted_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    submitted_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was sent back, in the approver's words."""

    def is_work_of(self, person_id: str) -> bool:
        """Whether this person made it, was the last to change it, or sent it for approval."""
        return person_id in {self.created_by, self.edited_by, self.submitted_by}
