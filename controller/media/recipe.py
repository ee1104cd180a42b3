"""How a source becomes a sound: which chimes go around it, and with which version of the work."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audio_library import IngestOptions, Limits, Loudness, Sound, Store, ingest
from audio_library.compose import compose, programme

_VERSION: Final = 1
"""Raise it when the library makes something else of the same source."""
_INGEST_SHARE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Made:
    """The finished sound, and how loud its source was."""

    sound: Sound
    source: Loudness


@dataclass(frozen=True, slots=True)
class Recipe:
    opening_chime: bool
    closing_chime: bool

    @property
    def name(self) -> str:
        """The same source by the same name gives the same sound."""
        return f"{_VERSION}-opening{self.opening_chime:d}-closing{self.closing_chime:d}"

    def make(self, source: Path, store: Store, limits: Limits, progress: Callable[[float], None]) -> Made:
        """`progress` hears 0 to 1 and may raise to stop. Raises SoundError; nothing half-made is left."""
        share = _INGEST_SHARE if self.opening_chime or self.closing_chime else 1.0
        body = ingest(source, store, limits, IngestOptions(), lambda done: progress(done * share))
        if share == 1.0:
            return Made(body, body.before)
        parts = programme([body.sha256], opening=self.opening_chime, closing=self.closing_chime)
        whole = compose(parts, store, limits, lambda done: progress(share + done * (1 - share)))
        return Made(whole, body.before)
