"""What can go wrong around alerts and standing messages.

NotFound   emergency.unknown · emergency.standing_unknown
Forbidden  emergency.own_request · emergency.standing_own
Conflict   emergency.wrong_state_<move> · nothing_prepared · other_prepared · needs_second · one_is_enough
           · no_standing · no_drill_notice · standing_wrong_state · changed_meanwhile
Invalid    emergency.no_area · too_many_areas · no_station · no_voice · unknown_language · text_missing
           · text_too_long · sound_missing · bad_repeats · bad_validity · expired_already
           · longer_than_validity · bad_extension · not_confirmed · not_shown · held_too_short
           · standing_unknown_use · standing_text_missing · policy_…
Areas outside one's realm and roles are in `accounts.errors`.
"""

from collections.abc import Mapping
from typing import Final

from controller.emergency.content import MOST_AREAS
from controller.emergency.policy import TwoPeopleRule
from controller.emergency.rules import Move, Refusal
from controller.errors import Conflict, Forbidden, Invalid, LoabanError, NotFound

_WRONG_STATE: Final[Mapping[Move, str]] = {
    Move.EDIT: "emergency.wrong_state_edit",
    Move.ASK: "emergency.wrong_state_ask",
    Move.PRESS: "emergency.wrong_state_press",
    Move.UPDATE: "emergency.wrong_state_update",
    Move.REPEAT: "emergency.wrong_state_repeat",
    Move.EXTEND: "emergency.wrong_state_extend",
    Move.CANCEL: "emergency.wrong_state_cancel",
    Move.DISCARD: "emergency.wrong_state_discard",
}


def language_key(language: str) -> str:
    """Said by its name in the reader's own language."""
    return f"label.language.{language}"


def unknown(alert_id: str) -> NotFound:
    return NotFound("emergency.unknown", field="alert_id", alert=alert_id[:80])


def refused(move: Move, why: Refusal, rule: TwoPeopleRule | None, area_name: str) -> LoabanError:
    """`rule` and `area_name` say why two people are needed."""
    if why is Refusal.NEEDS_SECOND and rule is not None:
        severity = f"label.severity.{rule.from_severity}"
        return Conflict("emergency.needs_second", area=area_name, severity=severity)
    plain: dict[Refusal, LoabanError] = {
        Refusal.OWN_REQUEST: Forbidden("emergency.own_request"),
        Refusal.NOTHING_PREPARED: Conflict("emergency.nothing_prepared"),
        Refusal.OTHER_PREPARED: Conflict("emergency.other_prepared"),
        Refusal.ONE_IS_ENOUGH: Conflict("emergency.one_is_enough"),
    }
    return plain.get(why) or Conflict(_WRONG_STATE[move])


def no_area() -> Invalid:
    return Invalid("emergency.no_area", field="area_ids")


def too_many_areas() -> Invalid:
    return Invalid("emergency.too_many_areas", field="area_ids", most=MOST_AREAS)


def no_station(area_name: str) -> Invalid:
    return Invalid("emergency.no_station", field="area_ids", area=area_name)


def no_voice() -> Invalid:
    return Invalid("emergency.no_voice", field="voices")


def unknown_language(code: str) -> Invalid:
    return Invalid("emergency.unknown_language", field="voices", code=code[:16])


def text_missing(language: str) -> Invalid:
    return Invalid("emergency.text_missing", field="voices", language=language_key(language))


def text_too_long(language: str, most: int) -> Invalid:
    return Invalid("emergency.text_too_long", field="voices", language=language_key(language), most=most)


def sound_missing(language: str) -> Invalid:
    return Invalid("emergency.sound_missing", field="voices", language=language_key(language))


def no_standing(kind: str, language: str) -> Conflict:
    kind_key = f"label.alert_kind.{kind}"
    return Conflict("emergency.no_standing", field="voices", kind=kind_key, language=language_key(language))


def no_drill_notice(language: str) -> Conflict:
    return Conflict("emergency.no_drill_notice", field="voices", language=language_key(language))


def expired_already() -> Invalid:
    return Invalid("emergency.expired_already", field="expires_at")


def not_confirmed(area_name: str) -> Invalid:
    return Invalid("emergency.not_confirmed", field="confirm", area=area_name)


def not_shown() -> Invalid:
    return Invalid("emergency.not_shown", field="digest")


def standing_unknown() -> NotFound:
    return NotFound("emergency.standing_unknown")


def changed_meanwhile() -> Conflict:
    return Conflict("emergency.changed_meanwhile")
