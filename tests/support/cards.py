"""Real file systems that go wrong as memory cards do: too small, and given up by the kernel."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_FILLER = "filler"
_BLOCK = bytes(4096)


@dataclass(frozen=True)
class Card:
    """Mounted at `folder`."""

    folder: Path

    def fill(self) -> None:
        """To the last block."""
        with (self.folder / _FILLER).open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(_BLOCK)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def make_room(self) -> None:
        (self.folder / _FILLER).unlink()

    def fail(self) -> None:
        """As ext4 does when its own writes fail: from now on it is read, and takes nothing."""
        _run("mount", "-o", "remount,abort", self.folder)

    def protect(self) -> None:
        """Read-only from the start; nothing may be open."""
        _run("mount", "-o", "remount,ro", self.folder)


@contextmanager
def small_card(folder: Path, size: str = "3m") -> Iterator[Card]:
    """In memory, of so many bytes."""
    folder.mkdir(parents=True)
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield Card(folder)


@contextmanager
def ext4_card(image: Path, folder: Path) -> Iterator[Card]:
    """In an image, which is made where it is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(16 * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", image)
    with _mounted(folder, "-o", "loop,errors=remount-ro", str(image)):
        yield Card(folder)


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a card that is full or failing")
    try:
        _run("mount", *arguments, folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"nothing can be mounted here: {error.stderr}")
    try:
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            _run("umount", folder)


def _run(*command: object) -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    environment = os.environ | {"PATH": path}
    subprocess.run([*map(str, command)], check=True, capture_output=True, text=True, env=environment)
