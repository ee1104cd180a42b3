"""Roles and realms."""

import pytest

from controller.accounts.rules import ALLOWED, Action, Principal, may, may_anywhere
from controller.accounts.tables import Role

CHAIN = ("lao-cai", "bat-xat-02683", "bat-xat-thon-1")


def principal(*grants: tuple[Role, str]) -> Principal:
    return Principal("p", "p", "P", language="vi", grants=grants)


@pytest.mark.parametrize(
    ("role", "action", "allowed"),
    [
        (Role.VIEWER, Action.VIEW, True),
        (Role.VIEWER, Action.UPLOAD, False),
        (Role.VIEWER, Action.SEE_HEALTH, False),
        (Role.OPERATOR, Action.EDIT_PROGRAMME, True),
        (Role.OPERATOR, Action.SCHEDULE, True),
        (Role.OPERATOR, Action.APPROVE, False),
        (Role.APPROVER, Action.APPROVE, True),
        (Role.APPROVER, Action.EDIT_PROGRAMME, False),
        (Role.APPROVER, Action.SCHEDULE, False),
        (Role.TECHNICIAN, Action.MANAGE_STATIONS, True),
        (Role.TECHNICIAN, Action.SCHEDULE, False),
        (Role.OPERATOR, Action.STOP_BROADCAST, True),
        (Role.APPROVER, Action.STOP_BROADCAST, True),
        (Role.VIEWER, Action.STOP_BROADCAST, False),
        (Role.TECHNICIAN, Action.STOP_BROADCAST, False),
        (Role.ALERT_OFFICER, Action.SEE_HEALTH, True),
    ],
)
def test_what_each_role_may_do(role: Role, action: Action, allowed: bool) -> None:
    assert may(principal((role, "bat-xat-02683")), action, CHAIN) is allowed


def test_every_action_has_somebody_who_may_do_it_and_the_administrator_all_but_send_alerts() -> None:
    assert set(ALLOWED) == set(Action)
    assert all(ALLOWED.values())
    without = {action for action, roles in ALLOWED.items() if Role.ADMINISTRATOR not in roles}
    assert without == {Action.SEND_ALERT}


def test_a_grant_counts_below_its_area_and_not_above_or_beside_it() -> None:
    operator = principal((Role.OPERATOR, "bat-xat-02683"))
    assert may(operator, Action.SCHEDULE, CHAIN)
    assert not may(operator, Action.SCHEDULE, ("lao-cai",))
    assert not may(operator, Action.SCHEDULE, ("lao-cai", "muong-hum-02728"))


def test_a_role_on_one_area_does_not_lend_itself_to_another() -> None:
    mixed = principal((Role.VIEWER, "lao-cai"), (Role.OPERATOR, "muong-hum-02728"))
    assert not may(mixed, Action.SCHEDULE, CHAIN)
    assert may(mixed, Action.VIEW, CHAIN)
    assert may_anywhere(mixed, Action.SCHEDULE)
    assert not may_anywhere(mixed, Action.APPROVE)
