"""What people typed is printed as they typed it; what failed is told in a sentence."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from audio_library.speech import EspeakNg
from controller import cli
from controller.accounts.rules import Principal
from controller.context import Context
from controller.errors import Invalid

BRACKETS = ("Bản tin [sáng]", "Bản tin [/sáng]", "Bản tin :smile:")


@pytest.fixture
def desk(context: Context, people: Mapping[str, Principal]) -> cli.Desk:
    return cli.Desk(context, people["operator"])


@pytest.mark.parametrize("title", BRACKETS)
def test_brackets_are_no_markup(desk: cli.Desk, capsys: pytest.CaptureFixture[str], title: str) -> None:
    desk.tell("cli.approved", title=title)
    table = desk.table("title")
    table.add_row(title)
    cli.console.print(table)
    assert capsys.readouterr().out.count(title) == 2


@pytest.mark.parametrize("title", BRACKETS)
def test_an_error_quotes_brackets_too(capsys: pytest.CaptureFixture[str], title: str) -> None:
    with pytest.raises(typer.Exit), cli._saying_errors():
        raise Invalid("timetable.programme_not_approved", title=title)
    assert title in capsys.readouterr().err


def test_a_speech_that_nobody_can_read_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(typer.Exit), cli._saying_errors():
        EspeakNg().read_aloud("Nyob zoo", "hmn", tmp_path / "speech.wav")
    assert "ghi âm" in capsys.readouterr().err


def test_a_wrong_command_is_told_without_markup() -> None:
    done = CliRunner().invoke(cli.app, ["programmes", "approve", "[/sáng]", "--khong-co"])
    assert done.exit_code == 2
    assert "--khong-co" in done.stderr
