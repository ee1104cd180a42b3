"""Acts that are not in the database yet: a file each, enough to outlive this program."""

import logging
import os
import threading
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from controller.emergency.acts import Act

_log = logging.getLogger(__name__)

_SUFFIX: Final = ".json"
_UNREADABLE: Final = ".unreadable"


class Spool:
    """`keep` reaches the page cache, which a crash of the program cannot take; `sync` reaches the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, act: Act) -> None:
        """Written whole or not at all. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(act)
        draft = path.with_suffix(f".{threading.get_ident()}.draft")
        draft.write_text(act.model_dump_json(), encoding="utf-8")
        draft.replace(path)

    def sync(self, act: Act) -> None:
        """Wait for the disk. Raises OSError; writes the file first if it is not there."""
        path = self._path(act)
        if not path.exists():
            self.keep(act)
        for place in (path, self._folder):
            _fsync(place)

    def drop(self, act: Act) -> None:
        """Raises OSError."""
        self._path(act).unlink(missing_ok=True)

    def acts(self) -> list[Act]:
        """All that are kept, in the order of their making. One that cannot be read is put aside."""
        found = [act for path in sorted(self._folder.glob(f"*{_SUFFIX}")) if (act := _read(path))]
        return sorted(found, key=lambda act: (act.at, act.alert_id, act.revision))

    def _path(self, act: Act) -> Path:
        return self._folder / f"{act.alert_id}-r{act.revision}{_SUFFIX}"


def _read(path: Path) -> Act | None:
    try:
        return Act.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        aside = path.with_name(f"{path.name}{_UNREADABLE}")
        _log.exception("an act on an alert cannot be read, and may not be in the database: see %s", aside)
    path.replace(aside)
    return None


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
