"""Only whole, known files are in the store, whatever happens while they are made."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audio_library import Store, StoreFull, UnknownSound, digest

INGEST_TWICE = """
import sys
from pathlib import Path
from audio_library import IngestOptions, Limits, SoundError, Store, ingest
store = Store(Path(sys.argv[2]))
kept = ingest(Path(sys.argv[1]), store, Limits(), IngestOptions(), lambda _: None)
try:
    ingest(Path(sys.argv[3]), store, Limits(), IngestOptions(), lambda _: None)
except SoundError as error:
    print(error.key)
print(*sorted(str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()))
print(store.has(kept.sha256), kept.sha256)
"""
TINY_DISK = 'mount -t tmpfs -o size=64k tmpfs "$1" && shift && exec "$@"'


def put(store: Store, content: bytes) -> str:
    with store.workspace() as workspace:
        path = workspace / "finished"
        path.write_bytes(content)
        return store.add(path)


def test_a_sound_is_found_again_by_its_content(store: Store, files: Callable[[Store], list[str]]) -> None:
    sha256 = put(store, b"sound")
    assert sha256 == hashlib.sha256(b"sound").hexdigest()
    assert store.has(sha256)
    assert store.path_of(sha256) == store.root / sha256[:2] / f"{sha256}.opus"
    with store.open(sha256) as file:
        assert file.read() == b"sound"
    assert put(store, b"sound") == sha256
    assert files(store) == [f"{sha256[:2]}/{sha256}.opus"]


def test_a_kept_file_is_never_written_again(store: Store) -> None:
    sha256 = put(store, b"sound")
    before = store.path_of(sha256).stat()
    put(store, b"sound")
    after = store.path_of(sha256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("odd", ["", "../../etc/passwd", "A" * 64, "g" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_sha256_leads_to_a_path(store: Store, odd: str) -> None:
    with pytest.raises(UnknownSound):
        store.path_of(odd)


def test_a_sound_that_is_not_there(store: Store) -> None:
    absent = "0" * 64
    assert not store.has(absent)
    with pytest.raises(UnknownSound) as caught:
        store.open(absent)
    assert caught.value.params == {"sha256": absent}


def test_a_workspace_goes_with_everything_in_it(store: Store) -> None:
    with pytest.raises(ValueError, match="half way"), store.workspace() as workspace:
        (workspace / "half").write_bytes(b"made")
        raise ValueError("half way")
    assert list(store.temp.iterdir()) == []


def test_cleaning_spares_what_another_process_is_making(store: Store) -> None:
    with store.workspace() as busy:
        (busy / "half").write_bytes(b"made")
        old = store.temp / "left over"
        old.mkdir()
        (old / "half").write_bytes(b"made")
        for path in (old / "half", old):
            os.utime(path, (0, 0))
        assert store.clean_temp(older_than_s=3600) == 1
        assert list(store.temp.iterdir()) == [busy]


def test_digest_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert digest(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_a_real_full_device_is_store_full(store: Store) -> None:
    with pytest.raises(StoreFull) as caught, store.workspace(), Path("/dev/full").open("wb") as full:
        full.write(b"x" * 100_000)
    assert caught.value.key == "sound.store_full"
    assert list(store.temp.iterdir()) == []


def test_a_disk_that_fills_up_in_the_middle_of_an_ingest(workshop: Any, tmp_path: Path) -> None:
    """On a disk of 64 kB a short recording fits and a long one breaks off; the short one must survive it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    short, long = workshop.speech("short.wav", seconds=3), workshop.speech("long.wav", seconds=40)
    ingesting = [sys.executable, "-c", INGEST_TWICE, str(short), str(disk), str(long)]
    done = on_tiny_disk(disk, ingesting)

    key, names, kept = done.stdout.splitlines()
    has, sha256 = kept.split()
    assert key == "sound.store_full"
    assert has == "True"
    assert names == f"{sha256[:2]}/{sha256}.opus"


def on_tiny_disk(disk: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run with a tiny file system mounted for that process only; it is gone when the process ends."""
    mounted = ["sh", "-c", TINY_DISK, "sh", str(disk), *command]
    way = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    done = subprocess.run([*way, *mounted], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"no tiny disk could be mounted here: {done.stderr}"
    return done


def test_a_place_that_goes_while_it_is_cleaned_is_no_error(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (store.temp / name).mkdir()
        os.utime(store.temp / name, (0, 0))
    real = Path.is_dir

    def gone_after_the_look(path: Path) -> bool:
        there = real(path)
        if path.name == "a":
            path.rmdir()
        return there

    with monkeypatch.context() as race:
        race.setattr(Path, "is_dir", gone_after_the_look)
        assert store.clean_temp() == 1
    assert list(store.temp.iterdir()) == []
