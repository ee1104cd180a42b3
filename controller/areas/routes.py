"""HTTP for the area tree."""

from typing import Annotated

from fastapi import APIRouter, Query

from controller.accounts import service as accounts
from controller.accounts.dependencies import SignedIn
from controller.accounts.rules import Action
from controller.areas import service
from controller.areas.schemas import AreaView, NewArea
from controller.web.dependencies import Reading, Writing

router = APIRouter(prefix="/api/areas", tags=["areas"])


@router.get("")
def listing(
    session: Reading, principal: SignedIn, parent: Annotated[str | None, Query()] = None
) -> list[AreaView]:
    """Every area in this person's realm, or the children of one of them."""
    if parent is None:
        return [AreaView.model_validate(area) for area in accounts.realm_areas(session, principal)]
    accounts.require(session, principal, Action.VIEW, parent)
    return [AreaView.model_validate(area) for area in service.children(session, parent)]


@router.get("/{area_id}")
def one(session: Reading, principal: SignedIn, area_id: str) -> AreaView:
    accounts.require(session, principal, Action.VIEW, area_id)
    return AreaView.model_validate(service.get(session, area_id))


@router.post("", status_code=201)
def add(session: Writing, principal: SignedIn, wanted: NewArea) -> AreaView:
    accounts.require(session, principal, Action.MANAGE_AREAS, wanted.parent_id)
    area = service.add_area(
        session,
        parent_id=wanted.parent_id,
        level=wanted.level,
        name=wanted.name,
        code=wanted.code,
        latitude=wanted.latitude,
        longitude=wanted.longitude,
    )
    return AreaView.model_validate(area)
