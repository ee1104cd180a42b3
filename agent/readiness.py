"""Is the sound of an occurrence at hand?"""

from datetime import datetime
from itertools import islice

from agent.programme import Part
from agent.sound_files import SoundFiles
from agent.timeline import segments
from wire.ids import LatenessRule


def is_ready(part: Part, at: datetime, files: SoundFiles) -> bool:
    """*Skip* is the whole of it or nothing; *resume* needs only what would sound at `at`."""
    if part.occurrence.lateness is LatenessRule.SKIP:
        return all(files.has(item.sha256) for item in part.planned.items)
    elapsed_s = max((at - part.planned.start).total_seconds(), 0.0)
    here = next(islice(segments(part.planned, elapsed_s), 1), None)
    return here is None or here.item is None or files.has(here.item.sha256)
