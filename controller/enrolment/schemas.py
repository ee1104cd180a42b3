"""Codes and boards as they are asked for and shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from wire.ids import StationKind


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewStation(Shape):
    """`id` may stay empty: it is then made from the name."""

    name: str = Field(max_length=200)
    area_id: str = Field(max_length=63)
    kind: StationKind
    id: str = Field(default="", max_length=63)


class StationMade(Shape):
    id: str


class CodeMade(Shape):
    """The only time that the code is told."""

    station: str
    code: str
    expires_at: datetime


class BoardView(Shape):
    """What is known of a station's board."""

    fingerprint: str | None
    """Of the board's own key; None before a board has enrolled."""
    enrolled_at: datetime | None
    code_until: datetime | None
    """A code is out that no board has used yet."""
    controller_fingerprint: str
