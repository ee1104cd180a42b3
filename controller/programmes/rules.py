"""A programme's way from draft to air, and whose hands it needs."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from controller.accounts.rules import Action
from controller.programmes.tables import ProgrammeState

LANGUAGES: Final = ("vi", "hmn", "ium", "tyz", "pcc", "nut", "blt", "hni", "en")
"""ISO 639: Vietnamese; Hmong, Dao, Tày, Giáy, Nùng, Thái, Hà Nhì as spoken in Lào Cai; English for guests."""

TITLE_LENGTH: Final = 200
REASON_LENGTH: Final = 2_000


class Move(StrEnum):
    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"


class Step(NamedTuple):
    """Who may make this move, from which states, and where it leads."""

    action: Action
    sources: frozenset[ProgrammeState]
    target: ProgrammeState


_OPEN: Final = frozenset({ProgrammeState.DRAFT, ProgrammeState.RETURNED})
_SUBMITTED: Final = frozenset({ProgrammeState.SUBMITTED})

STEPS: Final[Mapping[Move, Step]] = {
    Move.EDIT: Step(Action.EDIT_PROGRAMME, _OPEN, ProgrammeState.DRAFT),
    Move.SUBMIT: Step(Action.EDIT_PROGRAMME, _OPEN, ProgrammeState.SUBMITTED),
    Move.APPROVE: Step(Action.APPROVE, _SUBMITTED, ProgrammeState.APPROVED),
    Move.SEND_BACK: Step(Action.APPROVE, _SUBMITTED, ProgrammeState.RETURNED),
    Move.ARCHIVE: Step(
        Action.EDIT_PROGRAMME, frozenset(ProgrammeState) - {ProgrammeState.ARCHIVED}, ProgrammeState.ARCHIVED
    ),
    Move.UNARCHIVE: Step(Action.EDIT_PROGRAMME, frozenset({ProgrammeState.ARCHIVED}), ProgrammeState.DRAFT),
}


def restored(decided_at: datetime | None, reason: str | None) -> ProgrammeState:
    """What a programme is when it leaves the archive.

    Its last decision still stands: sending it again forgets the decision, and what is approved cannot be
    edited. So one that was decided on without a reason to send it back is approved, any other a draft.
    """
    approved = decided_at is not None and reason is None
    return ProgrammeState.APPROVED if approved else STEPS[Move.UNARCHIVE].target


class Refusal(StrEnum):
    """Why a move cannot be made; each is the last part of a catalogue key."""

    WRONG_STATE = "wrong_state"
    OWN_PROGRAMME = "own_programme"


def refusal(move: Move, state: ProgrammeState, *, own_work: bool) -> Refusal | None:
    """Nobody approves his own work. Roles and areas are asked for elsewhere."""
    if state not in STEPS[move].sources:
        return Refusal.WRONG_STATE
    if move is Move.APPROVE and own_work:
        return Refusal.OWN_PROGRAMME
    return None
