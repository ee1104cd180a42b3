"""A WAV file that is readable at every moment, also after the process that writes it was killed."""

import itertools
import json
import os
import struct
from datetime import datetime
from pathlib import Path

from agent.speakers.contract import SAMPLE_RATE_HZ, Frames

_HEADER_BYTES = 44
_BYTES_PER_FRAME = 2


class WavFile:
    """Mono 16-bit at 48 kHz, with a JSON file of the same name beside it.

    The header and the JSON tell of the frames that have been *played*; later bytes are only waiting.
    """

    def __init__(self, folder: Path, first_frame_at: datetime, label: str) -> None:
        self.path = _free_name(folder, f"{first_frame_at:%Y%m%dT%H%M%S.%f}Z")
        self._first_frame_at = first_frame_at
        self._label = label
        self._file = self.path.open("xb", buffering=0)
        self.sync(0, 0, over=False)
        self._file.seek(_HEADER_BYTES)

    @property
    def sidecar(self) -> Path:
        return self.path.with_suffix(".json")

    def append(self, frames: Frames) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(frames.astype("<i2", copy=False).tobytes())

    def sync(self, length: int, played: int, *, over: bool) -> None:
        """`length` frames so far, silence of a dry buffer included; `played` of them were ours."""
        self._file.seek(0)
        self._file.write(_header(length))
        record = {
            "occurrence": self._label,
            "first_frame_at": self._first_frame_at.isoformat(timespec="microseconds"),
            "frames": played,
            "silent_frames": length - played,
            "over": over,
        }
        part = self.sidecar.with_suffix(".part")
        part.write_text(json.dumps(record), encoding="utf-8")
        part.replace(self.sidecar)

    def close(self, length: int, played: int) -> None:
        """Cut to what was heard; a sounding of which nothing was heard leaves no file."""
        if length == 0:
            self._file.close()
            self.path.unlink()
            self.sidecar.unlink()
            return
        self._file.truncate(_HEADER_BYTES + length * _BYTES_PER_FRAME)
        self.sync(length, played, over=True)
        self._file.close()


def _free_name(folder: Path, instant: str) -> Path:
    """Whoever was killed while it waited for this very instant has left an empty file of that name."""
    suffixes = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    return next(path for suffix in suffixes if not (path := folder / f"{instant}{suffix}.wav").exists())


def _header(frames: int) -> bytes:
    """RIFF/WAVE with one `fmt ` and one `data` chunk (Microsoft Multimedia Programming Interface, 1991)."""
    size = frames * _BYTES_PER_FRAME
    form = struct.pack(
        "<HHIIHH", 1, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * _BYTES_PER_FRAME, _BYTES_PER_FRAME, 16
    )
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
    )
