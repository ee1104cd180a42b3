"""Sounds of the store one after the other in one file to listen to: nothing is cut, levelled or faded."""

from __future__ import annotations

import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_library.compose import Recording
from audio_library.errors import NothingToJoin
from audio_library.limits import Limits
from audio_library.sound import RATE_HZ
from audio_library.store import Store, full_disk_is_store_full
from audio_library.tool import ignore_output, run, safe_input

OPUS = "-c:a libopus -b:a 32k -vbr on -application lowdelay -ac 1 -ar 48000 -f opus"
OURS_ONLY = "-protocol_whitelist file -format_whitelist concat,ogg -codec_whitelist libopus,opus -threads 1"
MOST_PIECES = 2_000


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


Piece = Recording | Pause


def join(pieces: Sequence[Piece], store: Store, target: Path, limits: Limits) -> None:
    """Write them to `target` as Ogg Opus, to the sample as long as they are together.

    Raises NothingToJoin, UnknownSound, StoreFull, ToolFailed; ProbeTimeout where the limits are too narrow.
    """
    if not 1 <= len(pieces) <= MOST_PIECES:
        raise NothingToJoin(most=MOST_PIECES)
    with full_disk_is_store_full(), tempfile.TemporaryDirectory(dir=store.temp) as folder:
        workspace = Path(folder)
        pauses = {piece: _silence(piece, workspace, limits) for piece in pieces if isinstance(piece, Pause)}
        paths = [
            pauses[piece] if isinstance(piece, Pause) else store.existing(piece.sha256) for piece in pieces
        ]
        names = workspace / "pieces.txt"
        names.write_text("".join(f"file {_quoted(path)}\n" for path in paths), encoding="utf-8")
        source = [*OURS_ONLY.split(), "-f", "concat", "-safe", "0", "-i", f"file:{names.absolute()}"]
        run([*source, *OPUS.split(), f"file:{target.absolute()}"], limits.work, ignore_output)


def _silence(pause: Pause, workspace: Path, limits: Limits) -> Path:
    samples = round(pause.seconds * RATE_HZ)
    raw, encoded = (workspace / f"pause-{samples}.{ending}" for ending in ("wav", "opus"))
    with wave.open(str(raw), "wb") as file:
        file.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        file.writeframes(bytes(2 * samples))
    run([*safe_input(raw), *OPUS.split(), f"file:{encoded.absolute()}"], limits.work, ignore_output)
    return encoded


def _quoted(path: Path) -> str:
    """As ffmpeg wants names in a list: https://ffmpeg.org/ffmpeg-utils.html#Quoting-and-escaping."""
    return "'" + f"file:{path.absolute()}".replace("'", r"'\''") + "'"
