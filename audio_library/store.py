"""Sounds kept by the SHA-256 of their content: `<root>/ab/<sha256>.opus`. No outer name becomes a path."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from audio_library.errors import BadName, StoreFull, UnknownSound

SHA256 = re.compile(r"[0-9a-f]{64}")
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
CHUNK_BYTES = 1 << 20


class Store:
    """Whole, synced files only. Half-made ones live in `temp`, on the same disk, until they are renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.temp = root / "temp"
        self.temp.mkdir(parents=True, exist_ok=True)

    def path_of(self, sha256: str) -> Path:
        """Where the sound is, or would be. Raises UnknownSound if this is no SHA-256."""
        if not SHA256.fullmatch(sha256):
            raise UnknownSound(sha256=sha256[:64])
        return self.root / sha256[:2] / f"{sha256}.opus"

    def has(self, sha256: str) -> bool:
        return self.path_of(sha256).is_file()

    def open(self, sha256: str) -> BinaryIO:
        """Raises UnknownSound."""
        return self.existing(sha256).open("rb")

    def existing(self, sha256: str) -> Path:
        """The path of a sound that is there. Raises UnknownSound."""
        path = self.path_of(sha256)
        if not path.is_file():
            raise UnknownSound(sha256=sha256)
        return path

    def add(self, finished: Path) -> str:
        """Take over a finished file from `workspace`, or drop it if the same sound is already kept.

        Raises StoreFull.
        """
        sha256 = digest(finished)
        target = self.path_of(sha256)
        if target.is_file():
            finished.unlink()
            return sha256
        with full_disk_is_store_full():
            _sync(finished)
            target.parent.mkdir(exist_ok=True)
            finished.replace(target)
            _sync(target.parent)
        return sha256

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A directory for half-made files, gone afterwards with all that is still in it. Raises StoreFull."""
        with full_disk_is_store_full():
            place = Path(tempfile.mkdtemp(dir=self.temp))
        try:
            with full_disk_is_store_full():
                yield place
        finally:
            shutil.rmtree(place)

    def clean_temp(self, older_than_s: float = 6 * 3600) -> int:
        """Remove what a killed process left behind; younger files may be in use. Returns a count."""
        oldest = time.time() - older_than_s
        return sum(_removed(place, oldest) for place in self.temp.iterdir())


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def display_name(name: str) -> str:
    """An uploaded file's name, fit to be shown as a title and never used as a path.

    Raises BadName for one that tries to be a path.
    """
    plain = " ".join(unicodedata.normalize("NFC", name).split())
    tries_path = {"/", "\\"} & set(plain) or plain in {"", ".", ".."}
    if tries_path or not plain.isprintable():
        raise BadName
    return plain[:200]


@contextmanager
def full_disk_is_store_full() -> Iterator[None]:
    """Turn the operating system's "disk full" into StoreFull."""
    try:
        yield
    except OSError as failure:
        if failure.errno in FULL:
            raise StoreFull from failure
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _removed(place: Path, oldest: float) -> bool:
    """Others work in there while we look; what has gone by itself is not counted."""
    try:
        if _last_change(place) > oldest:
            return False
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    except FileNotFoundError:
        return False
    return True


def _last_change(place: Path) -> float:
    inside = place.iterdir() if place.is_dir() else iter(())
    return max([place.stat().st_mtime, *(path.stat().st_mtime for path in inside)])
