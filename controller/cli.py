"""`loaban`: the controller, and its lists and files from a shell, with the browser's rules and sentences."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.app import compose, serve
from controller.clockwork import queries as clockwork
from controller.context import Context
from controller.db import migrate
from controller.demo.fill import fill
from controller.demo.province import EMBEDDED_BROKER_CARRIES
from controller.demo.province import fill as fill_province
from controller.dispatch.job import NAME as DISPATCH
from controller.enrolment import service as enrolment
from controller.errors import Invalid, Sayable
from controller.loading import load_programmes
from controller.programmes import service as programmes
from controller.settings import Settings
from controller.stations import service as stations
from controller.stations.schemas import StationView
from controller.timetable import service as timetable
from controller.web.texts import Texts
from controller.web.times import moment_text
from schedules.timetable_file import TimetableFile, load

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
)
timetable_app = typer.Typer(no_args_is_help=True)
programmes_app = typer.Typer(no_args_is_help=True)
stations_app = typer.Typer(no_args_is_help=True)
app.add_typer(timetable_app, name="timetable", help="Schedules.")
app.add_typer(programmes_app, name="programmes", help="Programmes of the library.")
app.add_typer(stations_app, name="stations", help="Stations and their state.")

As = Annotated[str, typer.Option("--as", help="The user name of the person who does it.")]
File = Annotated[Path, typer.Argument(help="A timetable file, such as those in schedules/examples.")]
console = Console(markup=False, highlight=False, emoji=False)
"""Titles are printed as people typed them, brackets and all."""
errors = Console(stderr=True, markup=False, highlight=False, emoji=False, style="red")


class Desk:
    """One command at work: the context, the person it acts for, and the language it answers in."""

    def __init__(self, context: Context, principal: Principal) -> None:
        self.context = context
        self.principal = principal

    def say(self, key: str, /, **params: Any) -> str:
        return self.context.texts.say(self.principal.language, key, **params)

    def tell(self, key: str, **params: Any) -> None:
        console.print(self.say(key, **params))

    def table(self, *columns: str) -> Table:
        table = Table()
        for column in columns:
            table.add_column(self.say(f"cli.column.{column}"), no_wrap=column == "id")
        return table

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """A transaction whose changes a running controller takes up at its next look."""
        with self.context.database.write() as session:
            yield session
            clockwork.hasten(session, self.context.now(), {DISPATCH})


@app.command(name="serve")
def run_controller() -> None:
    """Run the controller until it is told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _saying_errors():
        asyncio.run(serve(_settings()))


@app.command(name="migrate")
def bring_database_up() -> None:
    """Bring the database to the newest schema."""
    with _saying_errors():
        settings = _settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(settings.resolved_database_url())


@app.command()
def demo() -> None:
    """Fill a small Lào Cai to try the product on; what is there already stays."""
    with _saying_errors():
        context, _waker = compose(_settings())
        fill(context, lambda key, **params: console.print("  " + context.texts.say("vi", key, **params)))


@app.command()
def province(stations: Annotated[int, typer.Option("--stations", min=1, max=20_000)] = 2340) -> None:
    """Add so many sample stations over the province, and write the file that `loaban-sim` takes."""
    with _saying_errors():
        context, _waker = compose(_settings())
        file = fill_province(context, stations)
        say = partial(context.texts.say, "vi")
        console.print(say("cli.province_filled", count=stations, file=file))
        if context.settings.broker == "embedded" and stations > EMBEDDED_BROKER_CARRIES:
            console.print(say("cli.province_needs_broker", most=EMBEDDED_BROKER_CARRIES))


@timetable_app.command(name="load")
def load_timetable(file: File, as_: As) -> None:
    """Create or change the file's schedules; their programmes must be approved."""
    with _desk(as_) as desk:
        wanted = _read(file)
        with desk.changing() as session:
            result = timetable.import_timetable(session, desk.context.now(), desk.principal, wanted)
        desk.tell("cli.timetable_loaded", **{name: len(ids) for name, ids in result.model_dump().items()})


