"""How many bytes a file announces and does not have, in formats where ffmpeg takes the rest for the whole."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

WAV_HEAD_BYTES = 12
CHUNK_HEAD_BYTES = 8
SIZES_LEFT_OPEN = range(0x7FFF_0000, 0x1_0000_0000)
OGG_HEAD_BYTES = 27
OGG_LARGEST_PAGE_BYTES = OGG_HEAD_BYTES + 255 + 255 * 255


def missing_bytes(path: Path) -> int:
    """For WAV and Ogg; zero for other formats, which ffmpeg itself compares with their claims."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(WAV_HEAD_BYTES)
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            return _missing_from_wav(file, size_bytes)
        if head[:4] == b"OggS":
            return _missing_from_ogg(file, size_bytes)
    return 0


def _missing_from_wav(file: BinaryIO, size_bytes: int) -> int:
    """Zero where a recorder left the size open."""
    offset = WAV_HEAD_BYTES
    while offset + CHUNK_HEAD_BYTES <= size_bytes:
        file.seek(offset)
        name, announced = file.read(4), int.from_bytes(file.read(4), "little")
        offset += CHUNK_HEAD_BYTES + announced
        if name == b"data":
            return 0 if announced in SIZES_LEFT_OPEN else max(0, offset - size_bytes)
        offset += announced % 2
    return 0


def _missing_from_ogg(file: BinaryIO, size_bytes: int) -> int:
    """Looks at the last page (RFC 3533, section 6): its table of segments tells how long it should be."""
    file.seek(max(0, size_bytes - OGG_LARGEST_PAGE_BYTES))
    end = file.read()
    page = end[max(0, end.rfind(b"OggS")) :]
    if len(page) < OGG_HEAD_BYTES:
        return OGG_HEAD_BYTES - len(page)
    segments = page[26]
    table = page[OGG_HEAD_BYTES : OGG_HEAD_BYTES + segments]
    announced = OGG_HEAD_BYTES + segments + sum(table)
    return max(0, announced - len(page))
