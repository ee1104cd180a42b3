"""What a power cut takes: all that was not synced, and nothing that was."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_sim.power import supply as supply_module
from firmware_sim.power.supply import NoCompiler, PowerSupply, torn

HEAD = """
import os, sqlite3
from pathlib import Path
state = Path(os.environ["LOABAN_POWER_STATE"])
def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
def put(path, content):
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
"""


@pytest.fixture
def supply(tmp_path: Path) -> Iterator[PowerSupply]:
    made = PowerSupply(tmp_path / "state", tmp_path / "workshop")
    made.switch_on()
    yield made
    made.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def live(supply: PowerSupply, program: str, **environment: str) -> int:
    environment = os.environ | supply.environment | environment
    return subprocess.run([sys.executable, "-c", HEAD + program], env=environment, check=False).returncode


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_was_synced_is_there_afterwards(supply: PowerSupply, state: Path) -> None:
    live(
        supply,
        """
put(state / "whole", b"content")
put(state / "rewritten", b"first")
(state / "unsynced").write_bytes(b"only its name")
sync(state)
put(state / "nameless", b"content")
(state / "rewritten").write_bytes(b"second")
""",
    )
    supply.cut()
    assert contents(state) == {"whole": b"content", "rewritten": b"first", "unsynced": b""}


def test_a_rename_counts_when_its_folder_was_synced(supply: PowerSupply, state: Path) -> None:
    live(
        supply,
        """
for name in ("a", "b"):
    put(state / name, b"old")
    put(state / (name + ".part"), b"new")
sync(state)
(state / "a.part").replace(state / "a")
sync(state)
(state / "b.part").replace(state / "b")
""",
    )
    supply.cut()
    assert contents(state) == {"a": b"new", "b": b"old", "b.part": b"new"}


def test_a_new_folder_is_lost_with_all_in_it_unless_the_one_above_was_synced(
    supply: PowerSupply, state: Path
) -> None:
    live(
        supply,
        """
for name in ("kept", "lost"):
    (state / name).mkdir()
    put(state / name / "file", b"content")
    sync(state / name)
    if name == "kept":
        sync(state)
""",
    )
    supply.cut()
    assert contents(state) == {"kept/file": b"content"}
    assert not (state / "lost").exists()


def test_what_survived_one_cut_survives_the_next_and_deleted_files_come_back(
    supply: PowerSupply, state: Path
) -> None:
    live(supply, 'put(state / "a", b"1"); put(state / "b", b"2"); sync(state)')
    supply.cut()
    live(supply, '(state / "a").unlink(); put(state / "c", b"3")')
    supply.cut()
    assert contents(state) == {"a": b"1", "b": b"2"}


def test_a_committed_transaction_is_there_and_an_open_one_is_not(supply: PowerSupply, state: Path) -> None:
    live(
        supply,
        """
db = sqlite3.connect(state / "db", isolation_level=None)
db.execute("pragma journal_mode=wal")
db.execute("pragma synchronous=full")
db.execute("create table t (x)")
db.execute("insert into t values (1)")
db.execute("begin immediate")
db.execute("insert into t values (2)")
os.kill(os.getpid(), 9)
""",
    )
    supply.cut()
    count = "sqlite3.connect(state / 'db').execute('select sum(x) from t').fetchone()[0]"
    assert live(supply, f"raise SystemExit({count})") == 1


@pytest.mark.parametrize(("when", "left"), [("AT", {"a": b"1"}), ("AFTER", {"a": b"1", "b": b"2"})])
def test_it_dies_at_the_sync_that_was_asked_for(
    supply: PowerSupply, state: Path, when: str, left: dict[str, bytes]
) -> None:
    program = (
        'put(state / "a", b"1"); sync(state); put(state / "b", b"2"); sync(state); put(state / "c", b"")'
    )
    assert live(supply, program, **{f"LOABAN_POWER_CUT_{when}": "4"}) == -9
    supply.cut()
    assert contents(state) == left


def test_with_luck_a_page_is_old_or_new(supply: PowerSupply, state: Path) -> None:
    live(supply, 'put(state / "a", b"o" * 40960); sync(state); (state / "a").write_bytes(b"n" * 40960)')
    supply.cut(random.Random(3))
    content = contents(state)["a"]
    pages = {content[begin : begin + 4096] for begin in range(0, 40960, 4096)}
    assert pages == {b"o" * 4096, b"n" * 4096}


def test_torn_content_is_never_longer_than_both() -> None:
    for seed in range(50):
        found = torn(b"a" * 5000, b"b" * 9000, random.Random(seed))
        assert len(found) in {5000, 9000}
        assert set(found) <= set(b"ab\0")


def test_without_a_compiler_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoCompiler, match="gcc"):
        supply_module.build_shim(tmp_path)


def test_the_socket_of_a_program_that_died_is_still_in_its_way(supply: PowerSupply, state: Path) -> None:
    live(supply, 'import socket; socket.socket(socket.AF_UNIX).bind(str(state / "s")); sync(state)')
    supply.cut()
    assert (state / "s").is_socket()
    supply.cut()
    assert (state / "s").is_socket()
