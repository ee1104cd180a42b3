"""The controller's sound-signing key, made at the first start and kept in a file only its owner can read."""

import os
from pathlib import Path

from wire.signing import SigningKey


def load_or_make(path: Path) -> SigningKey:
    """The key in `path`; a new one if there is none. Two processes that start at once end up with one key."""
    try:
        return SigningKey.from_json(path.read_text())
    except FileNotFoundError:
        _write_once(path, SigningKey.generate().to_json())
        return SigningKey.from_json(path.read_text())


def _write_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
