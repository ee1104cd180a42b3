"""The folder of content-addressed sound: `<sha256>.opus` when whole and verified, `.part` until then."""

import hashlib
import logging
import os
import time
from contextlib import suppress
from pathlib import Path

from agent.files import make_folder, sync_folder

log = logging.getLogger(__name__)

_BLOCK_BYTES = 256 * 1024


class SoundFiles:
    """Files that are ready to play, and halves of others. Knows nothing of plans or of the network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        make_folder(folder)

    def path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.opus"

    def part(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.part"

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def accept(self, sha256: str) -> bool:
        """Check the part against its name, make it a whole file; a wrong one is removed. Raises OSError."""
        part = self.part(sha256)
        if hash_of(part) != sha256:
            part.unlink()
            return False
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(self.path(sha256))
        sync_folder(self._folder)
        return True

    def recheck(self, sha256: str) -> bool:
        """Read a held file again; one that has rotted is removed, to be fetched anew."""
        path = self.path(sha256)
        try:
            if path.exists() and hash_of(path) == sha256:
                return True
            log.error("held sound has rotted, removed: sha256=%s", sha256)
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("held sound cannot be read or removed: sha256=%s problem=%s", sha256, error)
            return path.exists()
        return False

    def bytes_held(self) -> int:
        return sum(_size(path) for path in self._folder.glob("*.opus"))

    def bytes_free(self) -> int:
        state = os.statvfs(self._folder)
        return state.f_bavail * state.f_frsize

    def touch(self, wanted: frozenset[str]) -> None:
        """Mark the files that a plan still names; the age of the others counts from here."""
        for sha256 in wanted:
            with suppress(OSError):
                os.utime(self.path(sha256))

    def remove_unwanted(self, wanted: frozenset[str], keep_s: float) -> int:
        """Remove what no plan has named for `keep_s`; how many files went."""
        oldest_s = time.time() - keep_s
        removed = 0
        for path in [*self._folder.glob("*.opus"), *self._folder.glob("*.part")]:
            with suppress(OSError):
                if path.stem not in wanted and path.stat().st_mtime <= oldest_s:
                    path.unlink()
                    removed += 1
        return removed


def _size(path: Path) -> int:
    """0 for a file that has just gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def hash_of(path: Path) -> str:
    """SHA-256 of a file in lower-case hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
