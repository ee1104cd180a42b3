"""The only SQL about programmes."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from controller.areas import queries as areas
from controller.areas.tables import Area
from controller.media.tables import Sound
from controller.programmes.tables import Programme, ProgrammeState

Listed = tuple[Programme, float, str]
"""With its seconds and its area's name."""


def by_id(session: Session, programme_id: str) -> Programme | None:
    return session.get(Programme, programme_id)


def known_sound(session: Session, sha256: str) -> bool:
    return session.get(Sound, sha256) is not None


def listing(
    session: Session, realm: Collection[str], state: ProgrammeState | None, limit: int, *, archived: bool
) -> Sequence[Listed]:
    """Programmes of these areas and below, the newest first.

    Archived ones come only when asked for.
    """
    statement = _listed().where(Programme.area_id.in_(areas.below(realm))).limit(limit)
    if state:
        statement = statement.where(Programme.state == state)
    elif not archived:
        statement = statement.where(Programme.state != ProgrammeState.ARCHIVED)
    return session.execute(statement).all()


def approved_of(session: Session, area_ids: Collection[str]) -> Sequence[Listed]:
    """Every approved programme of just these areas, the newest first."""
    approved = Programme.state == ProgrammeState.APPROVED
    return session.execute(_listed().where(Programme.area_id.in_(area_ids), approved)).all()


def _listed() -> Select[Programme, float, str]:
    return (
        select(Programme, Sound.seconds, Area.name)
        .join(Sound, Sound.sha256 == Programme.sound_sha256)
        .join(Area, Area.id == Programme.area_id)
        .order_by(Programme.created_at.desc(), Programme.id)
    )


def with_sound(session: Session, programme_id: str) -> tuple[Programme, Sound, str] | None:
    rows = session.execute(
        select(Programme, Sound, Area.name)
        .join(Sound, Sound.sha256 == Programme.sound_sha256)
        .join(Area, Area.id == Programme.area_id)
        .where(Programme.id == programme_id)
    )
    return rows.one_or_none()


def change(
    session: Session, programme_id: str, sources: Collection[ProgrammeState], values: dict[str, Any]
) -> bool:
    """Change it only if it is still in one of those states."""
    done = session.execute(
        update(Programme)
        .where(Programme.id == programme_id, Programme.state.in_(sources))
        .values(**values)
        .returning(Programme.id),
        execution_options={"synchronize_session": "fetch"},
    )
    return done.first() is not None
