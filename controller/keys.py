"""The controller's sound-signing key, made at the first start and kept in a file only its owner can read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from wire.signing import SigningKey


def load_or_make(path: Path) -> SigningKey:
    """The key in `path`; a new one if there is none. Processes that start together end up with one key."""
    if not path.exists():
        write_once(path, SigningKey.generate().to_json())
    return SigningKey.from_json(path.read_text())


def write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):  # Another process was first: its key counts.
            os.link(draft.name, path)
