"""Programmes as JSON, and as pages show them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from controller.programmes.rules import Move
from controller.programmes.tables import ProgrammeState
from schedules.category import Category


class NewProgramme(BaseModel):
    area_id: str
    title: str
    category: Category
    language: str = "vi"
    sound_sha256: str


class ProgrammeEdit(BaseModel):
    """What is None stays as it was."""

    title: str | None = None
    category: Category | None = None
    language: str | None = None
    sound_sha256: str | None = None


class SendBack(BaseModel):
    reason: str = ""


class ProgrammeView(BaseModel):
    id: str
    area_id: str
    area_name: str
    title: str
    category: Category
    language: str
    state: ProgrammeState
    sound_sha256: str
    sound_url: str
    seconds: float
    peaks: list[Any] = Field(default_factory=list)
    """Waveform, 0 to 100; empty in a listing."""
    created_by: str
    created_by_name: str
    created_at: datetime
    submitted_at: datetime | None
    decided_by_name: str | None
    decided_at: datetime | None
    reason: str | None
    may: list[Move]
    """What the person who asked may do with it now."""
