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
AWAY_S = 15.0
CONTROLLER = "controller"
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
        children[CONTROLLER] = _start_controller(data, environment)
        for config in sorted((data / "demo" / "stations").glob("*/agent.toml")):
            name = config.parent.name
            sound = str(config.parent / "sound")
            command = ("loaban-sim", "station", "--config", str(config), "--sound-dir", sound, "--with-board")
            children[name] = _start(data, environment, name, *command)
        _welcome(data, environment, children)
        _watch(data, environment, children)
    except Stop:
        pass
    except Failed as failure:
        console.print(str(failure), style="red", highlight=False)
        return 1
    finally:
        _stop_all(children)
        lock.close()
    return 0


def _be_alone(lock: IO[str], data: Path) -> None:
    """Held as long as the file is open."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Failed(say("cli.run.already", data=data)) from error


def _environment(data: Path) -> dict[str, str]:
    """The settings of this run: ports that are free, unless somebody chose them."""
    ports = {"LOABAN_HTTP_PORT": 8000, "LOABAN_BROKER_PORT": 1883}
    free = {name: str(_free_port(os.environ.get(name), preferred)) for name, preferred in ports.items()}
    return dict(os.environ) | free | {"LOABAN_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}


def _free_port(chosen: str | None, preferred: int) -> int:
    """The chosen one or none; else the preferred one, or another that is free."""
    for port in [chosen] if chosen else [preferred, preferred + 10_000, 0]:
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", int(port)))
            except (OSError, ValueError, OverflowError):
                continue
            return int(candidate.getsockname()[1])
    raise Failed(say("cli.run.port_taken", port=chosen or preferred))


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


def _start_controller(data: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Returns once it answers."""
    controller = _start(data, environment, CONTROLLER, "loaban", "serve")
    try:
        _wait_until_ready(data, environment["LOABAN_HTTP_PORT"], controller)
    except BaseException:
        controller.kill()
        controller.wait()
        raise
    return controller


def _wait_until_ready(data: Path, port: str, controller: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    with console.status(say("cli.run.starting")):
        while time.monotonic() < deadline:
            if controller.poll() is not None:
                raise Failed(f"{_last_line(data)}\n{say('cli.run.died', logs=data / 'logs')}")
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


def _last_line(data: Path) -> str:
    """What the controller said last."""
    lines = (data / "logs" / f"{CONTROLLER}.log").read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def _watch(data: Path, environment: dict[str, str], children: dict[str, subprocess.Popen[bytes]]) -> None:
    """A station that dies stays away, so that its absence can be seen; the controller comes back by itself.

    Until then the stations play what they hold.
    """
    told: set[int] = set()
    while True:
        for name, child in children.items():
            if child.poll() is not None and child.pid not in told:
                told.add(child.pid)
                console.print(say("cli.run.ended", name=name), style="yellow")
        if children[CONTROLLER].poll() is not None:
            console.print(say("cli.run.back_soon", seconds=round(AWAY_S)), style="yellow")
            time.sleep(AWAY_S)
            children[CONTROLLER] = _start_controller(data, environment)
            console.print(say("cli.run.back"))
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
