"""What is in force in a person's area, for the top of every page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fastapi import Request

from controller.accounts.rules import Action, Principal, granted_areas
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import views
from controller.emergency.acts import Act
from controller.emergency.tables import ActKind

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Band:
    """One alert in force; `places` are the first of its areas, `more` how many there are besides.

    `sounding`: some station is known to sound it at this moment.
    """

    id: str
    kind: str
    drill: bool
    title: str
    places: str
    more: int
    sounding: bool

    @property
    def address(self) -> str:
        return f"/khan-cap/{self.id}"


def bands(request: Request, context: Context, principal: Principal, now: datetime) -> list[Band]:
    """From memory; the database is asked for the area tree only while something is in force."""
    desk = request.app.state.desk
    acts = [act for act in desk.in_force(now).values() if act.what is not ActKind.CANCEL]
    if not acts:
        return []
    with context.database.read() as session:
        tree = AreaTree.read(session)
        own = granted_areas(principal, Action.VIEW)
        seen = [act for act in acts if any(_meet(tree, area_id, own) for area_id in act.area_ids)]
        sounding = views.sounding_now(session, now, seen)
    ordered = sorted(seen, key=lambda act: (act.content.drill, act.at))
    return [_band(act, tree, sounding=act.alert_id in sounding) for act in ordered]


def _meet(tree: AreaTree, area_id: str, own: frozenset[str]) -> bool:
    """Whether the alert's area is inside one of the person's, or the other way round."""
    return not own.isdisjoint(tree.chain(area_id)) or any(area_id in tree.chain(one) for one in own)


def _band(act: Act, tree: AreaTree, *, sounding: bool) -> Band:
    names = [tree.name(area_id) for area_id in act.area_ids]
    content = act.content
    return Band(
        id=act.alert_id,
        kind=content.kind.value,
        drill=content.drill,
        title=content.title,
        places=", ".join(names[:_NAMED]),
        more=max(0, len(names) - _NAMED),
        sounding=sounding,
    )
