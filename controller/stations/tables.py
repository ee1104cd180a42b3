"""Stations, and the latest that each has said of itself."""

from datetime import datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base
from wire.ids import StationKind


class Station(Base):
    __tablename__ = "stations"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[StationKind]
    installed: Mapped[bool] = mapped_column(default=True)
    volume_min: Mapped[int] = mapped_column(default=0)
    volume_max: Mapped[int] = mapped_column(default=100)
    quiet_begins: Mapped[time | None]
    quiet_ends: Mapped[time | None]
    emergency_volume: Mapped[int] = mapped_column(default=100)
    languages: Mapped[list[Any]] = mapped_column(JSON, default=list)
    """Its own, in order; empty as in its area."""
    test_begins: Mapped[time | None]
    """When it may test itself; None, and with the days, as in the settings."""
    test_ends: Mapped[time | None]
    audible_test_days: Mapped[int | None]
    silent_test_days: Mapped[int | None]
    created_at: Mapped[datetime]


class Feed(StrEnum):
    """How the sound of a station comes to an old cluster."""

    FM = "fm"
    WIRED = "wired"


class FedCluster(Base):
    """Old loudspeakers that repeat what their station sounds. They have no evidence of their own."""

    __tablename__ = "fed_clusters"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), index=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("areas.id"))
    """Where they hang."""
    name: Mapped[str] = mapped_column(String(200))
    feed: Mapped[Feed]
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    """The row stays: what they followed until then stays true."""


class StationPicture(Base):
    """The live picture of one station, written in batches by the intake."""

    __tablename__ = "station_pictures"

    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), primary_key=True)
    online: Mapped[bool] = mapped_column(default=False)
    """What its presence says; the last will turns it false."""
    presence_at: Mapped[datetime | None]
    boot_id: Mapped[str | None] = mapped_column(String(64))
    program_version: Mapped[str | None] = mapped_column(String(32))
    heartbeat_at: Mapped[datetime | None]
    """When the last heartbeat reached us, on our own clock."""
    heartbeat: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class StationStateChange(Base):
    """When a station's state changed, so that *since when* can be told."""

    __tablename__ = "station_state_changes"
    __table_args__ = (Index("ix_station_state_changes_station_at", "station_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"))
    state: Mapped[str] = mapped_column(String(24))
    reason: Mapped[str | None] = mapped_column(String(32))
    at: Mapped[datetime]
