"""The only SQL about areas. The tree is walked by recursive queries, so it may have any depth."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import CTE, Select, literal, select
from sqlalchemy.orm import Session, aliased

from controller.areas.tables import Area, AreaLevel

_DEEPEST = 32
"""A tree deeper than this is a ring; the walk ends."""


class AreaLine(NamedTuple):
    """An area to look at: thousands of these are read in a moment."""

    id: str
    parent_id: str | None
    level: AreaLevel
    name: str
    code: str | None
    zone: str
    latitude: float | None
    longitude: float | None
    languages: list[str] | None


def by_id(session: Session, area_id: str) -> Area | None:
    return session.get(Area, area_id)


def by_ids(session: Session, area_ids: Collection[str]) -> dict[str, Area]:
    rows = session.scalars(select(Area).where(Area.id.in_(area_ids)))
    return {area.id: area for area in rows}


def everything(session: Session) -> Sequence[Area]:
    return session.scalars(select(Area).order_by(Area.id)).all()


def lines(session: Session) -> list[AreaLine]:
    """Every area, by id."""
    columns = [getattr(Area, name) for name in AreaLine._fields]
    return [AreaLine(*row) for row in session.execute(select(*columns).order_by(Area.id))]


def children(session: Session, area_id: str) -> Sequence[Area]:
    return session.scalars(select(Area).where(Area.parent_id == area_id).order_by(Area.name, Area.id)).all()


def chain(session: Session, area_id: str) -> Sequence[Area]:
    """The area and all that contain it, the root first."""
    walked = (
        select(Area.id, Area.parent_id, literal(0).label("steps"))
        .where(Area.id == area_id)
        .cte("chain", recursive=True)
    )
    above = aliased(Area)
    walked = walked.union_all(
        select(above.id, above.parent_id, walked.c.steps + 1)
        .where(above.id == walked.c.parent_id)
        .where(walked.c.steps < _DEEPEST)
    )
    return session.scalars(
        select(Area).join(walked, Area.id == walked.c.id).order_by(walked.c.steps.desc())
    ).all()


def subtree(session: Session, area_ids: Iterable[str]) -> Sequence[Area]:
    """The areas and all below them, each once, wider ones first, then by name."""
    walked = _walk_down(area_ids)
    found = session.execute(
        select(Area, walked.c.steps).join(walked, Area.id == walked.c.id).order_by(walked.c.steps, Area.name)
    ).all()
    return list({area.id: area for area, _steps in found}.values())


def below(area_ids: Iterable[str]) -> Select[str]:
    """The ids of the areas and of all below them, to be used inside another query."""
    return select(_walk_down(area_ids).c.id)


def ids_below(session: Session, area_ids: Iterable[str]) -> set[str]:
    return set(session.scalars(below(area_ids)))


def those_below(session: Session, candidates: Collection[str], area_ids: Iterable[str]) -> set[str]:
    """Which of the candidates are among the areas or below them."""
    return set(session.scalars(select(Area.id).where(Area.id.in_(candidates), Area.id.in_(below(area_ids)))))


def _walk_down(area_ids: Iterable[str]) -> CTE:
    walked = (
        select(Area.id, literal(0).label("steps"))
        .where(Area.id.in_(list(area_ids)))
        .cte("subtree", recursive=True)
    )
    child = aliased(Area)
    return walked.union_all(
        select(child.id, walked.c.steps + 1)
        .where(child.parent_id == walked.c.id)
        .where(walked.c.steps < _DEEPEST)
    )
