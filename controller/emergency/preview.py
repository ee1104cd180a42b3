"""What a station would sound, to be heard before the press: signal, voices and closing in one file."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import uuid4

from audio_library import Budget, Limits, Recording
from audio_library.join import Pause, Piece, join
from audio_library.limits import MIB
from controller.context import Context
from controller.errors import Invalid
from wire.alerts import Alert

MOST_SECONDS: Final = 3600.0
_KEPT_S: Final = 86_400.0
_VERSION: Final = "preview-1"
_LIMITS: Final = Limits(
    work=Budget(cpu_s=60, wall_s=60, memory_bytes=1_024 * MIB, file_bytes=200 * MIB),
)


def make(context: Context, alert: Alert, languages: Sequence[str]) -> Path:
    """One Ogg Opus file with all that a station with these languages sounds, pauses included.

    The same sounds are joined once and kept for a day. Raises Invalid `sound.preview_too_long`, and
    UnknownSound, StoreFull, ToolFailed.
    """
    if seconds_of(alert, languages) > MOST_SECONDS:
        raise Invalid("sound.preview_too_long", most_minutes=round(MOST_SECONDS / 60))
    pieces = list(_pieces(alert, languages))
    folder = context.settings.data_dir / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{hashlib.sha256(repr((_VERSION, pieces)).encode()).hexdigest()}.opus"
    if not kept.is_file():
        _forget_old(folder)
        draft = folder / f"{uuid4().hex}.part"
        try:
            join(pieces, context.store, draft, _LIMITS)
            draft.replace(kept)
        finally:
            draft.unlink(missing_ok=True)
    return kept


def seconds_of(alert: Alert, languages: Sequence[str]) -> float:
    """How long such a station sounds."""
    once = sum(item.seconds for voice in alert.voices_for(languages) for item in voice.items)
    closing_s = alert.closing.seconds if alert.closing else 0.0
    return alert.signal.seconds + once * alert.repeats + alert.gap_s * (alert.repeats - 1) + closing_s


def _pieces(alert: Alert, languages: Sequence[str]) -> Iterator[Piece]:
    yield Recording(alert.signal.sha256)
    said = [item for voice in alert.voices_for(languages) for item in voice.items]
    for number in range(alert.repeats):
        if number and alert.gap_s > 0:
            yield Pause(alert.gap_s)
        for item in said:
            yield Recording(item.sha256)
    if alert.closing:
        yield Recording(alert.closing.sha256)


def _forget_old(folder: Path) -> None:
    oldest = time.time() - _KEPT_S
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue
