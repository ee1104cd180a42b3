"""Which of the agent's packages have ready-made wheels for ARM boards: one line each. Asks the package index.

Boards run Raspberry Pi OS: Debian 12 has Python 3.11 and glibc 2.36, Debian 13 has 3.13 and 2.41.
"""

import importlib.metadata
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
MACHINES = ("aarch64", "armv7l")
PYTHONS = ("311", "313")
GLIBC_MINOR = range(17, 37)
WITHOUT_WHEEL = {"numpy": "python3-numpy", "cffi": "libffi-dev"}
"""What install.sh takes from the distribution on 32-bit ARM, to use it or to compile it there."""


def main() -> int:
    """0 where 64-bit boards lack nothing, and 32-bit ones no more than install.sh provides for."""
    known = (ROOT / "agent" / "board" / "install.sh").read_text(encoding="utf-8")
    lacking = []
    for name in sorted(compiled()):
        for machine in MACHINES:
            for python in PYTHONS:
                found = wheel(name, machine, python)
                print(f"{name:18} {machine:8} cp{python}  {found or 'none'}", flush=True)
                if found is None and (machine == "aarch64" or WITHOUT_WHEEL.get(name, "?") not in known):
                    lacking.append((name, machine, python))
    print(f"lacking: {lacking}" if lacking else "every board can be installed")
    return 1 if lacking else 0


def compiled() -> set[str]:
    """Of all that the agent brings, what holds machine code."""
    project = tomllib.loads((ROOT / "agent" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name for name in needed(map(Requirement, project["dependencies"])) if not is_pure(name)}


def needed(wanted: Iterable[Requirement]) -> set[str]:
    """With what each of them brings in turn, by the metadata of what is installed here."""
    found: set[str] = set()
    todo = list(wanted)
    while todo:
        one = todo.pop()
        if one.name in found:
            continue
        found.add(one.name)
        asked = map(Requirement, importlib.metadata.requires(one.name) or ())
        extras = one.extras or {""}
        todo += [
            it for it in asked if it.marker is None or any(it.marker.evaluate({"extra": e}) for e in extras)
        ]
    return found


def is_pure(name: str) -> bool:
    tags = importlib.metadata.distribution(name).read_text("WHEEL") or ""
    return "-none-any" in tags


def wheel(name: str, machine: str, python: str) -> str | None:
    """The newest wheel's file name; None where there is none."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC_MINOR]
    platforms += [f"manylinux2014_{machine}", f"linux_{machine}"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:"]
        command += ["--implementation", "cp", "--python-version", python, "-d", folder]
        command += [word for abi in (f"cp{python}", "abi3", "none") for word in ("--abi", abi)]
        command += [word for platform in platforms for word in ("--platform", platform)]
        done = subprocess.run([*command, name], capture_output=True, text=True, check=False, timeout=300)
        if done.returncode != 0 and "No matching distribution" not in done.stderr:
            raise RuntimeError(done.stderr[-500:])
        return next((file.name for file in Path(folder).iterdir()), None)


if __name__ == "__main__":
    sys.exit(main())
