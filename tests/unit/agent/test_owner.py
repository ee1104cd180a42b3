"""Root leaves no files behind that the service could not use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

AS_OWNER = """
import os, sys
from pathlib import Path
from agent.owner import become_owner_of
become_owner_of(Path(sys.argv[1]))
print(os.geteuid(), os.getegid())
"""
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def become(folder: Path) -> str:
    command = [sys.executable, "-c", AS_OWNER, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()


@needs_root
def test_root_becomes_whom_the_folder_belongs_to(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    assert become(tmp_path) == f"{NOBODY} {NOBODY}"
    assert become(tmp_path / "not" / "there" / "yet") == f"{NOBODY} {NOBODY}"


def test_everybody_stays_themselves_in_their_own_folder(tmp_path: Path) -> None:
    assert become(tmp_path) == f"{os.geteuid()} {os.getegid()}"
