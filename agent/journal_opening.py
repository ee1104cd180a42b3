"""Opening the journal, whatever the card has made of it."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from agent.files import sync_folder
from agent.journal import IN_MEMORY, Journal
from wire.errors import WireError

log = logging.getLogger(__name__)


def open_journal(file: Path) -> Journal:
    """A damaged file is put aside and a new one begun: a station that forgets is better than a silent one.

    Raises OSError or sqlite3.OperationalError when the disk does not take it.
    """
    damage = _damage(file)
    if damage is not None:
        log.critical("journal damaged, begun anew, what it knew is lost: file=%s problem=%s", file, damage)
        _put_aside(file)
    journal = Journal(file)
    journal.damaged = int(damage is not None)
    return journal


def journal_or_memory(file: Path) -> Journal:
    """Where the disk takes no journal, one that lasts as long as the program, with what can still be read."""
    try:
        return open_journal(file)
    except (OSError, sqlite3.Error) as error:
        log.critical("no journal on disk, all is forgotten at the end: file=%s problem=%s", file, error)
    return _copy_in_memory(file)


def _copy_in_memory(file: Path) -> Journal:
    for how in ("mode=ro", "mode=ro&immutable=1"):
        journal = Journal(IN_MEMORY, home=file)
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?{how}", uri=True)) as on_disk:
                journal.fill_from(on_disk)
            journal.check()
        except (OSError, sqlite3.Error, WireError, ValueError) as error:
            log.warning("journal not read: file=%s problem=%s", file, error)
            journal.close()
        else:
            return journal
    return Journal(IN_MEMORY, home=file)


def _damage(file: Path) -> str | None:
    try:
        with closing(Journal(file)) as journal:
            journal.check()
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, WireError, ValueError) as error:
        return f"{type(error).__name__} {error}"
    return None


def _put_aside(file: Path) -> None:
    """With the log that belongs to it; only the last one is kept."""
    for suffix in ("", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.replace(file.with_name(f"{file.name}.damaged{suffix}"))
    sync_folder(file.parent)
