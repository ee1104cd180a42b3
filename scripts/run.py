"""`make run`: a controller and three stations on this machine, until Ctrl-C.

Everything lives in `data/` (or `LOABAN_DATA_DIR`); a second run goes on with what is there.
"""

import fcntl
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
from typing import IO

from rich.console import Console
from rich.table import Table

from controller.web.texts import Texts

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM")
"""However we die, Linux tells the child to stop."""
console = Console()
texts = Texts()


def say(key: str, **params: object) -> str:
    return texts.say("vi", key, **params)


class Stop(Exception):
    """Ctrl-C, or the service manager's word."""


class Failed(Exception):
    """Holds the sentence."""


def main() -> int:
    for signum in STOPPING:
        signal.signal(signum, _stop)
    data = Path(os.environ.get("LOABAN_DATA_DIR", ROOT / "data")).absolute()
    data.mkdir(parents=True, exist_ok=True)
    children: dict[str, subprocess.Popen[bytes]] = {}
    lock = (data / "run.lock").open("w")
    try:
        _be_alone(lock, data)
        environment = _environment(data)
        _do("preparing", environment, "loaban", "migrate")
        _do("filling", environment, "loaban", "demo")
        children["controller"] = _start(data, environment, "controller", "loaban", "serve")
        _wait_until_ready(data, environment["LOABAN_HTTP_PORT"], children["controller"])
        for config in sorted((data / "demo" / "stations").glob("*/agent.toml")):
            name = config.parent.name
            sound = str(config.parent / "sound")
            command = ("loaban-sim", "station", "--config", str(config), "--sound-dir", sound)
            children[name] = _start(data, environment, name, *command)
        _welcome(data, environment, children)
        return _watch(children)
    except Stop:
        return 0
    except Failed as failure:
        console.print(str(failure), style="red", highlight=False)
        return 1
    finally:
        _stop_all(children)
        lock.close()


def _be_alone(lock: IO[str], data: Path) -> None:
    """Held as long as the file is open."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Failed(say("cli.run.already", data=data)) from error


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
    step = say(f"cli.run.{what}")
    console.print(f"• {step}")
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        raise Failed(say("cli.run.failed", step=step))


def _start(data: Path, environment: dict[str, str], name: str, *command: str) -> subprocess.Popen[bytes]:
    """A child in a session of its own: Ctrl-C reaches it through us, in order."""
    logs = data / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [*END_WITH_PARENT, BIN / command[0], *command[1:]],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(data: Path, port: str, controller: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with console.status(say("cli.run.starting")):
        while time.monotonic() < deadline:
            if controller.poll() is not None:
                raise Failed(say("cli.run.died", logs=data / "logs"))
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
    raise Failed(say("cli.run.not_ready", seconds=round(READY_WITHIN_S), logs=data / "logs"))


def _welcome(data: Path, environment: dict[str, str], children: dict[str, subprocess.Popen[bytes]]) -> None:
    people = tomllib.loads((data / "demo" / "people.toml").read_text(encoding="utf-8"))
    console.print(say("cli.listening", url=f"http://127.0.0.1:{environment['LOABAN_HTTP_PORT']}"))
    table = Table()
    for column in ("username", "password", "who"):
        table.add_column(say(f"cli.run.{column}"))
    for username, person in people.items():
        roles = ", ".join(say(f"label.role.{role}") for role in person["roles"])
        table.add_row(username, person["password"], f"{person['name']} ({roles})")
    console.print(table)
    for name, child in children.items():
        log = data / "logs" / f"{name}.log"
        console.print(
            say("cli.run.child", name=name, pid=child.pid, log=log), highlight=False, soft_wrap=True
        )
    console.print(say("cli.run.how_to_stop"))


def _watch(children: dict[str, subprocess.Popen[bytes]]) -> int:
    """A station that dies is only told of, so that its absence can be seen; the controller's end ends all."""
    told: set[str] = set()
    while True:
        for name, child in children.items():
            if child.poll() is not None and name not in told:
                told.add(name)
                console.print(say("cli.run.ended", name=name, code=child.returncode), style="yellow")
        if "controller" in told:
            return 1
        time.sleep(0.5)


def _stop_all(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for signum in STOPPING:
        signal.signal(signum, signal.SIG_IGN)
    running = {name: child for name, child in reversed(children.items()) if child.poll() is None}
    for child in running.values():
        child.terminate()
    deadline = time.monotonic() + STOP_WITHIN_S
    for name, child in running.items():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            console.print(say("cli.run.killed", name=name, seconds=round(STOP_WITHIN_S)), style="red")
            child.kill()
            child.wait()
    if children:
        console.print(say("cli.run.stopped"))


def _stop(_signum: int, _frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
