"""`loaban-sim`: stations without hardware."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from agent.cli import Config, refuse, run_or_exit, settings_or_exit
from agent.errors import AgentError
from agent.process import set_up_logging
from firmware_sim.fleet.processes import run_fleet
from firmware_sim.fleet.settings import load
from firmware_sim.wav_speaker import WavSpeaker

app = typer.Typer(no_args_is_help=True, add_completion=False)

Part = Annotated[int | None, typer.Option("--part", min=0)]
SoundDir = Annotated[Path | None, typer.Option("--sound-dir", file_okay=False)]


@app.callback()
def main() -> None:
    """Stations without hardware."""


@app.command()
def station(config: Config, sound_dir: SoundDir = None) -> None:
    """Run the real station program with a loudspeaker that writes WAV files (default: <state_dir>/heard)."""
    settings = settings_or_exit(config)
    set_up_logging()
    folder = sound_dir or settings.state_dir / "heard"
    raise typer.Exit(run_or_exit(settings, lambda: WavSpeaker(folder)))


@app.command()
def fleet(config: Config, part: Part = None) -> None:
    """Run many stations that only write down what they would have sounded, and when.

    With `--part`, only that process's share of them, in this process.
    """
    set_up_logging()
    for name in ("agent", "firmware_sim"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        code = run_fleet(load(config), config, part)
    except AgentError as error:
        raise refuse(error, "vi") from error
    raise typer.Exit(code)
