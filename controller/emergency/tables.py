"""Alerts and everything about them. Nothing here is ever deleted."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base
from wire.ids import AlertKind, ClockTrust, Severity


class AlertState(StrEnum):
    """Where the alert as a whole stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    """From a CAP message; an officer decides."""
    WAITING = "waiting"
    """Asked for by one officer, and needs another."""
    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DISCARDED = "discarded"


class ActKind(StrEnum):
    """What an officer does to an alert; each makes a new revision."""

    PRESS = "press"
    UPDATE = "update"
    EXTEND = "extend"
    REPEAT = "repeat"
    CANCEL = "cancel"


class RevisionState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    DONE = "done"
    DISCARDED = "discarded"


class AlertRow(Base):
    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_state_created_at", "state", "created_at"),)

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    kind: Mapped[AlertKind]
    severity: Mapped[Severity]
    drill: Mapped[bool] = mapped_column(default=False)
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[AlertState]
    area_ids: Mapped[list[Any]] = mapped_column(JSON)
    """Of the newest revision that was carried out, or of the draft before there is one."""
    revision: Mapped[int] = mapped_column(default=0)
    """The newest one carried out; 0 before the first press."""
    created_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """None where a CAP message made it."""
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    """The first press."""
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class AlertRevision(Base):
    """One act, with all it said. A draft or waiting one is yet to be carried out."""

    __tablename__ = "alert_revisions"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[ActKind]
    state: Mapped[RevisionState] = mapped_column(index=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    """A `Content`."""
    made_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    asked_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    asked_at: Mapped[datetime | None]
    done_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    """None also where a rule for a CAP sender fired it."""
    done_at: Mapped[datetime | None]
    sounding: Mapped[str | None] = mapped_column(String(80), index=True)
    """What stations report on; None for a cancel without an all-clear."""
    seconds: Mapped[float] = mapped_column(default=0.0)
    """How long the sounding lasts on a station with all its languages."""
    wire: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The `wire.alerts.Alert` as it was published."""
    expires_at: Mapped[datetime | None]
    cap_identifier: Mapped[str | None] = mapped_column(String(160), unique=True)
    cap_xml: Mapped[str | None] = mapped_column(Text)


class AlertTarget(Base):
    """A station that was meant to hear the alert, and whether it could be reached at that moment."""

    __tablename__ = "alert_targets"

    alert_id: Mapped[str] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), primary_key=True)
    revision: Mapped[int]
    """The first one that was meant for it."""
    reachable: Mapped[bool]


class AlertReceiptRow(Base):
    """What a station told before the end of a sounding; the end is its row in `playbacks`."""

    __tablename__ = "alert_receipts"

    sounding: Mapped[str] = mapped_column(String(80), primary_key=True)
    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(63), index=True)
    received_at: Mapped[datetime]
    """On our clock, as the others."""
    sounding_at: Mapped[datetime | None]
    first_frame_at: Mapped[datetime | None]
    """On the station's clock."""
    clock: Mapped[ClockTrust]


class StandingState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    RETIRED = "retired"


class StandingUse(StrEnum):
    """What a standing message is for besides the kinds of alert (`AlertKind`)."""

    DRILL_NOTICE = "drill_notice"
    ALL_CLEAR = "all_clear"


class StandingMessage(Base):
    """Recorded in advance for one purpose, language and area; the newest approved one counts."""

    __tablename__ = "standing_messages"
    __table_args__ = (Index("ix_standing_messages_use", "area_id", "use", "language"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    use: Mapped[str] = mapped_column(String(32))
    """An `AlertKind` or a `StandingUse`."""
    language: Mapped[str] = mapped_column(String(16))
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    text: Mapped[str] = mapped_column(Text)
    sound_sha256: Mapped[str] = mapped_column(ForeignKey("sounds.sha256"))
    state: Mapped[StandingState]
    made_by: Mapped[str] = mapped_column(ForeignKey("people.id"))
    made_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None]
