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
        self._doubted: set[str] = set()
        self.damaged = 0
        """Held files that turned out to have rotted."""
        make_folder(folder)

    def path(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.opus"

    def part(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.part"

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def is_good(self, sha256: str) -> bool:
        """Held, and whole when it was last read. A rotted one is still better than silence."""
        return self.has(sha256) and sha256 not in self._doubted

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
        self._doubted.discard(sha256)
        return True

    def recheck(self, sha256: str) -> bool:
        """Read a held file again; one that has rotted is removed, to be fetched anew."""
        path = self.path(sha256)
        try:
            if path.exists() and hash_of(path) == sha256:
                return True
            self.damaged += 1
            log.error("held sound has rotted, removed: sha256=%s", sha256)
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("held sound cannot be read or removed: sha256=%s problem=%s", sha256, error)
            return path.exists()
        return False

    def reread(self, sha256: str) -> bool:
        """Read a held file from the card itself; one that has rotted stays until a whole one has come."""
        path = self.path(sha256)
        if not path.exists():
            return False
        try:
            forget_cached(path)
            is_whole = hash_of(path) == sha256
        except OSError as error:
            log.warning("held sound cannot be read: sha256=%s problem=%s", sha256, error)
            is_whole = False
        if not is_whole and sha256 not in self._doubted:
            self._doubted.add(sha256)
            self.damaged += 1
            log.error("held sound has rotted, wanted anew: sha256=%s", sha256)
        return is_whole

    def bytes_held(self) -> int:
        return sum(_size(path) for path in self._folder.glob("*.opus"))

    def bytes_free(self) -> int:
        state = os.statvfs(self._folder)
        return state.f_bavail * state.f_frsize

    def bytes_written(self) -> int | None:
        """By this program since it started, as the kernel counts it; None where it does not tell."""
        return bytes_written_by_this_program()

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


def bytes_written_by_this_program() -> int | None:
    """Whoever truncates what others wrote has more cancelled than written: then 0."""
    try:
        lines = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    counts = dict(line.split(": ", 1) for line in lines)
    return max(int(counts["write_bytes"]) - int(counts["cancelled_write_bytes"]), 0)


def _size(path: Path) -> int:
    """0 for a file that has just gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def forget_cached(path: Path) -> None:
    """The kernel reads it from the card again, not from its memory. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def hash_of(path: Path) -> str:
    """SHA-256 of a file in lower-case hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
