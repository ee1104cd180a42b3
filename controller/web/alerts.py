"""What the pages about alerts share."""

from typing import Any, Final, cast

from fastapi import Request
from sqlalchemy.orm import Session

from controller.boards.desk import Desk
from controller.dispatch.tree import AreaTree
from controller.emergency import reach, service
from controller.emergency.actor import Somebody
from controller.emergency.schemas import AlertView, TwoPeople
from controller.web.alert_areas import spoken_in
from controller.web.page import Page
from wire.ids import Severity

LIST: Final = "/khan-cap"
"""Where the pages about alerts are."""
MATRIX: Final = f"{LIST}/mau"
"""And those about standing messages."""


def alert_of(page: Page, session: Session, alert_id: str) -> AlertView:
    """With the acts that are not on record yet. Raises NotFound."""
    return service.get(somebody(page, session), alert_id)


def somebody(page: Page, session: Session) -> Somebody:
    """Who looks at this page, or does something on it."""
    pending = desk_of(page.request).pending()
    return Somebody(session, page.context, page.now, page.person, pending)


def desk_of(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


def whom_of(page: Page, session: Session, area_ids: tuple[str, ...], severity: str) -> dict[str, Any]:
    """What `emergency/reach.html` shows."""
    tree = AreaTree.read(session)
    chosen = tuple(area_id for area_id in area_ids if area_id in tree.areas)
    timeout_s = page.context.settings.heartbeat_timeout_s
    return {
        "reach": reach.of(session, page.now, chosen, timeout_s) if chosen else None,
        "area_languages": spoken_in(tree, chosen),
        "two_people": _two_people(page, tree, chosen, severity),
    }


def _two_people(page: Page, tree: AreaTree, area_ids: tuple[str, ...], severity: str) -> TwoPeople | None:
    if severity not in set(Severity):
        return None
    rule = page.context.two_people.current().two_for(area_ids, Severity(severity), tree.chain)
    if rule is None:
        return None
    return TwoPeople(
        area_id=rule.area_id, area_name=tree.name(rule.area_id), from_severity=rule.from_severity
    )
