"""CAP messages as they are shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from controller.cap.tables import CapVerdict, Via


class Wanted(BaseModel):
    """Which messages to list; `before` is the id of the last one seen."""

    limit: int = Field(default=50, ge=1, le=200)
    before: int | None = None
    verdict: list[CapVerdict] = []


class AreaShown(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    name: str


class CapMessageView(BaseModel):
    """`sentence` tells why, in the reader's language; empty where the verdict says it all."""

    model_config = ConfigDict(frozen=True)

    id: int
    received_at: datetime
    via: Via
    source: str
    identifier: str | None
    sender: str | None
    sent: str | None
    summary: str
    verdict: CapVerdict
    reason: str | None
    sentence: str
    alert_id: str | None
    areas: tuple[AreaShown, ...]
    """Those of ours that it means, where they were looked for."""
