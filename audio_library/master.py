"""From a mix of sounds to one encoded file at the norm: gain, limiter, Opus, and a look at what came out.

Opus overshoots its input, so the encoded file is decoded and measured, and made again with another gain or a
lower ceiling until it holds the norm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from audio_library import chain
from audio_library.envelope import Envelope
from audio_library.limits import Limits
from audio_library.loudness import meter, quick_meter, read_lufs, read_meter
from audio_library.sound import NORM, RATE_HZ, Loudness
from audio_library.tool import ProgressReader, run, safe_input

CEILING_DBFS = -4.0
CLOSE_LU = 0.5
HEADROOM_DB = 0.2
TRIES = 5
MEASURES = 3
FLATTEST_SLOPE = 0.25
OPUS = "-c:a libopus -vbr on -ac 1 -ar 48000 -f opus"
REPEATABLE = "-map_metadata -1 -map_chapters -1 -fflags +bitexact -flags:a +bitexact"


class Codec(Enum):
    """Opus's mode for speech falls apart on gliding tones: 14 dB too loud here, nothing there. Its other mode
    takes twice the bytes and keeps them."""

    SPEECH = "-b:a 24k -application voip"
    TONES = "-b:a 48k -application lowdelay"


@dataclass(frozen=True, slots=True)
class Mix:
    """Files and the filters that turn them into one mono stream called `[mix]` at 48 kHz, `seconds` long."""

    inputs: Sequence[Path]
    graph: str
    seconds: float
    codec: Codec = Codec.SPEECH

    def arguments(self) -> list[str]:
        return [argument for path in self.inputs for argument in safe_input(path)]


@dataclass(frozen=True, slots=True)
class Level:
    gain_db: float
    ceiling_dbfs: float = CEILING_DBFS

    def filters(self) -> str:
        return f"{chain.volume(self.gain_db)},{chain.limiter(self.ceiling_dbfs)}"

    def corrected(self, measured: Loudness) -> Level:
        """The next try after hearing this one."""
        over_db = measured.true_peak_dbtp - NORM.max_true_peak_dbtp
        ceiling = self.ceiling_dbfs - over_db - HEADROOM_DB if over_db > 0 else self.ceiling_dbfs
        return Level(self.gain_db + NORM.lufs - measured.lufs, ceiling)


@dataclass(frozen=True, slots=True)
class Encoded:
    path: Path
    loudness: Loudness
    envelope: Envelope

    def distance(self) -> tuple[bool, float]:
        """Sorts tries: a peak over the norm is worse than any lack of loudness."""
        over = self.loudness.true_peak_dbtp > NORM.max_true_peak_dbtp
        return over, abs(self.loudness.lufs - NORM.lufs)


def find_level(mix: Mix, guess: Level, limits: Limits, progress: Callable[[float], None]) -> Level:
    """The gain that should reach the norm, found by measuring the limited mix without encoding it.

    The limiter takes back part of every decibel, so the next gain follows the slope of the last two.
    """
    gain_db, measured, slope = guess.gain_db, _through(mix, guess, limits, progress), 1.0
    for _ in range(MEASURES):
        missing_lu = NORM.lufs - measured
        if abs(missing_lu) <= CLOSE_LU:
            break
        step_db = missing_lu / slope
        heard = _through(mix, Level(gain_db + step_db), limits, progress)
        slope = min(1.0, max(FLATTEST_SLOPE, (heard - measured) / step_db))
        gain_db, measured = gain_db + step_db, heard
    return Level(gain_db + (NORM.lufs - measured) / slope)


def _through(mix: Mix, level: Level, limits: Limits, progress: Callable[[float], None]) -> float:
    graph = f"{mix.graph};[mix]{level.filters()},{quick_meter('level')}[out]"
    output = ["-filter_complex", graph, "-map", "[out]", "-progress", "pipe:1", "-f", "null", "-"]
    log = run([*mix.arguments(), *output], limits.work, ProgressReader(mix.seconds, progress))
    return read_lufs(log, "level")


def master(
    mix: Mix, level: Level, workspace: Path, limits: Limits, progress: Callable[[float], None]
) -> Encoded:
    """Encode until the norm holds, as tones where the speech codec cannot hold it; else the nearest try.

    The norm is out of reach for drips in silence. Raises StoreFull, ToolFailed, ProbeTimeout.
    """
    tries: list[Encoded] = []
    for codec in dict.fromkeys((mix.codec, Codec.TONES)):
        tries += _tries(replace(mix, codec=codec), level, workspace, limits, progress)
        best = min(tries, key=Encoded.distance)
        if NORM.holds(best.loudness):
            break
    return best


def _tries(
    mix: Mix, level: Level, workspace: Path, limits: Limits, progress: Callable[[float], None]
) -> Iterator[Encoded]:
    """Each corrected by what was heard in the one before, until one comes close."""
    for number in range(TRIES):
        path = workspace / f"try-{mix.codec.name}-{number}.opus"
        _encode(mix, level, path, limits, lambda done: progress(done * 0.7))
        made = _listen(path, mix.seconds, limits, lambda done: progress(0.7 + done * 0.3))
        yield made
        over, away_lu = made.distance()
        if not over and away_lu <= CLOSE_LU:
            break
        level = level.corrected(made.loudness)


def _encode(mix: Mix, level: Level, path: Path, limits: Limits, progress: Callable[[float], None]) -> None:
    graph = f"{mix.graph};[mix]{level.filters()}[out]"
    output = ["-filter_complex", graph, "-map", "[out]", "-progress", "pipe:1"]
    output += [*OPUS.split(), *mix.codec.value.split(), *REPEATABLE.split(), f"file:{path.absolute()}"]
    run([*mix.arguments(), *output], limits.work, ProgressReader(mix.seconds, progress))


def _listen(path: Path, seconds: float, limits: Limits, progress: Callable[[float], None]) -> Encoded:
    envelope = Envelope()

    def take(piece: bytes) -> None:
        envelope(piece)
        progress(min(1.0, envelope.seconds / max(seconds, 0.001)))

    graph = f"[0:a:0]{meter('after')},aresample={RATE_HZ}[out]"
    output = ["-filter_complex", graph, "-map", "[out]", "-c:a", "pcm_s16le", "-f", "s16le", "pipe:1"]
    log = run([*safe_input(path), *output], limits.work, take)
    envelope.finish()
    return Encoded(path, read_meter(log, "after"), envelope)
