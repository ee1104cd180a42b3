"""Cutting and joining short pieces with pydub, which holds a whole piece in memory: seconds, never hours."""

from __future__ import annotations

import warnings
from pathlib import Path

from audio_library.sound import RATE_HZ

with warnings.catch_warnings():
    # pydub looks for an ffmpeg of its own and for audioop; it needs neither warning here.
    warnings.simplefilter("ignore")
    from pydub import AudioSegment
    from pydub.silence import detect_leading_silence

QUIET_DBFS = -48.0
KEEP_MS = 80
FADE_MS = 15
SAMPLE_BYTES = 2


class Clip:
    """A short mono piece at 48 kHz. Every operation gives a new one."""

    def __init__(self, segment: AudioSegment) -> None:
        self._segment = segment

    @classmethod
    def of(cls, pcm: bytes) -> Clip:
        """From 16-bit samples."""
        segment = AudioSegment(data=pcm, sample_width=SAMPLE_BYTES, frame_rate=RATE_HZ, channels=1)
        return cls(segment)

    @classmethod
    def nothing(cls) -> Clip:
        return cls.of(b"")

    @property
    def samples(self) -> int:
        return int(self._segment.frame_count())

    def without_lead(self) -> Clip:
        """Silence cut from the beginning, and the cut made soft."""
        quiet_ms = detect_leading_silence(self._segment, silence_threshold=QUIET_DBFS)
        return Clip(self._segment[max(0, quiet_ms - KEEP_MS) :].fade_in(FADE_MS))

    def without_tail(self) -> Clip:
        """Silence cut from the end, and the cut made soft."""
        quiet_ms = detect_leading_silence(self._segment.reverse(), silence_threshold=QUIET_DBFS)
        end_ms = len(self._segment) - max(0, quiet_ms - KEEP_MS)
        return Clip(self._segment[:end_ms].fade_out(FADE_MS))

    def then(self, other: Clip, gap_ms: int = 0) -> Clip:
        """The other piece after this one, with a pause between them where both have sound."""
        if not self.samples or not other.samples:
            return other if other.samples else self
        gap = AudioSegment.silent(duration=gap_ms, frame_rate=RATE_HZ)
        return Clip(self._segment.append(gap, crossfade=0).append(other._segment, crossfade=0))

    def save(self, path: Path) -> None:
        """As WAV."""
        self._segment.export(path, format="wav").close()
