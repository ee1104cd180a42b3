"""A real Mosquitto on a port of its own, installed where it is missing and that is allowed."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_LISTENS_WITHIN_S = 10.0
_MOST_QUEUED = 20_000
"""More than one message of every station: Mosquitto's own bound is 1,000, and it drops what goes beyond."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program() -> str:
    """Where Mosquitto is. Raises SystemExit when it is not there and cannot be installed."""
    found = shutil.which("mosquitto", path=_PLACES)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = shutil.which("mosquitto", path=_PLACES)
    if found is None:
        raise SystemExit("This bench needs Mosquitto: apt-get install mosquitto")
    return found


def _install() -> None:
    print("Installing for the bench: mosquitto", flush=True)
    quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "mosquitto"]):
        subprocess.run(["apt-get", *command], env=quiet, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def running(folder: Path, port: int) -> Iterator[None]:
    """From the first accepted connection on until the end of the block."""
    config = folder / "mosquitto.conf"
    lines = (
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence false",
        f"max_queued_messages {_MOST_QUEUED}",
        "",
    )
    config.write_text("\n".join(lines))
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program(), "-c", str(config)], stdout=quiet, stderr=quiet)
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline_s = time.monotonic() + _LISTENS_WITHIN_S
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("Mosquitto does not listen")