@timetable_app.command(name="list")
def list_timetable(as_: As) -> None:
    """The schedules of the person's areas."""
    with _desk(as_) as desk, desk.context.database.read() as session:
        table = desk.table("id", "title", "area", "times", "next")
        for view in timetable.listing(session, desk.context.now(), desk.principal):
            times = ", ".join(f"{moment:%H:%M}" for moment in view.rule.times)
            zone = ZoneInfo(view.rule.zone)
            start = f"{view.next_start.astimezone(zone):%d/%m/%Y %H:%M}" if view.next_start else ""
            table.add_row(view.id, view.title, view.area_name, times, start)
        console.print(table)


@programmes_app.command(name="load")
def load_library(file: File, as_: As) -> None:
    """Bring the file's sounds and speeches into the library and send them for approval."""
    with _desk(as_) as desk:
        made = load_programmes(
            desk.context,
            desk.principal,
            _read(file),
            file.parent,
            lambda title: desk.tell("cli.working_on", title=title),
        )
        desk.tell("cli.programmes_loaded", count=len(made))


@programmes_app.command(name="approve")
def approve_programme(programme_id: str, as_: As) -> None:
    """Approve a programme that waits for it."""
    with _desk(as_) as desk:
        with desk.changing() as session:
            programme = programmes.approve(session, desk.context.now(), desk.principal, programme_id)
        desk.tell("cli.approved", title=programme.title)


@programmes_app.command(name="list")
def list_programmes(as_: As) -> None:
    """The programmes of the person's areas, the newest first."""
    with _desk(as_) as desk, desk.context.database.read() as session:
        table = desk.table("id", "title", "area", "state", "length")
        for view in programmes.listing(session, desk.principal):
            minutes, seconds = divmod(round(view.seconds), 60)
            state = desk.say(f"label.programme_state.{view.state}")
            table.add_row(view.id, view.title, view.area_name, state, f"{minutes}:{seconds:02}")
        console.print(table)


@stations_app.command(name="list")
def list_stations(as_: As) -> None:
    """Every station of the person's areas, and how it is."""
    with _desk(as_) as desk, desk.context.database.read() as session:
        table = desk.table("id", "name", "area", "state", "activity", "heard")
        now, timeout_s = desk.context.now(), desk.context.settings.heartbeat_timeout_s
        for view in stations.listing(session, now, desk.principal, timeout_s):
            table.add_row(*_station_row(desk, view))
        console.print(table)


@stations_app.command(name="code")
def make_code(station_id: str, as_: As) -> None:
    """Make a code with which a new board becomes this station: told once, good for 24 hours."""
    with _desk(as_) as desk:
        with desk.context.database.write() as session:
            now = desk.context.now()
            made = enrolment.make_code(session, now, desk.principal, station_id)
            board = enrolment.board(session, now, desk.principal, station_id, desk.context.signing_key)
        until = moment_text(made.expires_at)
        desk.tell("cli.enrolment_code", code=made.code, until=until, fingerprint=board.controller_fingerprint)


def _station_row(desk: Desk, view: StationView) -> list[str]:
    age_s = view.heartbeat_age_s
    heard = "" if age_s is None else desk.say("cli.seconds_ago", seconds=round(age_s))
    activity = desk.say(f"label.activity.{view.activity}") if view.activity else ""
    state = desk.say(f"label.station_state.{view.state}")
    return [view.id, view.name, view.area_name, state, activity, heard]


@contextmanager
def _desk(username: str) -> Iterator[Desk]:
    with _saying_errors():
        context, _waker = compose(_settings())
        try:
            with context.database.read() as session:
                principal = accounts.principal_named(session, username)
            yield Desk(context, principal)
        finally:
            context.database.close()


@contextmanager
def _saying_errors() -> Iterator[None]:
    """An error that has a sentence ends the command with it, and exit code 1."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, Sayable):
            raise
        errors.print(Texts().say("vi", error.key, **error.params))
        raise typer.Exit(1) from error


def _settings() -> Settings:
    """Raises Invalid `cli.bad_setting`."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"LOABAN_{first['loc'][0]}".upper()
        raise Invalid("cli.bad_setting", name=name, value=str(first["input"])) from error


def _read(file: Path) -> TimetableFile:
    try:
        return load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise Invalid("cli.file_not_text", file=str(file)) from error
    except OSError as error:
        raise Invalid("cli.file_missing", file=str(file)) from error
