"""`make run`, as a person uses it: start, stop, start again, lose the terminal, start it twice."""

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.province import Province, environment_for
from tests.support.waiting import eventually

RUN = Path(__file__).parents[2] / "scripts" / "run.py"
READY = "Ctrl-C"


class Terminal:
    def __init__(self, data: Path, settings: dict[str, str] | None = None) -> None:
        self.environment = environment_for(data) | {"TERM": "dumb", "COLUMNS": "200"} | (settings or {})
        self.output = data.parent / f"{data.name}.txt"
        with self.output.open("wb") as written:
            self.process = subprocess.Popen(
                [sys.executable, RUN], env=self.environment, stdout=written, stderr=written
            )

    def shows(self, text: str) -> bool:
        assert self.process.poll() is None or text in self.said(), self.said()
        return text in self.said()

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.environment['LOABAN_HTTP_PORT']}{path}")


@contextmanager
def running(data: Path) -> Iterator[Terminal]:
    terminal = Terminal(data)
    try:
        eventually(lambda: terminal.shows(READY), "everything runs", within_s=120)
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.terminate()
            terminal.process.wait(30)


def gone(children: list[psutil.Process]) -> bool:
    return not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


def test_start_stop_and_start_again_keeps_what_was_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as first:
        assert first.get("/health").json() == {"live": True, "ready": True}
        children = first.children()
        assert len(children) == 4
        assert str(first.environment["LOABAN_HTTP_PORT"]) in first.said()
        passwords = tomllib.loads((data / "demo" / "people.toml").read_text(encoding="utf-8"))
        for username, person in passwords.items():
            assert re.search(rf"{username}\b.*{person['password']}", first.said())
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 0
        eventually(lambda: gone(children), "all have stopped")
    with running(data) as second:
        assert "giữ nguyên" in second.said()
        kept = tomllib.loads((data / "demo" / "people.toml").read_text(encoding="utf-8"))
        assert kept == passwords


def test_a_first_fill_that_was_interrupted_is_finished_by_the_next(tmp_path: Path) -> None:
    data = tmp_path / "data"
    cut = Terminal(data)
    eventually(lambda: cut.shows("Bản tin chiều"), "the second programme is on its way")
    cut.process.send_signal(signal.SIGINT)
    cut.process.wait(30)
    with running(data) as again:
        assert again.get("/health").status_code == 200


@pytest.mark.parametrize("blow", [signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_when_the_terminal_goes(province_copy: Path, blow: signal.Signals) -> None:
    with running(province_copy) as terminal:
        children = terminal.children()
        os.kill(terminal.process.pid, blow)
        terminal.process.wait(30)
        eventually(lambda: gone(children), "nothing is left", within_s=30)


def test_a_second_one_on_the_same_data_says_so(province_copy: Path) -> None:
    with running(province_copy) as first:
        second = Terminal(province_copy)
        assert second.process.wait(30) == 1
        assert "đang chạy" in second.said()
        assert first.process.poll() is None


def test_a_controller_that_dies_comes_back_and_the_stations_stay(province_copy: Path) -> None:
    with running(province_copy) as terminal:
        (controller,) = (child for child in terminal.children() if "serve" in child.cmdline())
        stations = [child for child in terminal.children() if child != controller]
        controller.kill()
        eventually(lambda: terminal.shows("đã chạy lại"), "the controller is back", within_s=90)
        assert all(station.is_running() for station in stations)
        assert terminal.get("/health").status_code == 200


def test_a_port_that_is_taken_gets_a_sentence(province_copy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = Terminal(province_copy, {"LOABAN_HTTP_PORT": port})
        assert refused.process.wait(30) == 1
        assert f"Cổng {port} đang có chương trình khác dùng" in refused.said()
        shell = Province(province_copy, refused.environment)
        served = shell.loaban("serve", check=False)
        assert (served.returncode, f"Cổng {port}" in served.stderr) == (1, True)
        assert "Traceback" not in served.stderr


def test_a_setting_that_is_wrong_gets_a_sentence(province_copy: Path) -> None:
    shell = Province(province_copy, environment_for(province_copy) | {"LOABAN_HTTP_PORT": "tám nghìn"})
    served = shell.loaban("serve", check=False)
    assert served.returncode == 1
    assert "LOABAN_HTTP_PORT" in served.stderr
    assert "Traceback" not in served.stderr
