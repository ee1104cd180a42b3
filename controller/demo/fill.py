"""Fills the demo, once: areas, people, stations with settings files, programmes, a timetable, alerts."""

import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

import schedules
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.areas import service as areas
from controller.areas.tables import AreaLevel
from controller.context import Context
from controller.demo import alerts, data
from controller.demo.data import Demo, DemoPerson
from controller.loading import load_programmes
from controller.programmes import service as programmes
from controller.programmes.tables import ProgrammeState
from controller.stations import fed
from controller.stations import service as stations
from controller.timetable import service as timetable
from schedules.timetable_file import load

_EXAMPLES: Final = Path(schedules.__file__).parent / "examples"
_EASY_TO_READ: Final = "abcdefghkmnpqrstuvwxyz23456789"
_LENGTH: Final = 10
_FEW_STATIONS_S: Final = 1
"""Stations wait before they connect, so that a province does not come at once; these are a handful."""

Tell = Callable[..., None]
Passwords = dict[str, str]


def fill(context: Context, tell: Tell) -> None:
    """Make what is not there yet; what somebody changed since stays. `tell` hears catalogue keys."""
    demo, folder = data.load(), context.settings.data_dir / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    passwords = _passwords(folder / "people.toml", demo.people)
    is_kept = [
        _once(folder / "filled", lambda: _fill_daily(context, demo, passwords, tell)),
        _once(folder / "filled-clusters", lambda: _fill_clusters(context, demo)),
        _once(folder / "filled-alerts", lambda: _fill_alerts(context, demo, passwords, tell)),
    ]
    if all(is_kept):
        tell("cli.demo_kept")
    for station in demo.stations:
        _write_agent_file(context, folder / "stations" / station.id, station.id)
    tell("cli.demo_stations", count=len(demo.stations))


def _once(done: Path, work: Callable[[], None]) -> bool:
    """True if it was done before. Work that was interrupted is taken up again."""
    if done.exists():
        return True
    work()
    done.touch()
    return False


def _fill_daily(context: Context, demo: Demo, passwords: Passwords, tell: Tell) -> None:
    with context.database.write() as session:
        tell("cli.demo_areas", count=_add_areas(session, demo))
        _add_people(context, session, demo, passwords)
        tell("cli.demo_people", count=len(demo.people))
        for station in demo.stations:
            if not stations.known(session, [station.id]):
                stations.add(
                    session,
                    context.now(),
                    station.id,
                    station.area,
                    station.name,
                    kind=station.kind,
                    languages=(),
                )
    _fill_library(context, demo, tell)


def _fill_clusters(context: Context, demo: Demo) -> None:
    with context.database.write() as session:
        for cluster in demo.clusters:
            station = stations.get(session, cluster.station)
            if cluster.name not in {one.name for one in fed.of(session, station)}:
                fed.put(session, context.now(), station, cluster.form())


def _fill_alerts(context: Context, demo: Demo, passwords: Passwords, tell: Tell) -> None:
    """Also in a demo that was filled when there were no alerts yet."""
    with context.database.write() as session:
        _add_people(context, session, demo, passwords)
    tell("cli.demo_standing_begins")
    tell("cli.demo_standing", count=alerts.fill(context, data.load_standing()))


def _add_areas(session: Session, demo: Demo) -> int:
    added = areas.load_lao_cai(session)
    for village in demo.villages:
        if not areas.names(session, [village.id]):
            areas.add_area(
                session,
                parent_id=village.parent,
                level=AreaLevel.VILLAGE,
                name=village.name,
                area_id=village.id,
            )
            added += 1
    return added


def _add_people(context: Context, session: Session, demo: Demo, passwords: Passwords) -> None:
    for person in demo.people:
        if not accounts.is_known(session, person.username):
            accounts.add_person(
                session,
                context.now(),
                person.username,
                person.name,
                password=passwords[person.username],
                grants=[(role, area_id) for role, area_ids in person.grants.items() for area_id in area_ids],
            )


def _fill_library(context: Context, demo: Demo, tell: Tell) -> None:
    """As people do it: the operator loads and submits, the approver approves, the operator schedules."""
    file = load((_EXAMPLES / demo.timetable).read_text(encoding="utf-8"))
    with context.database.read() as session:
        operator = accounts.principal_named(session, demo.operator)
        approver = accounts.principal_named(session, demo.approver)
    load_programmes(context, operator, file, _EXAMPLES, lambda title: tell("cli.working_on", title=title))
    _approve(context, approver, [entry.id for entry in file.programmes])
    with context.database.write() as session:
        timetable.import_timetable(session, context.now(), operator, file)


def _approve(context: Context, approver: Principal, programme_ids: Iterable[str]) -> None:
    """Those that wait for it, also from a first fill that was interrupted."""
    with context.database.write() as session:
        for programme_id in programme_ids:
            if programmes.get(session, approver, programme_id).state is ProgrammeState.SUBMITTED:
                programmes.approve(session, context.now(), approver, programme_id)


def _passwords(path: Path, people: list[DemoPerson]) -> Passwords:
    """One of its own for each person, made once and kept where only the owner of the demo can read it."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    new = [person for person in people if person.username not in tomllib.loads(text)]
    if new:
        text = "\n".join([*([text] if text else []), *(_entry(person) for person in new)])
        draft = path.with_suffix(".new")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    return {username: str(entry["password"]) for username, entry in tomllib.loads(text).items()}


def _entry(person: DemoPerson) -> str:
    password = "".join(secrets.choice(_EASY_TO_READ) for _ in range(_LENGTH))
    roles = json.dumps([role.value for role in person.grants])
    return f'[{person.username}]\nname = "{person.name}"\nroles = {roles}\npassword = "{password}"\n'


def _write_agent_file(context: Context, folder: Path, station_id: str) -> None:
    """Written anew each time: addresses may have changed. The station's own state is beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings, key = context.settings, context.signing_key.public_jwk()
    jwk = ", ".join(f'{name} = "{value}"' for name, value in key.items())
    (folder / "agent.toml").write_text(
        f'station = "{station_id}"\n'
        'state_dir = "state"\n'
        f"controller_keys = [{{ {jwk} }}]\n"
        'clock = "assume_trusted"\n'
        f'\n[broker]\nhost = "{settings.broker_host}"\nport = {settings.broker_port}\n'
        f"retry_first_s = {_FEW_STATIONS_S}\n",
        encoding="utf-8",
    )
