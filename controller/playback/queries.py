"""The only SQL about how occurrences ended."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.db.upsert import upsert
from controller.playback.tables import Playback
from wire.ids import Outcome


def save(session: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Keep each end once: the first word stands, only *unknown* gives way. Returns rows written."""
    return upsert(session, Playback, rows, only_if=Playback.outcome == Outcome.UNKNOWN)


def of_occurrence(session: Session, occurrence_id: str) -> dict[str, Playback]:
    """By station."""
    statement = select(Playback).where(Playback.occurrence_id == occurrence_id)
    found = session.scalars(statement, execution_options={"populate_existing": True})
    return {playback.station_id: playback for playback in found}


def of_occurrences(session: Session, occurrence_ids: Collection[str]) -> dict[str, dict[str, Playback]]:
    """By occurrence, then by station; for the few hundred occurrences of a page."""
    found: dict[str, dict[str, Playback]] = {}
    for playback in session.scalars(select(Playback).where(Playback.occurrence_id.in_(occurrence_ids))):
        found.setdefault(playback.occurrence_id, {})[playback.station_id] = playback
    return found
