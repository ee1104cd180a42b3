"""The record of an act: once, whole, in any order, and beside the act itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from controller.context import Context
from controller.emergency import acting, dependencies, recording
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Actor
from controller.emergency.acts import Act
from controller.emergency.tables import AlertRow, AlertState
from controller.errors import LoabanError
from tests.support.emergency import draft, recorded, view


def test_an_act_is_written_down_once_and_whole(
    officer: TestClient, form: dict[str, Any], context: Context, officers: Mapping[str, Any], now: datetime
) -> None:
    """Also where no row is there, as after a crash or for an alert of a CAP rule."""
    alert = draft(officer, form)
    with context.database.read() as session:
        made = acting.press(Actor(session, context, now, officers["second"]), alert, Confirmation("held"))
    orphan = made.model_copy(update={"alert_id": "kc-20261123-00000000"})
    assert [recording.record(context, one) for one in (made, orphan, made, orphan)] == [
        True,
        True,
        False,
        False,
    ]
    with context.database.read() as session:
        assert {row.id: row.state for row in session.query(AlertRow)} == {
            alert: AlertState.ACTIVE,
            orphan.alert_id: AlertState.ACTIVE,
        }
    assert view(officer, alert)["history"][0]["made_by_name"] == "alert_officer"


def test_acts_may_be_written_in_any_order(
    officer: TestClient, pressed: str, context: Context, officers: Mapping[str, Any], now: datetime
) -> None:
    recorded(officer, pressed)
    person, pending = officers["second"], list[Act]()
    with context.database.read() as session:
        for minutes in (5, 10):
            pending.append(
                acting.extend(
                    Actor(session, context, now, person, tuple(pending)), pressed, minutes=minutes, seen=99
                )
            )
        pending.append(
            acting.cancel(Actor(session, context, now, person, tuple(pending)), pressed, all_clear=False)
        )
    assert [one.revision for one in pending] == [2, 3, 4]
    for one in reversed(pending):
        assert recording.record(context, one)
    found = view(officer, pressed)
    assert (found["state"], found["revision"]) == ("cancelled", 4)
    assert [one["act"] for one in found["history"]] == ["cancel", "extend", "extend", "press"]


def test_what_is_not_recorded_yet_counts_already(
    officer: TestClient, pressed: str, context: Context, officers: Mapping[str, Any], now: datetime
) -> None:
    recorded(officer, pressed)
    person = officers["second"]
    with context.database.read() as session:
        cancelled = acting.cancel(Actor(session, context, now, person), pressed, all_clear=False)
        with pytest.raises(LoabanError, match="wrong_state_repeat"):
            acting.repeat(Actor(session, context, now, person, (cancelled,)), pressed, Confirmation("held"))
        again = acting.cancel(Actor(session, context, now, person, (cancelled,)), pressed, all_clear=True)
    assert again == cancelled


def test_of_two_different_acts_at_one_moment_one_is_told_that_it_was_not_done(
    officer: TestClient, pressed: str, context: Context, officers: Mapping[str, Any], now: datetime
) -> None:
    recorded(officer, pressed)
    desk = cast("FastAPI", officer.app).state.desk
    person = officers["second"]
    with context.database.read() as session:
        longer = acting.extend(Actor(session, context, now, person), pressed, minutes=5)
        again = acting.repeat(Actor(session, context, now, person), pressed, Confirmation("held"))
        silent = acting.cancel(Actor(session, context, now, person), pressed, all_clear=False)
    assert dependencies.performed(desk, longer).revision == 2
    with pytest.raises(LoabanError, match="changed_meanwhile"):
        dependencies.performed(desk, again)
    assert dependencies.performed(desk, silent).revision == 3
