"""A technician at the board: service manager, commands and page of a program that runs, or does not."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest
from typer.testing import CliRunner

from agent import cli
from agent.errors import SpeakerFailed
from agent.local.tone import TONE_S
from firmware_sim.wav_speaker import WavSounding, WavSpeaker
from tests.support.waiting import eventually, free_port
from wire.signing import SigningKey

SPAWN_CODE = "from firmware_sim.cli import app; app()"
PIN: Final = "246810"
NOTIFY: Final = "notify.sock"
WATCHDOG_S: Final = 4.0
TONE: Final = round(TONE_S, 1)


class Board:
    """`loaban-sim station` as a service, and whoever would be its service manager."""

    def __init__(self, folder: Path, manager: socket.socket) -> None:
        self.folder = folder
        self.config = folder / "agent.toml"
        self.page_port = free_port()
        self.manager = manager
        self.told: list[str] = []
        self.process: subprocess.Popen[bytes] | None = None
        x = SigningKey.generate().public_jwk()["x"]
        self.config.write_text(
            f'station = "cum-loa-1"\nstate_dir = "state"\n[[controller_keys]]\nkty = "OKP"\ncrv = "Ed25519"\n'
            f'x = "{x}"\n[broker]\nport = {free_port()}\n'
            f'[page]\nhost = "127.0.0.1"\nport = {self.page_port}\npin = "{PIN}"\n'
        )

    def start(self) -> None:
        command = [sys.executable, "-c", SPAWN_CODE, "station", "--config", str(self.config)]
        environment = os.environ | {"NOTIFY_SOCKET": NOTIFY, "WATCHDOG_USEC": f"{WATCHDOG_S * 1_000_000:.0f}"}
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)
        eventually(lambda: self.heard("READY=1"), "the station says that it is ready")

    def heard(self, what: str) -> int:
        """How often the manager has been told this so far."""
        while True:
            try:
                self.told.append(self.manager.recv(200).decode())
            except BlockingIOError:
                return self.told.count(what)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def say(self, *words: str) -> tuple[int, str]:
        """The exit code and words of `loaban-agent`."""
        said = CliRunner().invoke(cli.app, [*words, "--config", str(self.config)])
        return said.exit_code, said.output

    def tones(self, folder: str = "state/heard") -> list[float]:
        """Seconds of each test tone that the loudspeaker gave out to its end."""
        records = [json.loads(file.read_text()) for file in sorted((self.folder / folder).glob("*.json"))]
        whole = [one for one in records if one["over"] and one["occurrence"] == "test-tone"]
        return [round(one["frames"] / 48_000, 1) for one in whole]


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(NOTIFY)
        manager.setblocking(False)
        made = Board(tmp_path, manager)
        yield made
        if made.process is not None and made.process.poll() is None:
            made.process.kill()
            made.process.wait(10)


def test_the_service_manager_hears_of_every_part_of_a_stations_life(board: Board) -> None:
    board.start()
    eventually(lambda: board.heard("WATCHDOG=1") >= 3, "it is fed again and again")
    assert board.told[0] == "READY=1"
    assert board.stop() == 0
    assert board.heard("STOPPING=1") == 1


def test_status_and_tone_of_a_running_station(board: Board) -> None:
    board.start()
    eventually(lambda: "Chương trình đang chạy" in board.say("status")[1], "the program answers")
    code, told = board.say("status")
    assert code == 0
    assert "Chương trình đang chạy" in told
    assert "Kết nối trung tâm: đang kết nối" in told
    assert "Đài: cum-loa-1" in told
    code, told = board.say("test")
    assert code == 0, told
    assert "ba tiếng thử" in told
    assert board.tones() == [TONE]
    code, told = board.say("test", "acoustic")
    assert code == 2
    assert "micrô" in told


def test_the_page_of_a_running_station(board: Board) -> None:
    board.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{board.page_port}", trust_env=False) as client:
        assert "Chương trình đang chạy" in eventually(lambda: page(client), "the page answers")
        assert client.post("/test", data={"pin": "000000", "what": "tone"}).status_code == 403
        assert client.post("/test", data={"pin": PIN, "what": "tone"}).status_code == 303
        eventually(lambda: "Đã phát ba tiếng thử" in page(client), "the page tells of the tone")
    assert board.tones() == [TONE]
    assert PIN not in (board.folder / "log.txt").read_text()


def test_without_the_program_the_commands_do_it_by_themselves(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "sound_card", lambda _settings: WavSpeaker(board.folder / "by-hand"))
    code, told = board.say("test")
    assert code == 0, told
    assert "tự phát ra loa" in told
    assert board.tones("by-hand") == [TONE]
    code, told = board.say("status")
    assert code == 0
    assert "Chương trình không chạy" in told
    assert "Đài: cum-loa-1" in told


def test_without_the_program_a_test_that_cannot_be_is_told_in_a_sentence(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Torn(WavSpeaker):
        async def begin(self, start_at_s: float, label: str) -> WavSounding:
            raise SpeakerFailed(problem="the card is gone")

    monkeypatch.setattr(cli, "sound_card", lambda _settings: Torn(board.folder / "by-hand"))
    code, told = board.say("test")
    assert code == 2
    assert "Loa không nhận âm thanh: the card is gone" in told
    code, told = board.say("test", "acoustic")
    assert code == 2
    assert "micrô" in told


def page(client: httpx.Client) -> str:
    with suppress(httpx.TransportError):
        return client.get("/").text
    return ""
