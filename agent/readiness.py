"""Is the sound of an occurrence at hand?"""

from collections.abc import Collection
from datetime import datetime
from itertools import islice

from agent.programme import Part
from agent.sound_files import SoundFiles
from agent.timeline import segments
from schedules.cue import position_s
from wire.ids import LatenessRule
from wire.messages import Item


def is_ready(
    part: Part, at: datetime, files: SoundFiles, sounded_s: float = 0.0, replaced: Collection[int] = ()
) -> bool:
    """*Skip* is the whole of it or nothing; the others need only what would sound next."""
    planned = part.planned
    if part.occurrence.lateness is LatenessRule.SKIP:
        return all(_is_at_hand(item, files) for item in (*planned.opening, *planned.items, *planned.closing))
    from_s = position_s(part.occurrence, at, begun=True, sounded_s=sounded_s)
    here = next(islice(segments(planned, from_s, replaced), 1), None)
    return here is None or here.item is None or _is_at_hand(here.item, files)


def _is_at_hand(item: Item, files: SoundFiles) -> bool:
    """Itself, or what may stand in for it."""
    return files.has(item.sha256) or (item.instead is not None and files.has(item.instead.sha256))
