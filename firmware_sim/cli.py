"""`loaban-sim`: stations without hardware."""

from pathlib import Path
from typing import Annotated

import typer

from agent.cli import Config, run_or_exit, settings_or_exit
from agent.process import set_up_logging
from firmware_sim.wav_speaker import WavSpeaker

app = typer.Typer(no_args_is_help=True, add_completion=False)

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
