"""The only SQL about uploads and sounds. Whoever works on an upload holds it by a conditional UPDATE."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from controller.media.tables import Sound, Upload, UploadState


def upload(session: Session, upload_id: str) -> Upload | None:
    return session.get(Upload, upload_id)


def sound(session: Session, sha256: str) -> Sound | None:
    return session.get(Sound, sha256)


def sound_from(session: Session, source_sha256: str, recipe: str) -> Sound | None:
    """What was made before from the same source by the same recipe."""
    return session.scalars(
        select(Sound).where(Sound.source_sha256 == source_sha256, Sound.recipe == recipe)
    ).first()


def add_sound(session: Session, made: Sound) -> bool:
    """False if it is known already, be it for a moment only."""
    if session.get(Sound, made.sha256):
        return False
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError:
        return False
    return True


def unfinished(session: Session) -> Sequence[str]:
    """The ids of uploads whose files are still needed."""
    states = (UploadState.WAITING, UploadState.WORKING)
    return session.scalars(select(Upload.id).where(Upload.state.in_(states))).all()


def claim(session: Session, now: datetime, process_id: str, until: datetime) -> Upload | None:
    """The oldest upload that nobody works on is ours until then; None if there is none."""
    candidates = session.scalars(
        select(Upload.id).where(_free(now)).order_by(Upload.created_at, Upload.id).limit(5)
    ).all()
    for upload_id in candidates:
        values: dict[str, Any] = {
            "state": UploadState.WORKING,
            "claimed_by": process_id,
            "claimed_until": until,
            "waits_until": None,
            "error_key": None,
            "attempts": Upload.attempts + 1,
        }
        if _update(session, and_(Upload.id == upload_id, _free(now)), values):
            return session.get_one(Upload, upload_id, populate_existing=True)
    return None


def change_claimed(session: Session, upload_id: str, process_id: str, values: dict[str, Any]) -> bool:
    """Change it only while it is still ours."""
    ours = and_(Upload.id == upload_id, Upload.claimed_by == process_id, Upload.state == UploadState.WORKING)
    return _update(session, ours, values)


def _free(now: datetime) -> ColumnElement[bool]:
    abandoned = and_(Upload.state == UploadState.WORKING, Upload.claimed_until < now)
    rested = or_(Upload.waits_until.is_(None), Upload.waits_until <= now)
    return or_(and_(Upload.state == UploadState.WAITING, rested), abandoned)


def _update(session: Session, which: ColumnElement[bool], values: dict[str, Any]) -> bool:
    changed = session.execute(
        update(Upload).where(which).values(**values).returning(Upload.id),
        execution_options={"synchronize_session": False},
    )
    return changed.first() is not None
