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
