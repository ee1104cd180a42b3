"""Writing a file so that a power cut leaves the old one or the new one, never half of one."""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import StateInUse

log = logging.getLogger(__name__)


def write_durably(target: Path, content: bytes, before: Callable[[], None] | None = None) -> None:
    """Write beside `target`, fsync, rename over it, fsync the folder. Raises OSError.

    `before` is done between the two: the new content is on disk already, the old one has its name still.
    """
    part = target.with_name(target.name + ".part")
    try:
        _write_synced(part, content)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if before is not None:
        before()
    part.replace(target)
    sync_folder(target.parent)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """With all above it, so that they survive a power cut. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """One process at a time works in `folder`. Raises `StateInUse` or OSError."""
    make_folder(folder)
    handle = _lockable(folder)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateInUse(folder=folder) from error
        yield
    finally:
        os.close(handle)


def _lockable(folder: Path) -> int:
    """A file of its own, or the folder itself where nothing can be written. Raises OSError."""
    try:
        return os.open(folder / "lock", os.O_CREAT | os.O_WRONLY, 0o644)
    except OSError as error:
        log.critical("state folder takes nothing: folder=%s problem=%s", folder, error)
        return os.open(folder, os.O_RDONLY)
