"""The first whole decode of an upload: its true length, its loudness, and where the sound begins and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audio_library import chain
from audio_library.envelope import Envelope
from audio_library.errors import NotSound, Silent, ToolFailed, TooShort, Truncated
from audio_library.limits import Limits
from audio_library.loudness import meter, quick_meter, read_lufs, read_meter
from audio_library.probe import refuse_length
from audio_library.sound import RATE_HZ, Loudness, Probe
from audio_library.tool import run, safe_input

SILENCE_LUFS = -60.0
BELOW_SPEECH_DB = 30.0
LEAD_S = 0.15
TAIL_S = 0.30
MISSING_SHARE = 0.02
MISSING_S = 1.0
CANCELLED_DB = 12.0
CUT_SHORT = "partial file"


@dataclass(frozen=True, slots=True)
class Survey:
    """`before` is the upload as it came; `band_lufs` its mono sound in the band of a horn."""

    seconds: float
    before: Loudness
    band_lufs: float
    start_s: float
    end_s: float
    mono: str


@dataclass(frozen=True, slots=True)
class _Heard:
    envelope: Envelope
    before: Loudness
    band_lufs: float
    cut_short: bool


def survey(path: Path, found: Probe, limits: Limits, progress: Callable[[float], None]) -> Survey:
    """Raises NotSound, Truncated, TooLong, Bomb, TooShort, Silent, ProbeTimeout."""
    mono = chain.MONO
    heard = _decode(path, found, limits, mono, progress)
    if _cancelled_out(heard, found):
        mono = chain.FIRST_CHANNEL
        heard = _decode(path, found, limits, mono, progress)
    seconds, band_lufs = heard.envelope.seconds, heard.band_lufs
    _refuse_wrong_length(heard, found, limits)
    edges = heard.envelope.audible(max(band_lufs - BELOW_SPEECH_DB, SILENCE_LUFS))
    if band_lufs < SILENCE_LUFS or edges is None:
        raise Silent
    start_s, end_s = max(0.0, edges[0] - LEAD_S), min(seconds, edges[1] + TAIL_S)
    return Survey(seconds, heard.before, band_lufs, start_s, end_s, mono)


def _decode(path: Path, found: Probe, limits: Limits, mono: str, progress: Callable[[float], None]) -> _Heard:
    envelope = Envelope()
    expected_s = found.claimed_seconds or limits.max_seconds

    def take(piece: bytes) -> None:
        envelope(piece)
        progress(min(1.0, envelope.seconds / expected_s))

    graph = (
        f"[0:a:0]asplit[raw][in];[raw]{meter('before')},anullsink;"
        f"[in]{mono},{chain.BAND},{quick_meter('band')},aresample={RATE_HZ}[out]"
    )
    source = safe_input(path, "-t", f"{limits.max_seconds + 1}")
    output = [
        "-filter_complex",
        graph,
        "-map",
        "[out]",
        "-map_metadata",
        "-1",
        "-c:a",
        "pcm_s16le",
        "-f",
        "s16le",
        "pipe:1",
    ]
    try:
        log = run([*source, *output], limits.work, take)
    except ToolFailed as failure:
        raise (Truncated() if envelope.seconds >= MISSING_S else NotSound()) from failure
    envelope.finish()
    return _Heard(envelope, read_meter(log, "before"), read_lufs(log, "band"), CUT_SHORT in log)


def _cancelled_out(heard: _Heard, found: Probe) -> bool:
    """Two channels in opposite phase vanish when they are added."""
    vanished = heard.band_lufs < heard.before.lufs - CANCELLED_DB
    return found.channels == 2 and heard.before.lufs > SILENCE_LUFS and vanished


def _refuse_wrong_length(heard: _Heard, found: Probe, limits: Limits) -> None:
    """A film's claim is that of its longest track, so only its missing bytes tell of a missing end."""
    seconds = heard.envelope.seconds
    refuse_length(seconds, found.size_bytes, limits)
    claimed = 0.0 if found.has_film else found.claimed_seconds or 0.0
    if heard.cut_short or seconds < claimed * (1 - MISSING_SHARE) - MISSING_S:
        raise Truncated
    if seconds < limits.min_seconds:
        raise TooShort(min_seconds=limits.min_seconds)
