"""Which moves are open in which state, and to whom."""

from datetime import UTC, datetime

import pytest

from controller.programmes.rules import STEPS, Move, Refusal, refusal, restored
from controller.programmes.tables import ProgrammeState

OPEN = {
    ProgrammeState.DRAFT: {Move.EDIT, Move.SUBMIT, Move.ARCHIVE},
    ProgrammeState.SUBMITTED: {Move.APPROVE, Move.SEND_BACK, Move.ARCHIVE},
    ProgrammeState.APPROVED: {Move.ARCHIVE},
    ProgrammeState.RETURNED: {Move.EDIT, Move.SUBMIT, Move.ARCHIVE},
    ProgrammeState.ARCHIVED: {Move.UNARCHIVE},
}


@pytest.mark.parametrize("state", ProgrammeState)
def test_each_state_opens_just_these_moves(state: ProgrammeState) -> None:
    opened = {move for move in Move if refusal(move, state, own_work=False) is None}
    assert opened == OPEN[state]


def test_only_approval_leads_to_approved() -> None:
    assert [move for move, step in STEPS.items() if step.target is ProgrammeState.APPROVED] == [Move.APPROVE]


def test_nobody_approves_his_own_but_may_do_the_rest() -> None:
    state = ProgrammeState.SUBMITTED
    assert refusal(Move.APPROVE, state, own_work=True) is Refusal.OWN_PROGRAMME
    assert refusal(Move.SEND_BACK, state, own_work=True) is None
    draft = ProgrammeState.DRAFT
    assert refusal(Move.APPROVE, draft, own_work=True) is Refusal.WRONG_STATE


def test_only_what_was_approved_leaves_the_archive_approved() -> None:
    then = datetime(2026, 11, 23, tzinfo=UTC)
    assert restored(then, None) is ProgrammeState.APPROVED
    assert restored(then, "Thiếu ngày họp.") is ProgrammeState.DRAFT
    assert restored(None, None) is ProgrammeState.DRAFT
