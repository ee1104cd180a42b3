"""Which standing messages an alert can count on: approved, and held by every station that it is for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from controller.dispatch.tree import AreaTree
from controller.emergency import errors, queries
from controller.emergency.content import Content, Source
from controller.emergency.sounds import item_of
from controller.emergency.tables import StandingUse
from wire.messages import Item


@dataclass(frozen=True, slots=True)
class Prepared:
    text: str
    item: Item


Messages = Mapping[tuple[str, str], Prepared]
"""By use and language."""


def messages(session: Session, content: Content, tree: AreaTree) -> Messages:
    """Of its kind, the drill notices and the all-clears: from the nearest area above all the chosen ones."""
    above = common_areas(content.area_ids, tree)
    uses = {content.kind.value, *(use.value for use in StandingUse)}
    found = queries.approved_standing(session, above, uses)
    nearest_last = sorted(found, key=lambda pair: above.index(pair[0].area_id))
    return {
        (message.use, message.language): Prepared(message.text, item_of(sound))
        for message, sound in nearest_last
    }


def common_areas(area_ids: Iterable[str], tree: AreaTree) -> list[str]:
    """Those that contain every one of these, the root first; for one area its whole chain."""
    chains = [tree.chain(area_id) for area_id in area_ids]
    first, *others = chains or [()]
    return [area_id for area_id in first if all(area_id in chain for chain in others)]


def check(content: Content, found: Messages) -> None:
    """Raises Conflict `emergency.no_standing`, `emergency.no_drill_notice`."""
    for voice in content.voices:
        if voice.source is Source.STANDING and (content.kind.value, voice.language) not in found:
            raise errors.no_standing(content.kind, voice.language)
        if content.drill and (StandingUse.DRILL_NOTICE.value, voice.language) not in found:
            raise errors.no_drill_notice(voice.language)


def without_all_clear(content: Content, found: Messages) -> tuple[str, ...]:
    """Languages in which a cancel would have nothing to say."""
    said = [voice.language for voice in content.voices]
    return tuple(language for language in said if (StandingUse.ALL_CLEAR.value, language) not in found)
