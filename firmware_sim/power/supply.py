"""The power of a board: switch it on, run any program over its state folder, cut it."""

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).with_name("shim.c")
_PAGE_BYTES: Final = 4096


class NoCompiler(RuntimeError):
    """There is no `cc` on this machine to build the shim with, or it does not build."""


class PowerSupply:
    """Over the folder `state`, whose image is kept in `workshop`, on the same file system.

    Programs that run with `environment` lose at `cut` what they have not synced. They must be dead by then.
    """

    def __init__(self, state: Path, workshop: Path) -> None:
        self._state = state.absolute()
        self._workshop = workshop.absolute()
        self._workshop.mkdir(parents=True, exist_ok=True)
        self._image = self._workshop / "image"
        self._held: list[int] = []
        self._shim = build_shim(self._workshop)

    @property
    def environment(self) -> dict[str, str]:
        """To be added to a program's own."""
        return {
            "LD_PRELOAD": str(self._shim),
            "LOABAN_POWER_STATE": str(self._state),
            "LOABAN_POWER_IMAGE": str(self._image),
        }

    def switch_on(self) -> None:
        """What lies in the state folder now is on the disk."""
        self._state.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._image, ignore_errors=True)
        for kind in ("files", "folders"):
            (self._image / kind).mkdir(parents=True)
        self._let_go()
        for folder in (self._state, *filter(Path.is_dir, sorted(self._state.rglob("*")))):
            self._keep_folder(folder)

    def cut(self, luck: random.Random | None = None) -> None:
        """The state folder becomes what a power cut leaves of it, and is switched on again.

        Without `luck` nothing survives that was not synced. With it, some of the rest does, as when the
        kernel had just begun to write it: pages of a file, entries of a folder, some and not others.
        """
        after = self._workshop / "after"
        shutil.rmtree(after, ignore_errors=True)
        self._rebuild(self._state, _inode(self._state), after, luck)
        shutil.rmtree(self._state)
        after.rename(self._state)
        self.switch_on()

    def close(self) -> None:
        self._let_go()
        shutil.rmtree(self._workshop)

    def _keep_folder(self, folder: Path) -> None:
        lines = []
        for path in sorted(folder.iterdir()):
            inode = self._hold(path)
            if path.is_file():
                shutil.copyfile(path, self._image / "files" / str(inode))
            lines.append(f"{_kind(path)} {inode} {path.name}\0")
        (self._image / "folders" / str(_inode(folder))).write_text("".join(lines))

    def _hold(self, path: Path) -> int:
        """Its inode, whose number nobody else is given as long as we hold it."""
        handle = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        self._held.append(handle)
        return os.fstat(handle).st_ino

    def _let_go(self) -> None:
        for handle in self._held:
            os.close(handle)
        self._held.clear()

    def _rebuild(self, live: Path | None, inode: int, target: Path, luck: random.Random | None) -> None:
        target.mkdir()
        lived = _live_entries(live)
        entries = self._entries(inode)
        if luck is not None and luck.random() < 0.5:
            entries = lived
        for name, (kind, number) in entries.items():
            source = live / name if live is not None and lived.get(name) == (kind, number) else None
            if kind == "d":
                self._rebuild(source, number, target / name, luck)
            elif kind == "s":
                os.mknod(target / name, stat.S_IFSOCK | 0o600)
            else:
                (target / name).write_bytes(self._content(source, number, luck))

    def _entries(self, inode: int) -> dict[str, tuple[str, int]]:
        record = self._image / "folders" / str(inode)
        if not record.exists():
            return {}
        lines = (line.split(" ", 2) for line in record.read_text().split("\0") if line)
        return {name: (kind, int(number)) for kind, number, name in lines}

    def _content(self, live: Path | None, inode: int, luck: random.Random | None) -> bytes:
        synced = self._image / "files" / str(inode)
        durable = synced.read_bytes() if synced.exists() else b""
        if luck is None or live is None:
            return durable
        return torn(durable, live.read_bytes(), luck)


def torn(durable: bytes, latest: bytes, luck: random.Random) -> bytes:
    """Each page is of one or the other; what neither the disk nor the kernel has written is zero."""
    length = luck.choice((len(durable), len(latest)))
    pages = []
    for begin in range(0, length, _PAGE_BYTES):
        page = luck.choice((durable, latest))[begin : begin + _PAGE_BYTES]
        pages.append(page.ljust(min(_PAGE_BYTES, length - begin), b"\0")[: length - begin])
    return b"".join(pages)


def build_shim(folder: Path) -> Path:
    """Compile the shim into `folder`. Raises `NoCompiler`."""
    shim = folder / "shim.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(shim), str(_SOURCE), "-ldl", "-lpthread"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoCompiler("no C compiler: install gcc (Debian: apt install gcc libc6-dev)") from error
    except subprocess.CalledProcessError as error:
        raise NoCompiler(f"the shim does not build: {error.stderr}") from error
    return shim


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _live_entries(folder: Path | None) -> dict[str, tuple[str, int]]:
    if folder is None:
        return {}
    return {path.name: (_kind(path), _inode(path)) for path in folder.iterdir()}


def _kind(path: Path) -> str:
    """A folder, a socket, a file."""
    return "d" if path.is_dir() else "s" if path.is_socket() else "f"
