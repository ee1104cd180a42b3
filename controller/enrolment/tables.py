"""Codes for boards, and the keys of the boards that used them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class Enrolment(Base):
    """One code. Used, it says which board the station has: the newest used one counts."""

    __tablename__ = "enrolments"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), index=True)
    code_digest: Mapped[str] = mapped_column(String(64), unique=True)
    """The code itself is kept nowhere."""
    made_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    public_key: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The JWK that the board made; the private half never left it."""
