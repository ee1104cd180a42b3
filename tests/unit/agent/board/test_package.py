"""What a board installs: the agent and what it needs, nothing of the controller."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[4]
NOT_ON_A_BOARD = {
    "fastapi",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "alembic",
    "psycopg",
    "pydub",
    "jinja2",
    "amqtt",
    "lxml",
}
LIST_MODULES = """
import importlib, pkgutil, agent, wire
for package in (agent, wire):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
        print(module.name)
"""


def project(file: Path) -> dict[str, object]:
    made: dict[str, object] = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    return made


def requirements(values: object) -> dict[str, Requirement]:
    assert isinstance(values, list)
    return {one.name: one for one in map(Requirement, values)}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left in the tree."""
    source = tmp_path_factory.mktemp("source")
    for package in ("agent", "wire", "schedules"):
        shutil.copytree(
            ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__", "build")
        )
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "--no-index"]
    subprocess.run([*pip, "-w", target, source / "agent"], check=True, timeout=120)
    return next(target.glob("loaban_agent-*.whl"))


@pytest.fixture(scope="module")
def board(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the wheel and, of ours, just the packages that it asks for."""
    home = tmp_path_factory.mktemp("board")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True, timeout=120)
    packages = next((home / "lib").glob("python3*/site-packages"))
    for name in needed(requirements(project(ROOT / "agent" / "pyproject.toml")["dependencies"]).values()):
        for file in importlib.metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                place = packages / Path(*file.parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(Path(str(file.locate())).resolve())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return home / "bin" / "python"


def needed(wanted: Iterable[Requirement]) -> set[str]:
    """All that these requirements bring, and what those bring, by the metadata of what is installed here."""
    found: set[str] = set()
    todo = [(one, "") for one in wanted]
    while todo:
        one, extra = todo.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        name = canonical(one.name)
        more = {
            (Requirement(text), each)
            for text in importlib.metadata.requires(name) or ()
            for each in (one.extras or {""})
        }
        if name not in found or one.extras:
            found.add(name)
            todo.extend(more)
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_boards_list_is_what_the_agent_and_its_messages_need() -> None:
    whole = project(ROOT / "pyproject.toml")
    extras = whole["optional-dependencies"]
    assert isinstance(extras, dict)
    ours = requirements(whole["dependencies"]) | requirements(extras["agent"])
    boards = requirements(project(ROOT / "agent" / "pyproject.toml")["dependencies"])
    assert {(one.name, *one.extras) for one in boards.values()} == {
        (one.name, *one.extras) for one in ours.values()
    }


def test_nothing_of_the_controller_comes_with_it() -> None:
    brought = needed(requirements(project(ROOT / "agent" / "pyproject.toml")["dependencies"]).values())
    assert brought & NOT_ON_A_BOARD == set()
    assert {"pydantic", "paho-mqtt", "numpy", "sounddevice"} <= brought


def test_the_wheel_holds_the_agent_and_what_a_board_is_set_up_with(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"agent", "wire", "schedules"}
    assert {
        "agent/agent.example.toml",
        "agent/text/vi.toml",
        "agent/text/en.toml",
        "agent/board/loaban-agent.service",
        "agent/board/journald.conf",
        "agent/board/install.sh",
    } <= set(names)
    assert not [name for name in names if "/build/" in name or "examples" in name]


def test_every_module_of_it_can_be_imported_there(board: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [board, "-I", "-c", LIST_MODULES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "agent.page.server" in done.stdout.split()


@pytest.mark.parametrize("command", [[], ["run"], ["status"], ["test"], ["enrol"]])
def test_its_commands_are_there(board: Path, tmp_path: Path, command: list[str]) -> None:
    start = "import sys; sys.argv[0] = 'loaban-agent'; from agent.cli import app; app()"
    done = subprocess.run(
        [board, "-I", "-c", start, *command, "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Usage: loaban-agent" in done.stdout
