"""`loaban-agent`: make this board a station, run it, look at it, test its loudspeaker."""

import sqlite3
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent.app import build
from agent.errors import AgentError
from agent.local.errors import NoStation, NotAllowed
from agent.owner import become_owner_of
from agent.process import Assemble, run_station, set_up_logging
from agent.settings import Settings, load
from agent.speakers.contract import Speaker
from agent.wording import Say, sayer

app = typer.Typer(no_args_is_help=True, add_completion=False)

CONFIG = Path("/etc/loaban/agent.toml")
STATE = Path("/var/lib/loaban-agent")
Config = Annotated[Path, typer.Option("--config", dir_okay=False, help="The station's settings.")]


class Test(StrEnum):
    TONE = "tone"
    ACOUSTIC = "acoustic"
    ELECTRICAL = "electrical"


@app.command()
def run(config: Config = CONFIG) -> None:
    """Run this board's station until it is told to stop."""
    settings = settings_or_exit(config)
    set_up_logging()
    raise typer.Exit(run_or_exit(settings, lambda: sound_card(settings)))


@app.command()
def status(config: Config = CONFIG) -> None:
    """Say how this station is, what it holds and what it did last."""
    from agent.local.command import status_lines

    settings = _on_the_spot(config)
    try:
        for line in status_lines(settings, sayer(settings.language)):
            typer.echo(line)
    except BrokenPipeError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise _unreadable(settings, error) from error


@app.command()
def test(
    what: Annotated[
        Test, typer.Argument(help="Three notes, or a self-test: by sound, or silent.")
    ] = Test.TONE,
    force: Annotated[bool, typer.Option("--force", help="Also over a broadcast or in quiet hours.")] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Take this self-test as what is right for this station.")
    ] = False,
    config: Config = CONFIG,
) -> None:
    """Test the loudspeaker now. With --force also over a broadcast or in quiet hours, never over an alert."""
    from agent.local import command

    settings = _on_the_spot(config)
    say = sayer(settings.language)
    try:
        told = command.test(
            settings,
            what.value,
            insist=force,
            calibrate=calibrate,
            open_speaker=lambda: sound_card(settings),
            tell=typer.echo,
            say=say,
        )
    except AgentError as error:
        raise refuse(error, settings.language) from error
    except BrokenPipeError:
        raise
    except (OSError, sqlite3.Error) as error:
        raise _unreadable(settings, error) from error
    typer.echo(told.text)
    raise typer.Exit(0 if told.well else 1)


@app.command()
def enrol(  # noqa: PLR0917 - typer reads the options from here
    controller: Annotated[str, typer.Option(help="The centre's address, https://…")],
    code: Annotated[str, typer.Option(help="From the station's page; good once, for 24 hours.")],
    fingerprint: Annotated[
        str, typer.Option(help="Of the centre's key; asked for where it is missing.")
    ] = "",
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="On a private network, to try it.")
    ] = False,
    config: Config = CONFIG,
    state: Annotated[
        Path, typer.Option("--state", file_okay=False, help="Where it keeps its state.")
    ] = STATE,
    language: Annotated[str, typer.Option(help="vi or en")] = "vi",
) -> None:
    """Make this board a station, with the code that the technician was given."""
    from agent.enrolment import command

    say = sayer("en" if language == "en" else "vi")

    def agreed(told: str) -> bool:
        if fingerprint:
            return _alike(told, fingerprint)
        answer: str = typer.prompt(say("enrol.compare"), default="", show_default=False)
        return answer.strip().lower() in say("enrol.yes").split()

    try:
        done = command.enrol(
            controller,
            code,
            config=config,
            state=state,
            plain_http=plain_http,
            agreed=agreed,
            tell=typer.echo,
            say=say,
        )
    except AgentError as error:
        raise refuse(error, language) from error
    raise typer.Exit(0 if done else 2)


def sound_card(settings: Settings) -> Speaker:
    """Raises `SpeakerFailed`."""
    from agent.speakers.sound_card import SoundCard

    return SoundCard(settings.speaker)


def settings_or_exit(config: Path) -> Settings:
    """Read the settings, or say what is wrong with them and leave with code 2."""
    try:
        return load(config)
    except AgentError as error:
        raise refuse(_plainer(error, config), "vi") from error


def _plainer(error: AgentError, config: Path) -> AgentError:
    """What a person at the board can do about it."""
    if isinstance(error.__cause__, PermissionError):
        return NotAllowed(file=config)
    return NoStation(file=config) if isinstance(error.__cause__, FileNotFoundError) else error


def run_or_exit(settings: Settings, open_speaker: Callable[[], Speaker], assemble: Assemble = build) -> int:
    """The exit code of a station that ran, or a sentence and code 2 where it cannot."""
    try:
        return run_station(settings, open_speaker(), assemble)
    except AgentError as error:
        raise refuse(error, settings.language) from error


def refuse(error: AgentError, language: str) -> typer.Exit:
    say: Say = sayer("en" if language == "en" else "vi")
    typer.echo(say(error.key, **error.params), err=True)
    return typer.Exit(2)


def _on_the_spot(config: Path) -> Settings:
    """The settings, with the rights of whom the station's files belong to."""
    settings = settings_or_exit(config)
    try:
        become_owner_of(settings.state_dir)
    except OSError as error:
        raise _unreadable(settings, error) from error
    return settings


def _unreadable(settings: Settings, error: Exception) -> typer.Exit:
    say = sayer(settings.language)
    typer.echo(say("error.state_unreadable", folder=settings.state_dir, problem=error), err=True)
    return typer.Exit(2)


def _alike(told: str, typed: str) -> bool:
    """Blanks are for the eye, and so are capitals."""
    return told.replace(" ", "") == typed.replace(" ", "").upper()
