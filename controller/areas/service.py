"""The area tree: looking up and down it, and adding to it."""

from collections.abc import Collection
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.orm import Session

from controller.areas import dataset, queries, rules
from controller.areas.errors import unknown
from controller.areas.tables import Area, AreaLevel
from controller.errors import Conflict, Invalid

LAO_CAI = "lao-cai"


def get(session: Session, area_id: str) -> Area:
    """Raises NotFound `areas.unknown`."""
    area = queries.by_id(session, area_id)
    if area is None:
        raise unknown(area_id)
    return area


def chain(session: Session, area_id: str) -> list[Area]:
    """The area and all that contain it, the root first. Raises NotFound `areas.unknown`."""
    found = list(queries.chain(session, area_id))
    if not found:
        raise unknown(area_id)
    return found


def chain_ids(session: Session, area_id: str) -> list[str]:
    return [area.id for area in chain(session, area_id)]


def depth(session: Session, area_id: str) -> int:
    """How far below the root: 0 for the root itself."""
    return len(chain(session, area_id)) - 1


def subtree(session: Session, area_id: str) -> list[Area]:
    """The area and all below it, wider ones first. Raises NotFound `areas.unknown`."""
    found = list(queries.subtree(session, [area_id]))
    if not found:
        raise unknown(area_id)
    return found


def subtrees(session: Session, area_ids: Collection[str]) -> list[Area]:
    """All of several trees, each area once; unknown ids add nothing."""
    return list(queries.subtree(session, area_ids))


def ids_below(session: Session, area_ids: Collection[str]) -> set[str]:
    """The ids of all areas of several trees."""
    return queries.ids_below(session, area_ids)


def those_below(session: Session, candidates: Collection[str], area_ids: Collection[str]) -> set[str]:
    """Which of the candidates are in one of several trees."""
    return queries.those_below(session, candidates, area_ids)


def children(session: Session, area_id: str) -> list[Area]:
    return list(queries.children(session, area_id))


def names(session: Session, area_ids: Collection[str]) -> dict[str, str]:
    """What those areas are called, by id."""
    return {area.id: area.name for area in queries.by_ids(session, area_ids).values()}


def add_area(
    session: Session,
    *,
    parent_id: str | None,
    level: AreaLevel,
    name: str,
    code: str | None = None,
    area_id: str | None = None,
    zone: str | None = None,
    latitude: float | None = None,
    longitude: float | None = None,
) -> Area:
    """A new area under its parent, in the parent's zone unless another is named.

    Raises Invalid, NotFound `areas.unknown` for the parent, Conflict `areas.id_taken`.
    """
    parent = get(session, parent_id) if parent_id else None
    name = name.strip()
    chosen = area_id or _id_for(name, code, parent_id)
    if queries.by_id(session, chosen):
        raise Conflict("areas.id_taken", field="area_id", area=chosen)
    zone = zone or (parent.zone if parent else "Asia/Ho_Chi_Minh")
    _check_zone(zone)
    area = Area(
        id=chosen,
        parent_id=parent_id,
        level=level,
        name=name,
        code=code,
        zone=zone,
        latitude=latitude,
        longitude=longitude,
    )
    session.add(area)
    session.flush()
    return area


def load_lao_cai(session: Session) -> int:
    """Lào Cai since July 2025: the province and its 99 communes. Adds what is missing; tells how many."""
    known = {area.id for area in queries.everything(session)}
    head, communes = dataset.province("laocai")
    added = 0
    if LAO_CAI not in known:
        _add_unit(session, head, LAO_CAI, None, AreaLevel.PROVINCE)
        added = 1
    for unit in communes:
        commune_id = rules.area_id(unit.name, unit.code, LAO_CAI)
        if commune_id not in known:
            _add_unit(session, unit, commune_id, LAO_CAI, AreaLevel.COMMUNE)
            added += 1
    return added


def _add_unit(
    session: Session, unit: dataset.Unit, area_id: str, parent_id: str | None, level: AreaLevel
) -> None:
    session.add(
        Area(
            id=area_id,
            parent_id=parent_id,
            level=level,
            name=unit.name,
            code=unit.code,
            zone="Asia/Ho_Chi_Minh",
            latitude=unit.latitude,
            longitude=unit.longitude,
        )
    )
    session.flush()


def _id_for(name: str, code: str | None, parent_id: str | None) -> str:
    if not name:
        raise Invalid("areas.name_missing", field="name")
    if not rules.slug(name):
        raise Invalid("areas.name_without_letters", field="name", name=name)
    return rules.area_id(name, code, parent_id)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid("areas.unknown_zone", field="zone", zone=zone) from error
