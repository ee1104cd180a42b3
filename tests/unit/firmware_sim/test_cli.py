"""Two stations on one state folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.errors import StateInUse
from agent.files import alone_in
from firmware_sim.cli import app
from wire.signing import SigningKey

SETTINGS = """
station = "cum-loa-1"
state_dir = "state"
[[controller_keys]]
kty = "OKP"
crv = "Ed25519"
x = "{x}"
"""


def test_a_second_station_on_the_same_state_refuses_in_a_sentence(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(SETTINGS.format(x=SigningKey.generate().public_jwk()["x"]))
    with alone_in(tmp_path / "state"):
        said = CliRunner().invoke(app, ["station", "--config", str(config)])
    assert said.exit_code == 2
    assert "Đài này đang chạy ở một chương trình khác" in said.output
    assert not (tmp_path / "state" / "journal.sqlite").exists()


def test_a_state_folder_is_free_again_when_its_station_has_ended(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(StateInUse), alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass


def fleet_file(folder: Path, kept_in: str) -> Path:
    file = folder / "fleet.toml"
    x = SigningKey.generate().public_jwk()["x"]
    file.write_text(
        f'stations = ["cum-loa-1"]\nprocesses = 1\nfolder = "{kept_in}"\nevents = "events.jsonl"\n'
        f'[[controller_keys]]\nkty = "OKP"\ncrv = "Ed25519"\nx = "{x}"\n'
    )
    return file


def test_a_second_fleet_on_the_same_folder_refuses_before_it_writes_anything(tmp_path: Path) -> None:
    config = fleet_file(tmp_path, "cards")
    with alone_in(tmp_path / "cards" / "part-0"):
        said = CliRunner().invoke(app, ["--config", str(config), "--scenario", "calm"])
    assert said.exit_code == 2, said.output
    assert "đang chạy ở một chương trình khác" in said.output
    assert not (tmp_path / "truth.jsonl").exists()
    assert not (tmp_path / "cards" / "horns").exists()


def test_a_wrong_duration_is_refused_before_any_work(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["--config", str(fleet_file(tmp_path, "cards")), "--duration", "5x"])
    assert said.exit_code == 2, said.output
    assert "--duration" in said.output
    assert not (tmp_path / "cards").exists()


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = CliRunner().invoke(app, ["--config", str(fleet_file(tmp_path, "file/cards"))])
    assert said.exit_code == 2, said.output
    assert "Không ghi được kết quả" in said.output
