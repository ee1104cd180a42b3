"""`make run`: a controller and three stations on this machine, until Ctrl-C.

Everything lives in `data/` (or `LOABAN_DATA_DIR`); a second run goes on with what is there.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
console = Console()


class Stop(Exception):
    """Ctrl-C, or the service manager's word."""


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    data = Path(os.environ.get("LOABAN_DATA_DIR", ROOT / "data")).absolute()
    data.mkdir(parents=True, exist_ok=True)
    environment = _environment(data)
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        _do("Chuẩn bị cơ sở dữ liệu / preparing the database", environment, "loaban", "migrate")
        _do("Nạp dữ liệu mẫu Lào Cai / filling the demo", environment, "loaban", "demo")
        children["controller"] = _start(data, environment, "controller", "loaban", "serve")
        _wait_until_ready(environment["LOABAN_HTTP_PORT"], children["controller"])
        for config in sorted((data / "demo" / "stations").glob("*/agent.toml")):
            name = config.parent.name
            children[name] = _start(data, environment, name, "loaban-sim", "station", "--config", str(config))
        _welcome(data, environment, children)
        return _watch(children)
    except Stop:
        return 0
    except (RuntimeError, subprocess.CalledProcessError) as failure:
        console.print(f"[red]{failure}[/red]\nNhật ký / logs: {data / 'logs'}")
        return 1
    finally:
        _stop_all(children)


def _environment(data: Path) -> dict[str, str]:
    """The settings of this run: ports that are free, unless somebody chose them."""
    chosen = dict(os.environ) | {"LOABAN_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}
    chosen.setdefault("LOABAN_HTTP_PORT", str(_free_port(8000)))
    chosen.setdefault("LOABAN_BROKER_PORT", str(_free_port(1883)))
    return chosen


def _free_port(preferred: int) -> int:
    for port in (preferred, preferred + 10_000, 0):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise RuntimeError("no free port")


def _do(what: str, environment: dict[str, str], *command: str) -> None:
    console.print(f"• {what}")
    subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, env=environment, check=True)


def _start(data: Path, environment: dict[str, str], name: str, *command: str) -> subprocess.Popen[bytes]:
    """A child in a session of its own: Ctrl-C reaches it through us, in order."""
    logs = data / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [BIN / command[0], *command[1:]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(port: str, controller: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with console.status("Khởi động bộ điều khiển / starting the controller"):
        while time.monotonic() < deadline:
            if controller.poll() is not None:
                raise RuntimeError("the controller stopped at its start")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
    raise RuntimeError(f"the controller was not ready within {READY_WITHIN_S:.0f} s")


def _welcome(data: Path, environment: dict[str, str], children: dict[str, subprocess.Popen[bytes]]) -> None:
    people = tomllib.loads((data / "demo" / "people.toml").read_text(encoding="utf-8"))
    table = Table(title=f"Loa Bản: http://127.0.0.1:{environment['LOABAN_HTTP_PORT']}")
    for column in ("Tên đăng nhập / user name", "Mật khẩu / password", "Ai / who"):
        table.add_column(column)
    for username, person in people.items():
        table.add_row(username, person["password"], f"{person['name']} ({person['roles']})")
    console.print(table)
    for name, child in children.items():
        console.print(f"  {name}: pid {child.pid}, {data / 'logs' / name}.log")
    console.print("Ctrl-C dừng tất cả / stops everything.")


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> int:
    """A station that dies is only told of, so that its absence can be seen; the controller's end ends all."""
    told: set[str] = set()
    while True:
        for name, child in children.items():
            if child.poll() is not None and name not in told:
                told.add(name)
                console.print(f"[yellow]{name} đã dừng / has stopped (exit {child.returncode})[/yellow]")
        if "controller" in told:
            return 1
        time.sleep(0.5)


def _stop_all(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.SIG_IGN)
    running = {name: child for name, child in reversed(children.items()) if child.poll() is None}
    for child in running.values():
        child.terminate()
    deadline = time.monotonic() + STOP_WITHIN_S
    for name, child in running.items():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            console.print(f"[red]{name} did not stop in {STOP_WITHIN_S:.0f} s; killed[/red]")
            child.kill()
            child.wait()
    console.print("Đã dừng / stopped.")


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
