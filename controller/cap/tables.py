"""Every CAP message that came in, what became of it and why; never deleted."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base


class Via(StrEnum):
    HTTP = "http"
    FEED = "feed"
    MQTT = "mqtt"
    PAGE = "page"


class CapVerdict(StrEnum):
    REFUSED = "refused"
    PROPOSED = "proposed"
    FIRED = "fired"
    APPLIED = "applied"
    """An update or cancel of an alert that it made before."""
    NOTED = "noted"
    """Nothing to do: an acknowledgement, an error message."""


class CapMessageRow(Base):
    __tablename__ = "cap_messages"
    __table_args__ = (Index("ix_cap_messages_identity", "identifier", "sender", "sent"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    via: Mapped[Via]
    source: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 of the bytes."""
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    """As it came, cut at the size limit."""
    identifier: Mapped[str | None] = mapped_column(String(200))
    sender: Mapped[str | None] = mapped_column(String(200))
    sent: Mapped[str | None] = mapped_column(String(40))
    summary: Mapped[str] = mapped_column(Text, default="")
    """Headline or event, for lists."""
    verdict: Mapped[CapVerdict]
    reason: Mapped[str | None] = mapped_column(String(64))
    """A catalogue key, where refused."""
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"), index=True)


class CapFeedState(Base):
    """How far a polled feed has been read."""

    __tablename__ = "cap_feeds"

    source: Mapped[str] = mapped_column(String(80), primary_key=True)
    etag: Mapped[str | None] = mapped_column(String(200))
    polled_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(Text)
