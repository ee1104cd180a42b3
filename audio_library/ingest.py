"""From an upload to a sound in the store, streamed: neither of them is ever whole in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audio_library import chain
from audio_library.errors import TooShort
from audio_library.limits import Limits
from audio_library.master import Level, Mix, find_level, master
from audio_library.probe import probe
from audio_library.sound import Ingested
from audio_library.store import Store, digest
from audio_library.survey import Survey, survey
from audio_library.tool import Rising

FIRST_GUESS = Level(gain_db=8.0)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`horn_band` shapes for horns and evens the levels; without it only gain and limiter are used."""

    trim_silence: bool = True
    horn_band: bool = True


def ingest(
    path: Path,
    store: Store,
    limits: Limits,
    options: IngestOptions,
    progress: Callable[[float], None],
) -> Ingested:
    """Probe, measure, shape, level and encode one upload, and keep the result.

    `progress` hears 0 to 1; whatever it raises stops the work. The same bytes always give the same sound.
    Raises BadUpload (see errors), StoreFull, ToolFailed; the store is then as it was.
    """
    report = Rising(progress)
    found = probe(path, limits)
    heard = survey(path, found, limits, lambda done: report(done * 0.25))
    mix = _mix(path, heard, limits, options)
    level = find_level(mix, FIRST_GUESS, limits, lambda done: report(0.25 + done * 0.2))
    with store.workspace() as workspace:
        made = master(mix, level, workspace, limits, lambda done: report(0.45 + done * 0.55))
        size_bytes = made.path.stat().st_size
        sha256 = store.add(made.path)
    report(1.0)
    return Ingested(
        sha256=sha256,
        seconds=made.envelope.seconds,
        size_bytes=size_bytes,
        before=heard.before,
        after=made.loudness,
        peaks=made.envelope.waveform(),
        source_sha256=digest(path),
        source=found,
        source_seconds=heard.seconds,
    )


def _mix(path: Path, heard: Survey, limits: Limits, options: IngestOptions) -> Mix:
    start_s, end_s = (heard.start_s, heard.end_s) if options.trim_silence else (0.0, heard.seconds)
    if end_s - start_s < limits.min_seconds:
        raise TooShort(min_seconds=limits.min_seconds)
    steady = chain.volume(chain.COMPRESSOR_INPUT_LUFS - heard.band_lufs)
    shape = [chain.BAND, steady, chain.COMPRESSOR] if options.horn_band else [steady]
    filters = ",".join([heard.mono, chain.cut(start_s, end_s), *shape])
    return Mix([path], f"[0:a:0]{filters}[mix]", end_s - start_s)
