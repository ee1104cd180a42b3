"""A programme as a person sees it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from controller.accounts.rules import Action, Principal
from controller.programmes.rules import STEPS, Move, refusal
from controller.programmes.schemas import ProgrammeView
from controller.programmes.tables import Programme

ACTIONS: Final = frozenset(step.action for step in STEPS.values())


def people_of(programmes: Iterable[Programme]) -> set[str]:
    named = ((programme.created_by, programme.decided_by) for programme in programmes)
    return {person_id for pair in named for person_id in pair if person_id}


def moves(programme: Programme, principal: Principal, allowed: Collection[Action]) -> list[Move]:
    """`allowed` is what the person's roles let him do on the programme's area."""
    own = programme.is_work_of(principal.person_id)
    return [
        move
        for move in Move
        if STEPS[move].action in allowed and refusal(move, programme.state, own_work=own) is None
    ]


def view(
    programme: Programme, seconds: float, area_name: str, names: Mapping[str, str], may: list[Move]
) -> ProgrammeView:
    return ProgrammeView(
        id=programme.id,
        area_id=programme.area_id,
        area_name=area_name,
        title=programme.title,
        category=programme.category,
        language=programme.language,
        state=programme.state,
        sound_sha256=programme.sound_sha256,
        sound_url=f"/media/{programme.sound_sha256}.opus",
        seconds=seconds,
        created_by=programme.created_by,
        created_by_name=names.get(programme.created_by, ""),
        created_at=programme.created_at,
        submitted_at=programme.submitted_at,
        decided_by_name=names.get(programme.decided_by) if programme.decided_by else None,
        decided_at=programme.decided_at,
        reason=programme.reason,
        may=may,
    )
