"""Uploads on their way into the library, and the sounds that came of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class Sound(Base):
    """A file in the library, known by the SHA-256 of its bytes."""

    __tablename__ = "sounds"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    source_sha256: Mapped[str] = mapped_column(String(64), index=True)
    """Of the file as it was uploaded: how the same upload is recognised."""
    recipe: Mapped[str] = mapped_column(String(64), index=True)
    """How the source was edited (chimes, joins); the same source and recipe give the same sound."""
    seconds: Mapped[float]
    size_bytes: Mapped[int]
    source_lufs: Mapped[float]
    source_true_peak_dbtp: Mapped[float]
    lufs: Mapped[float]
    true_peak_dbtp: Mapped[float]
    peaks: Mapped[list[Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class UploadState(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    READY = "ready"
    REFUSED = "refused"


class Upload(Base):
    """One file that somebody sent. A conditional UPDATE of `claimed_*` says which process works on it."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(255))
    """As the person named it; shown, never used as a path."""
    size_bytes: Mapped[int]
    source_sha256: Mapped[str] = mapped_column(String(64))
    opening_chime: Mapped[bool] = mapped_column(default=True)
    closing_chime: Mapped[bool] = mapped_column(default=True)
    state: Mapped[UploadState] = mapped_column(index=True)
    progress: Mapped[float] = mapped_column(default=0.0)
    """0 to 1."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often a process began; one that kills every process is refused in the end."""
    sound_sha256: Mapped[str | None] = mapped_column(ForeignKey("sounds.sha256"))
    known_already: Mapped[bool] = mapped_column(default=False)
    waits_until: Mapped[datetime | None]
    """Not to be begun before; `error_key` says why."""
    error_key: Mapped[str | None] = mapped_column(String(64))
    error_params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime]
    claimed_by: Mapped[str | None] = mapped_column(String(64))
    claimed_until: Mapped[datetime | None]
