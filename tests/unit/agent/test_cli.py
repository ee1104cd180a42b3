"""What a technician sees on the board."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.board_store import BoardStore
from agent.cli import app
from agent.journal import Journal
from agent.store import PlanStore
from wire.alerts import Alert, AlertBoard, StandingLayer, StandingSound
from wire.ids import AlertKind, Outcome, OutcomeReason
from wire.messages import PlanLayer, PlannedOccurrence, PlaybackReport, StationCard
from wire.signing import Keyring, SigningKey


@pytest.fixture
def config(tmp_path: Path, key: SigningKey) -> Path:
    file = tmp_path / "agent.toml"
    x = key.public_jwk()["x"]
    file.write_text(f"""
station = "cum-loa-1"
state_dir = "state"
[[controller_keys]]
kty = "OKP"
crv = "Ed25519"
x = "{x}"
""")
    (tmp_path / "state").mkdir()
    return file


def test_status_of_a_new_board(config: Path) -> None:
    said = CliRunner().invoke(app, ["status", "--config", str(config)])
    assert said.exit_code == 0
    assert "Đài: cum-loa-1" in said.output
    assert "Chưa nhận được thẻ đài" in said.output


def test_status_of_a_board_at_work(
    config: Path,
    key: SigningKey,
    keyring: Keyring,
    make_card: Callable[..., StationCard],
    make_layer: Callable[..., PlanLayer],
    make_planned: Callable[..., PlannedOccurrence],
    make_alert: Callable[..., Alert],
    make_board: Callable[..., AlertBoard],
) -> None:
    state = config.parent / "state"
    store = PlanStore(state, keyring)
    store.load()
    card, layer = make_card(version=4), make_layer(make_planned(), version=7)
    store.keep_card(card, key.sign(card))
    store.keep_layer(layer, key.sign(layer))
    boards = BoardStore(state, keyring)
    board = make_board(make_alert(title="Lũ quét"), make_alert(number=2, title="Bão", drill=True))
    boards.hold_board(board, key.sign(board))
    asyncio.run(boards.write())
    lost = StandingSound(item=make_planned().items[0], kind=AlertKind.STORM, language="vi")
    standing = StandingLayer(area="lao-cai", version=1, issued_at=datetime.now(UTC), sounds=(lost,))
    boards.keep_standing(standing, key.sign(standing))
    journal = Journal(state / "journal.sqlite")
    report = PlaybackReport(
        id="r1",
        occurrence="ban-tin@20261123T053000Z",
        outcome=Outcome.PARTLY_PLAYED,
        reason=OutcomeReason.STATION_OFF,
        seconds_played=12.3,
        seconds_planned=60,
    )
    journal.end([report], datetime.now(UTC))
    journal.close()

    said = CliRunner().invoke(app, ["status", "--config", str(config)]).output

    assert "Thẻ đài: Cụm loa bản 1, phiên bản 4" in said
    assert "Lịch của địa bàn ta-van: phiên bản 7, 1 lượt phát" in said
    assert "Còn thiếu: " + "a" * 64 in said
    assert "Báo động đang hiệu lực: Lũ quét (kc-20261123-00000001-r1@" in said
    assert "DIỄN TẬP đang hiệu lực: Bão (kc-20261123-00000002-r1@" in said
    assert "Âm thanh thường trực: đã có 0 trong 1 tệp" in said
    assert "Còn thiếu âm thanh thường trực: storm vi " + "a" * 64 in said
    assert "Báo cáo chưa gửi xong: 1" in said
    assert "phát một phần (đài tắt), phát 12.3 trên 60.0 giây" in said


@pytest.mark.parametrize("command", ["run", "status"])
def test_settings_that_do_not_hold_are_said_in_a_sentence(tmp_path: Path, command: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text("station = 5")
    said = CliRunner().invoke(app, [command, "--config", str(file)])
    assert said.exit_code == 2
    assert "Không đọc được tệp cấu hình" in said.output


@pytest.mark.parametrize("command", ["run", "status", "test"])
def test_a_board_that_is_no_station_yet_says_how_to_become_one(tmp_path: Path, command: str) -> None:
    said = CliRunner().invoke(app, [command, "--config", str(tmp_path / "agent.toml")])
    assert said.exit_code == 2
    assert "loaban-agent enrol" in said.output
