"""How many bytes a WAV file announces and does not have; ffmpeg takes the rest for the whole."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 12
CHUNK_HEAD_BYTES = 8
UNKNOWN_SIZES = range(0x7FFF_0000, 0x1_0000_0000)


def missing_bytes(path: Path) -> int:
    """Zero for other formats, and for sizes that a recorder left open."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return 0
        offset = HEAD_BYTES
        while offset + CHUNK_HEAD_BYTES <= size_bytes:
            file.seek(offset)
            name, announced = file.read(4), int.from_bytes(file.read(4), "little")
            if name == b"data":
                missing = offset + CHUNK_HEAD_BYTES + announced - size_bytes
                return 0 if announced in UNKNOWN_SIZES else max(0, missing)
            offset += CHUNK_HEAD_BYTES + announced + announced % 2
    return 0
