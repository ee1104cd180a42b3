"""The board's own key pair. It is made here and never leaves."""

import os
from pathlib import Path
from typing import Final

from agent.files import sync_folder
from wire.signing import SigningKey

NAME: Final = "board-key.json"


def load_or_make(folder: Path) -> SigningKey:
    """Readable by its owner only, on disk before it is used. Raises OSError, ValueError for a broken file."""
    file = folder / NAME
    if file.exists():
        return SigningKey.from_json(file.read_text(encoding="utf-8"))
    key = SigningKey.generate()
    draft = file.with_name(f"{NAME}.part")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        written.write(key.to_json())
        written.flush()
        os.fsync(written.fileno())
    draft.replace(file)
    sync_folder(folder)
    return key
