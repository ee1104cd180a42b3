"""What can go wrong with a programme.

NotFound   programmes.unknown
Conflict   programmes.wrong_state_<move> · programmes.changed_meanwhile · programmes.id_taken
Forbidden  programmes.own_programme
Invalid    programmes.title_missing · title_too_long · unknown_language · sound_missing · reason_missing
           · reason_too_long · bad_id
"""

from collections.abc import Mapping
from typing import Final

from controller.errors import Conflict, Forbidden, LoabanError, NotFound
from controller.programmes.rules import Move, Refusal

_WRONG_STATE: Final[Mapping[Move, str]] = {
    Move.EDIT: "programmes.wrong_state_edit",
    Move.SUBMIT: "programmes.wrong_state_submit",
    Move.APPROVE: "programmes.wrong_state_approve",
    Move.SEND_BACK: "programmes.wrong_state_send_back",
    Move.ARCHIVE: "programmes.wrong_state_archive",
    Move.UNARCHIVE: "programmes.wrong_state_unarchive",
}


def unknown(programme_id: str) -> NotFound:
    return NotFound("programmes.unknown", field="programme_id", programme=programme_id[:80])


def refused(move: Move, refusal: Refusal, title: str) -> LoabanError:
    if refusal is Refusal.OWN_PROGRAMME:
        return Forbidden("programmes.own_programme", title=title)
    return Conflict(_WRONG_STATE[move], title=title)
