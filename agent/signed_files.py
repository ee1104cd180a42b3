"""Signed documents on disk, as they came, each with a previous good copy."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from agent.files import make_folder, write_durably
from wire.base import Message
from wire.errors import WireError
from wire.signing import Document, Keyring

log = logging.getLogger(__name__)

_SUFFIX = ".jws"


class SignedFiles:
    """Nothing unsigned goes in or comes out. Safe in any thread: one that was given up may still write."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self._folder = folder
        self._keyring = keyring
        self._pen = threading.RLock()
        self._owed: dict[str, tuple[bytes, type[Message]]] = {}
        self.damaged = 0
        """Files that did not hold."""

    @property
    def owes(self) -> bool:
        """Something is not on the disk, which has not taken it."""
        return bool(self._owed)

    def names(self) -> Iterator[str]:
        """Of all documents held."""
        yield from sorted({path.name.split(".")[0] for path in self._folder.glob(f"*{_SUFFIX}")})

    def write(self, name: str, token: bytes, kind: type[Document]) -> None:
        """The document that was there becomes the previous copy if it is good. Raises OSError."""
        target = self._folder / f"{name}{_SUFFIX}"
        with self._pen:
            make_folder(self._folder)
            write_durably(target, token, before=lambda: self._put_back(target, kind))

    def keep(self, name: str, token: bytes, kind: type[Document]) -> None:
        """As `write`; what the disk does not take is owed to it, see `pay`."""
        with self._pen:
            self._owed.pop(name, None)
            try:
                self.write(name, token, kind)
            except OSError as error:
                self._owed[name] = (token, kind)
                log.critical("only in memory, the disk does not take it: document=%s problem=%s", name, error)

    def pay(self) -> None:
        """Every minute or so."""
        with self._pen:
            for name, (token, kind) in list(self._owed.items()):
                self.keep(name, token, kind)

    def read(self, name: str, kind: type[Document]) -> Document | None:
        """A file that does not hold gives way to its previous copy."""
        target = self._folder / f"{name}{_SUFFIX}"
        for path in (target, _previous(target)):
            if not path.exists():
                continue
            try:
                return self._keyring.open(path.read_bytes(), kind)
            except (OSError, WireError) as error:
                self.damaged += 1
                log.warning("stored document does not hold: file=%s problem=%s", path.name, error)
        return None

    def _put_back(self, target: Path, kind: type[Document]) -> None:
        """A card that is full by now has taken nothing away."""
        if target.exists() and self._opens(target, kind):
            target.replace(_previous(target))

    def _opens(self, target: Path, kind: type[Document]) -> bool:
        try:
            self._keyring.open(target.read_bytes(), kind)
        except (OSError, WireError):
            return False
        return True


def _previous(target: Path) -> Path:
    return target.with_name(f"{target.name.removesuffix(_SUFFIX)}.previous{_SUFFIX}")
