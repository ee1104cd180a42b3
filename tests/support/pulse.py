"""A sound card without hardware: a PulseAudio null sink behind ALSA and PortAudio, run as a daemon."""

import ctypes.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PLUGIN_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib")


@dataclass
class PulseServer:
    """A null sink and somebody who listens to it all the time, because an idle sink takes 2 s to wake."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        if not self.processes:
            self.processes.append(start_daemon(self.folder))
            self.processes.append(start_ear(self.folder))

    def stop(self) -> None:
        while self.processes:
            end(self.processes.pop())

    def heard_bytes(self) -> int:
        return (self.folder / "heard.raw").stat().st_size


def what_is_missing() -> list[str]:
    programs = [name for name in ("pulseaudio", "parec") if shutil.which(name) is None]
    library = [] if ctypes.util.find_library("portaudio") else ["libportaudio2"]
    found = any(list(Path(folder).rglob("libasound_module_pcm_pulse.so")) for folder in PLUGIN_FOLDERS)
    return programs + library + ([] if found else ["libasound2-plugins"])


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(5)


def wait_for_socket(path: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("pulseaudio does not answer")


def start_daemon(folder: Path) -> subprocess.Popen[bytes]:
    sink = "module-null-sink sink_name=loa rate=48000 channels=1 format=s16le"
    door = f"module-native-protocol-unix socket={folder / 'native'} auth-anonymous=1"
    command = [
        "pulseaudio",
        "--daemonize=no",
        "--exit-idle-time=-1",
        "-n",
        f"--load={sink}",
        f"--load={door}",
    ]
    env = os.environ | {
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_RUNTIME_PATH": str(folder),
        "HOME": str(folder),
    }
    with (folder / "pulse.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    wait_for_socket(folder / "native")
    return daemon


def start_ear(folder: Path) -> subprocess.Popen[bytes]:
    server = f"--server=unix:{folder / 'native'}"
    form = ["--raw", "--rate=48000", "--channels=1", "--format=s16le", "--latency-msec=10"]
    with (folder / "heard.raw").open("wb") as raw:
        command = ["parec", server, "--device=loa.monitor", *form]
        ear = subprocess.Popen(command, stdout=raw, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (folder / "heard.raw").stat().st_size:
        assert time.monotonic() < deadline, "the monitor gives no sound"
        time.sleep(0.02)
    return ear


def server_in(folder: Path) -> PulseServer:
    """Not started. Skips the test, or fails it in CI, where the machine has no PulseAudio."""
    if missing := what_is_missing():
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell(f"not on this machine, so no sound card is tried: {', '.join(missing)}")
    folder.chmod(0o700)
    (folder / "alsa.conf").write_text("</usr/share/alsa/alsa.conf>\npcm.!default { type pulse }\n")
    return PulseServer(folder)


@contextmanager
def at_portaudio(server: PulseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PortAudio's default devices are those of `server`, running."""
    import sounddevice

    monkeypatch.setenv("ALSA_CONFIG_PATH", str(server.folder / "alsa.conf"))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{server.folder / 'native'}")
    monkeypatch.setenv("HOME", str(server.folder))
    server.start()
    sounddevice._terminate()
    sounddevice._initialize()
    yield
    sounddevice._terminate()
    sounddevice._initialize()
