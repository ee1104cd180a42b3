"""How each occurrence ended on each station: at most one row for the two, however often it is reported."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.db.base import Base
from wire.ids import Outcome, OutcomeReason


class Playback(Base):
    __tablename__ = "playbacks"

    station_id: Mapped[str] = mapped_column(ForeignKey("stations.id"), primary_key=True)
    occurrence_id: Mapped[str] = mapped_column(String(80), primary_key=True, index=True)
    report_id: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[Outcome]
    reason: Mapped[OutcomeReason | None]
    seconds_played: Mapped[float]
    seconds_planned: Mapped[float]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    start_error_ms: Mapped[float | None]
    received_at: Mapped[datetime]
