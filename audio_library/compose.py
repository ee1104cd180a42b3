"""A whole programme from parts: opening chime, one or more recordings, closing chime, joined without a jolt.

Only the edges of a long recording are edited in memory; its middle streams from file to file. So two hours
cost no more memory than two minutes.

    parts     opening chime │ recording (head · middle · tail) │ recording … │ closing chime
    timeline  [seam: chime, gap, head][middle][seam: tail, gap, head][middle][seam: tail, gap, chime]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_library import chain
from audio_library.chimes import Chime, chime_pcm
from audio_library.edit import Clip
from audio_library.errors import NothingToJoin, TooLong
from audio_library.limits import Limits
from audio_library.loudness import meter, read_meter
from audio_library.master import Codec, Level, Mix, master
from audio_library.signals import Signal, signal_pcm
from audio_library.sound import NORM, RATE_HZ, Loudness, Sound
from audio_library.store import Store
from audio_library.tool import ProgressReader, Rising, run, safe_input

EDGE_SAMPLES = 5 * RATE_HZ
SAMPLE_BYTES = 2
EDGE_BYTES = EDGE_SAMPLES * SAMPLE_BYTES
GAP_MS = 500
MOST_PARTS = 20


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound that is already in the store."""

    sha256: str


Part = Recording | Chime | Signal


def programme(recordings: Sequence[str], *, opening: bool, closing: bool) -> list[Part]:
    """The parts of an everyday programme: recordings by SHA-256, with or without chimes."""
    body: list[Part] = [Recording(sha256) for sha256 in recordings]
    first: list[Part] = [Chime.OPENING] if opening else []
    last: list[Part] = [Chime.CLOSING] if closing else []
    return [*first, *body, *last]


def compose(parts: Sequence[Part], store: Store, limits: Limits, progress: Callable[[float], None]) -> Sound:
    """Join the parts into one sound at the norm and keep it. The same parts always give the same sound.

    Raises NothingToJoin, UnknownSound, TooLong, StoreFull, ToolFailed.
    """
    report = Rising(progress)
    if not 1 <= len(parts) <= MOST_PARTS:
        raise NothingToJoin(most=MOST_PARTS)
    with store.workspace() as workspace:
        timeline = _Timeline(workspace)
        for number, part in enumerate(parts):
            timeline.add(_clip_or_ends(part, store, limits))
            report(0.15 * (number + 1) / len(parts))
        mix = timeline.mix(Codec.SPEECH if any(isinstance(p, Recording) for p in parts) else Codec.TONES)
        _refuse_long(mix, limits)
        before = _measure(mix, limits, lambda done: report(0.15 + done * 0.2))
        level = Level(NORM.lufs - before.lufs)
        made = master(mix, level, workspace, limits, lambda done: report(0.35 + done * 0.65))
        size_bytes = made.path.stat().st_size
        sha256 = store.add(made.path)
    report(1.0)
    return Sound(
        sha256=sha256,
        seconds=made.envelope.seconds,
        size_bytes=size_bytes,
        before=before,
        after=made.loudness,
        peaks=made.envelope.waveform(),
    )


class _Ends:
    """Hears a recording once: counts its samples, and keeps its first and last seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = 0
        self._head = bytearray()
        self._tail = bytearray()

    def __call__(self, piece: bytes) -> None:
        room = EDGE_BYTES - len(self._head)
        self._bytes += len(piece)
        self._head += piece[:room]
        self._tail += piece[room:]
        del self._tail[:-EDGE_BYTES]

    @property
    def samples(self) -> int:
        return self._bytes // SAMPLE_BYTES

    @property
    def is_short(self) -> bool:
        return self.samples <= 2 * EDGE_SAMPLES

    def head(self) -> Clip:
        return Clip.of(bytes(self._head)).without_lead()

    def tail(self) -> Clip:
        return Clip.of(bytes(self._tail)).without_tail()

    def whole(self) -> Clip:
        """Of a short one."""
        return Clip.of(bytes(self._head + self._tail)).without_lead().without_tail()


class _Timeline:
    """Seams edited in memory and saved, and the middles of recordings between them, in order."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._inputs: list[Path] = []
        self._filters: list[str] = []
        self._samples = 0
        self._seam = Clip.nothing()

    def add(self, part: Clip | _Ends) -> None:
        if isinstance(part, Clip):
            self._seam = self._seam.then(part, GAP_MS)
        elif part.is_short:
            self._seam = self._seam.then(part.whole(), GAP_MS)
        else:
            self._close_seam(self._seam.then(part.head(), GAP_MS))
            self._put(part.path, EDGE_SAMPLES, part.samples - EDGE_SAMPLES)
            self._seam = part.tail()

    def mix(self, codec: Codec) -> Mix:
        self._close_seam(self._seam)
        names = "".join(f"[p{number}]" for number in range(len(self._filters)))
        join = f"{names}concat=n={len(self._filters)}:v=0:a=1[mix]"
        return Mix(self._inputs, ";".join([*self._filters, join]), self._samples / RATE_HZ, codec)

    def _close_seam(self, seam: Clip) -> None:
        path = self._workspace / f"seam-{len(self._inputs)}.wav"
        seam.save(path)
        self._put(path, 0, seam.samples)

    def _put(self, path: Path, start: int, end: int) -> None:
        number = len(self._inputs)
        cut = chain.cut(start / RATE_HZ, end / RATE_HZ)
        self._inputs.append(path)
        self._filters.append(f"[{number}:a:0]{chain.MONO},{cut}[p{number}]")
        self._samples += end - start


def _clip_or_ends(part: Part, store: Store, limits: Limits) -> Clip | _Ends:
    if isinstance(part, Chime):
        return Clip.of(chime_pcm(part))
    if isinstance(part, Signal):
        return Clip.of(signal_pcm(part))
    ends = _Ends(store.existing(part.sha256))
    output = ["-map", "0:a:0", "-ac", "1", "-ar", f"{RATE_HZ}", "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"]
    run([*safe_input(ends.path), *output], limits.work, ends)
    return ends


def _measure(mix: Mix, limits: Limits, progress: Callable[[float], None]) -> Loudness:
    graph = f"{mix.graph};[mix]{meter('mix')}[out]"
    output = ["-filter_complex", graph, "-map", "[out]", "-progress", "pipe:1", "-f", "null", "-"]
    return read_meter(
        run([*mix.arguments(), *output], limits.work, ProgressReader(mix.seconds, progress)), "mix"
    )


def _refuse_long(mix: Mix, limits: Limits) -> None:
    if mix.seconds > limits.max_seconds:
        hours, limit_hours = round(mix.seconds / 3600, 1), round(limits.max_seconds / 3600, 1)
        raise TooLong(hours=hours, limit_hours=limit_hours)
