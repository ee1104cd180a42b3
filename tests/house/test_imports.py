"""Imports go one way, as DESIGN section 2 draws them."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.support.files import python_files

ROOT = Path(__file__).parents[2]
PACKAGES = ("wire", "schedules", "audio_library", "controller", "agent", "firmware_sim")


def test_the_packages_import_only_whom_they_may() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_schedules_know_nothing_of_wire_but_its_ids() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(ROOT / "schedules")
        for name in imported(path)
        if name.split(".")[0] == "wire" and name != "wire.ids"
    ]
    assert not offenders


def test_only_audio_library_touches_pydub_and_ffmpeg() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        if package != "audio_library"
        for path in python_files(ROOT / package)
        for name in imported(path)
        if name.split(".")[0] in {"pydub", "imageio_ffmpeg"}
    ]
    assert not offenders


def test_the_only_sql_is_in_the_queries() -> None:
    allowed = {"queries.py", "upsert.py", "env.py", "session.py"}
    makers = {"select", "insert", "update", "delete", "text", "func"}
    offenders = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in python_files(ROOT / "controller")
        if path.name not in allowed and "versions" not in path.parts
        for name in imported(path)
        if name.startswith("sqlalchemy.") and name.rsplit(".", 1)[1] in makers
    ]
    assert not offenders


def test_services_never_commit() -> None:
    offenders = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files(ROOT / "controller")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    ]
    assert not offenders


def imported(path: Path) -> list[str]:
    """Dotted names that a file imports; `from a import b` counts as `a.b` for modules outside this house."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = node.module.split(".")[0] in PACKAGES and node.module not in PACKAGES
            names += [node.module] if inside else [f"{node.module}.{alias.name}" for alias in node.names]
    return names
