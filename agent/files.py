"""Writing a file so that a power cut leaves the old one or the new one, never half of one."""

import os
from pathlib import Path


def write_durably(target: Path, content: bytes) -> None:
    """Write beside `target`, fsync, rename over it, fsync the folder. Raises OSError."""
    part = target.with_name(target.name + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
