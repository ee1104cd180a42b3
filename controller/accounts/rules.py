"""Who may do what, and where. A role on an area counts for the whole tree below it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.accounts.tables import Role


class Action(StrEnum):
    VIEW = "view"
    UPLOAD = "upload"
    EDIT_PROGRAMME = "edit_programme"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    STOP_BROADCAST = "stop_broadcast"
    SEND_ALERT = "send_alert"
    MAKE_STANDING = "make_standing"
    APPROVE_STANDING = "approve_standing"
    SEE_CAP = "see_cap"
    SEE_HEALTH = "see_health"
    MANAGE_STATIONS = "manage_stations"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_AREAS = "manage_areas"


_EVERYONE: Final = frozenset(Role)
_ADMINISTRATOR: Final = frozenset({Role.ADMINISTRATOR})
_MAKERS: Final = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})

ALLOWED: Final[Mapping[Action, frozenset[Role]]] = {
    Action.VIEW: _EVERYONE,
    Action.UPLOAD: _MAKERS,
    Action.EDIT_PROGRAMME: _MAKERS,
    Action.APPROVE: frozenset({Role.APPROVER, Role.ADMINISTRATOR}),
    Action.SCHEDULE: _MAKERS,
    Action.STOP_BROADCAST: _MAKERS | {Role.APPROVER},
    Action.SEND_ALERT: frozenset({Role.ALERT_OFFICER}),
    Action.MAKE_STANDING: frozenset({Role.ALERT_OFFICER, Role.ADMINISTRATOR}),
    Action.APPROVE_STANDING: frozenset({Role.ALERT_OFFICER, Role.APPROVER, Role.ADMINISTRATOR}),
    Action.SEE_CAP: frozenset({Role.ALERT_OFFICER, Role.ADMINISTRATOR}),
    Action.SEE_HEALTH: _EVERYONE - {Role.VIEWER},
    Action.MANAGE_STATIONS: frozenset({Role.TECHNICIAN, Role.ADMINISTRATOR}),
    Action.MANAGE_PEOPLE: _ADMINISTRATOR,
    Action.MANAGE_AREAS: _ADMINISTRATOR,
}


@dataclass(frozen=True, slots=True)
class Principal:
    """The person behind a request, with every role and the area it was given on."""

    person_id: str
    username: str
    full_name: str
    language: str
    grants: tuple[tuple[Role, str], ...] = ()


def granted_areas(principal: Principal, action: Action) -> frozenset[str]:
    """The areas, each with all below it, where this person may do this."""
    return frozenset(area_id for role, area_id in principal.grants if role in ALLOWED[action])


def may_anywhere(principal: Principal, action: Action) -> bool:
    return bool(granted_areas(principal, action))


def may(principal: Principal, action: Action, chain: Collection[str]) -> bool:
    """`chain` is the area in question and all that contain it."""
    return not granted_areas(principal, action).isdisjoint(chain)
