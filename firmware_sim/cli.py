"""`loaban-sim`: stations without hardware."""

import logging
import math
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from agent.cli import Config, run_or_exit, settings_or_exit
from agent.errors import AgentError
from agent.files import alone_in
from agent.process import set_up_logging
from firmware_sim.amplifier.command import amplifier
from firmware_sim.fitted import fitted, loudspeaker_of
from firmware_sim.fleet.draw import draw
from firmware_sim.fleet.era import Run
from firmware_sim.fleet.faults import seconds_of
from firmware_sim.fleet.installed import learn
from firmware_sim.fleet.processes import run_fleet
from firmware_sim.fleet.scenario import Scenario, bundled, find
from firmware_sim.fleet.scenario import load as load_scenario
from firmware_sim.fleet.settings import FleetSettings, load
from firmware_sim.fleet.truth import TruthLog
from firmware_sim.network.command import network
from firmware_sim.wav_speaker import WavSpeaker
from firmware_sim.wording import Language, say_in

app = typer.Typer(add_completion=False)
app.command()(amplifier)
app.command()(network)

Part = Annotated[int | None, typer.Option("--part", min=0)]
SoundDir = Annotated[Path | None, typer.Option("--sound-dir", file_okay=False)]
WithBoard = Annotated[
    bool, typer.Option("--with-board", help="With a simulated amplifier board, horns and microphone.")
]
Stations = Annotated[int | None, typer.Option("--stations", min=1, help="The first so many of the fleet.")]
ScenarioName = Annotated[str | None, typer.Option("--scenario", help="A file, or the name of one of ours.")]
Rate = Annotated[float, typer.Option("--rate", min=0.01, help="So many seconds go by in one of ours.")]
Duration = Annotated[
    str | None, typer.Option("--duration", help="In fleet time, such as 90s or 26h; else the scenario's.")
]
FleetFile = Annotated[
    Path | None, typer.Option("--config", dir_okay=False, help="Else fleet.toml in LOABAN_DATA_DIR.")
]
Truth = Annotated[Path | None, typer.Option("--truth", dir_okay=False, help="Where the truth is written.")]


@app.callback(invoke_without_command=True)
def main(  # noqa: PLR0917 - typer's options
    context: typer.Context,
    stations: Stations = None,
    scenario: ScenarioName = None,
    rate: Rate = 1.0,
    duration: Duration = None,
    config: FleetFile = None,
    truth: Truth = None,
    language: Language = Language.VI,
) -> None:
    """Stations without hardware. Without a command: a fleet whose boards have all their edges and faults."""
    if context.invoked_subcommand is not None:
        return
    set_up_logging()
    _only(logging.ERROR)
    try:
        file = config or _default_config(stations)
        settings = _shortened(load(file), stations)
        script = None if scenario is None else find(scenario)
        wanted = None if script is None else load_scenario(script)
        lasts_s = _lasts_s(duration, wanted)
        with alone_in(settings.folder / "part-0"):
            _learn_horns(settings, language)
            run = Run(
                scenario=None if script is None else script.resolve(),
                stations=stations,
                rate=rate,
                lasts_s=lasts_s,
                truth=truth or settings.events.with_name("truth.jsonl"),
                language=language,
            ).beginning(None if wanted is None else wanted.starts_at)
            _announce(run, wanted, settings)
        code = run_fleet(settings, file, None, run)
        if sys.stdout.isatty():
            typer.echo()
    except AgentError as error:
        raise refuse(error, language) from error
    except OSError as error:
        raise refuse(FolderRefused(problem=error), language) from error
    raise typer.Exit(code)


def _default_config(stations: int | None) -> Path:
    """Raises `NoFleet`."""
    file = Path(os.environ.get("LOABAN_DATA_DIR", "data")) / "fleet.toml"
    if not file.is_file():
        raise NoFleet(file=file, stations=stations or 2340)
    return file


class NoFleet(AgentError):
    key = "error.no_fleet"


class FolderRefused(AgentError):
    key = "error.folder_refused"


def _shortened(settings: FleetSettings, stations: int | None) -> FleetSettings:
    return settings if stations is None else settings.first(stations)


def _lasts_s(duration: str | None, scenario: Scenario | None) -> float | None:
    if duration is not None:
        try:
            return seconds_of(duration)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--duration") from error
    return None if scenario is None else scenario.lasts


def _announce(run: Run, scenario: Scenario | None, settings: FleetSettings) -> None:
    """At the head of the truth, and on the screen."""
    lasts_s = math.inf if run.lasts_s is None else run.lasts_s
    every = () if scenario is None else draw(scenario, settings.all_stations())
    drawn = [met for met in every if met.begins_s < lasts_s]
    assert run.truth is not None
    log = TruthLog(run.truth)
    title = "" if scenario is None else scenario.title
    log.note(
        {
            "run": run.began_at.isoformat(),
            "scenario": title,
            "rate": run.rate,
            "stations": len(settings.station_ids),
            "faults": len(drawn),
        }
    )
    log.close()
    if scenario is not None and run.lasts_s is not None:
        struck = len({met.station for met in drawn})
        hours = round(run.lasts_s / 3600, 2)
        say = say_in(run.language)
        typer.echo(
            say(
                "progress.scenario",
                title=title,
                faults=len(drawn),
                stations=struck,
                hours=hours,
                truth=run.truth,
            )
        )


def _learn_horns(settings: FleetSettings, language: str) -> None:
    say = say_in(language)

    def tell(done: int, total: int) -> None:
        typer.echo(say("progress.horns", done=done, total=total))

    learn(settings.folder, settings.station_ids, tell)


@app.command()
def scenarios(language: Language = Language.VI) -> None:
    """The scenarios that come with the program."""
    for name, file in bundled().items():
        typer.echo(say_in(language)("progress.listed", name=name, title=load_scenario(file).title))


@app.command()
def station(config: Config, sound_dir: SoundDir = None, with_board: WithBoard = False) -> None:
    """Run the real station program with a loudspeaker that writes WAV files (default: <state_dir>/heard)."""
    settings = settings_or_exit(config)
    set_up_logging()
    folder = sound_dir or settings.state_dir / "heard"
    if not with_board:
        raise typer.Exit(run_or_exit(settings, lambda: WavSpeaker(folder)))
    loudspeaker = loudspeaker_of(settings.station)
    speaker = partial(WavSpeaker, folder, sounds=loudspeaker.sounds)
    raise typer.Exit(run_or_exit(settings, speaker, fitted(loudspeaker)))


@app.command()
def fleet(
    config: Config,
    part: Part = None,
    run: Annotated[str | None, typer.Option("--run", hidden=True)] = None,
) -> None:
    """Run many stations that only write down what they would have sounded, and when.

    With `--part`, only that process's share of them, in this process.
    """
    set_up_logging()
    wanted = None if run is None else Run.model_validate_json(run)
    _only(logging.WARNING if wanted is None else logging.ERROR)
    try:
        settings = _shortened(load(config), None if wanted is None else wanted.stations)
        code = run_fleet(settings, config, part, wanted)
    except AgentError as error:
        raise refuse(error, "vi") from error
    raise typer.Exit(code)


def _only(level: int) -> None:
    """A scenario brings about what stations complain of; only a program that dies by itself is news then."""
    logging.getLogger("firmware_sim").setLevel(level)
    logging.getLogger("agent").setLevel(level if level <= logging.WARNING else logging.CRITICAL)


def refuse(error: AgentError, language: str) -> typer.Exit:
    typer.echo(say_in(language)(error.key, **error.params), err=True)
    return typer.Exit(2)
