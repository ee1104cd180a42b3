"""What the station can tell of its memory card."""

import os
from dataclasses import dataclass
from pathlib import Path

from agent.agenda import Agenda
from agent.journal import Journal
from agent.sound_files import SoundFiles
from wire.evidence import StorageState

LEAST_FREE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Storage:
    folder: Path
    agenda: Agenda
    files: SoundFiles
    journal: Journal

    def state(self) -> StorageState:
        """Nothing is written to find out: what was refused lately, what the file system says of itself."""
        store, boards, ledger = self.agenda.store, self.agenda.boards, self.agenda.ledger
        refused = store.owes or boards.owes or not ledger.remembers
        free_bytes = self._free_bytes()
        return StorageState(
            writable=not refused and free_bytes is not None and free_bytes >= LEAST_FREE_BYTES,
            remembers=ledger.remembers,
            bytes_free=free_bytes,
            written_bytes=self.files.bytes_written(),
            damaged=store.damaged + boards.damaged + self.files.damaged + self.journal.damaged,
        )

    def _free_bytes(self) -> int | None:
        """None where it cannot be written at all."""
        try:
            found = os.statvfs(self.folder)
        except OSError:
            return None
        return None if found.f_flag & os.ST_RDONLY else found.f_bavail * found.f_frsize
