"""`loaban-agent`: run a station, or look at one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from agent.errors import AgentError
from agent.process import run_station, set_up_logging
from agent.settings import Settings, load
from agent.speakers.contract import Speaker
from agent.status import lines
from agent.wording import sayer

app = typer.Typer(no_args_is_help=True, add_completion=False)

Config = Annotated[Path, typer.Option("--config", dir_okay=False)]


@app.command()
def run(config: Config) -> None:
    """Run this board's station until it is told to stop."""
    from agent.speakers.sound_card import SoundCard

    settings = settings_or_exit(config)
    set_up_logging()
    raise typer.Exit(run_or_exit(settings, lambda: SoundCard(settings.speaker)))


@app.command()
def status(config: Config) -> None:
    """Say what this station holds and what it did last."""
    settings = settings_or_exit(config)
    for line in lines(settings, sayer(settings.language)):
        typer.echo(line)


def settings_or_exit(config: Path) -> Settings:
    """Read the settings, or say what is wrong with them and leave with code 2."""
    try:
        return load(config)
    except AgentError as error:
        raise refuse(error, "vi") from error


def run_or_exit(settings: Settings, open_speaker: Callable[[], Speaker]) -> int:
    """The exit code of a station that ran, or a sentence and code 2 where it cannot."""
    try:
        return run_station(settings, open_speaker())
    except AgentError as error:
        raise refuse(error, settings.language) from error


def refuse(error: AgentError, language: str) -> typer.Exit:
    typer.echo(sayer(language)(error.key, **error.params), err=True)
    return typer.Exit(2)
