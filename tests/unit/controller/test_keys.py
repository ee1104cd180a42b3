"""The sound-signing key: made once, kept from others, the same for everybody."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from controller.keys import load_or_make


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "sound.json"
    first = load_or_make(path)
    assert load_or_make(path).kid == first.kid
    assert path.stat().st_mode & 0o077 == 0
    assert [left.name for left in path.parent.iterdir()] == ["sound.json"]


def test_processes_that_start_together_end_up_with_one_key(tmp_path: Path) -> None:
    path = tmp_path / "sound.json"
    with ThreadPoolExecutor(8) as pool:
        kids = set(pool.map(lambda _: load_or_make(path).kid, range(8)))
    assert len(kids) == 1
    assert [left.name for left in tmp_path.iterdir()] == ["sound.json"]
