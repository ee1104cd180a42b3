"""Where uploads wait, as files named by our own ids, until they are in the library."""

import os
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from audio_library.store import full_disk_is_store_full


@dataclass(frozen=True, slots=True)
class Arrived:
    """A whole file that came in, still in `Inbox.arriving`."""

    path: Path
    file_name: str
    size_bytes: int
    source_sha256: str


class Inbox:
    """`arriving` holds what is still coming in; the folder itself holds whole, synced files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arriving = folder / "arriving"
        self.arriving.mkdir(parents=True, exist_ok=True)

    def new_path(self) -> Path:
        return self.arriving / uuid4().hex

    def path_of(self, upload_id: str) -> Path:
        return self.folder / upload_id

    def take(self, arrived: Path, upload_id: str) -> None:
        arrived.replace(self.path_of(upload_id))
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def copy_in(self, source: Path) -> Path:
        """A copy of a file of this machine. Raises StoreFull, and then leaves nothing."""
        path = self.new_path()
        try:
            with full_disk_is_store_full():
                shutil.copyfile(source, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def drop(self, upload_id: str) -> None:
        self.path_of(upload_id).unlink(missing_ok=True)

    def sweep(self, wanted: Collection[str], older_than_s: float = 6 * 3600) -> int:
        """Remove what killed processes left behind: files nobody waits for. Returns how many."""
        oldest = time.time() - older_than_s
        found = (path for place in (self.folder, self.arriving) for path in place.iterdir() if path.is_file())
        return sum(path.name not in wanted and _removed(path, oldest) for path in found)


def _removed(path: Path, oldest: float) -> bool:
    """Uploads come and go while we look; one that has gone is not ours to count."""
    try:
        if path.stat().st_mtime > oldest:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    return True
