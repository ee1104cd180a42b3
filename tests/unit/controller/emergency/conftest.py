"""Stations, officers, sounds and approved messages, so that an alert can be composed and pressed.

Stations: `loa-1` and `loa-2` in the two villages of Bát Xát, `dai-xa` in the commune itself, `loa-mh` in
Mường Hum; `loa-kho` lies in a store. `loa-2` cannot be reached. Officers: `alert_officer` and `second` of the
province, `district` of Mường Hum only.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from audio_library import Store
from controller.accounts import service as accounts
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.app import create_app
from controller.context import Context
from controller.db.session import Database
from controller.emergency import signals
from controller.emergency.tables import StandingMessage, StandingState
from controller.media.tables import Sound
from controller.settings import Settings
from controller.stations import service as stations
from controller.stations.tables import StationPicture
from controller.web.texts import Texts
from tests.support import emergency
from wire.ids import StationKind
from wire.signing import SigningKey

XA = "bat-xat-02683"
OFFICERS = (("second", "lao-cai"), ("district", "muong-hum-02728"))
STATIONS = (
    ("dai-xa", XA, "Đài xã", StationKind.COMMUNE_STATION, True),
    ("loa-1", "bat-xat-thon-1", "Cụm loa 1", StationKind.VILLAGE_CLUSTER, True),
    ("loa-2", "bat-xat-thon-2", "Cụm loa 2", StationKind.VILLAGE_CLUSTER, False),
    ("loa-mh", "muong-hum-02728", "Cụm loa Mường Hum", StationKind.VILLAGE_CLUSTER, True),
)
SOUNDS = {"flood-vi": 20.0, "notice-vi": 3.0, "clear-vi": 6.0, "flood-hmn": 25.0, "fresh-vi": 12.0}
FORM: dict[str, Any] = {
    "kind": "flood",
    "severity": "severe",
    "title": "Lũ trên suối Lũng Pô",
    "area_ids": [XA],
    "voices": [{"language": "vi", "source": "standing"}],
}


@pytest.fixture
def officers(
    database: Database, people: Mapping[str, Principal], password_hash: str, now: datetime
) -> Mapping[str, Principal]:
    """By name."""
    found = {"alert_officer": people["alert_officer"]}
    with database.write() as session:
        for name, area_id in OFFICERS:
            person = Person(
                id=name, username=name, full_name=name, password_hash=password_hash, created_at=now
            )
            person.grants.append(Grant(role=Role.ALERT_OFFICER, area_id=area_id))
            session.add(person)
            found[name] = Principal(name, name, name, "vi", ((Role.ALERT_OFFICER, area_id),))
    return found


@pytest.fixture
def hear_from(database: Database) -> Callable[..., None]:
    """A heartbeat of a station reaches us, with what it says of its standing sounds."""

    def hear(station_id: str, at: datetime, standing: dict[str, Any] | None = None) -> None:
        with database.write() as session:
            picture = session.get(StationPicture, station_id)
            if picture is None:
                picture = StationPicture(station_id=station_id, online=True, presence_at=at)
                session.add(picture)
            picture.heartbeat_at = at
            picture.heartbeat = {"standing": standing} if standing else {}

    return hear


@pytest.fixture
def fleet(
    database: Database, area_tree: tuple[str, ...], now: datetime, hear_from: Callable[..., None]
) -> tuple[str, ...]:
    """The ids of the installed stations."""
    with database.write() as session:
        for station_id, area_id, name, kind, _ in STATIONS:
            stations.add(session, now, station_id, area_id, name, kind=kind, languages=())
        stations.add(
            session, now, "loa-kho", XA, "Loa trong kho", kind=StationKind.VILLAGE_CLUSTER, installed=False
        )
    for station_id, _, _, _, reachable in STATIONS:
        if reachable:
            hear_from(station_id, now - timedelta(seconds=5))
    return tuple(row[0] for row in STATIONS)


def _sound(digest: str, source: str, seconds: float, now: datetime, recipe: str = "plain") -> Sound:
    return Sound(
        sha256=digest,
        source_sha256=source,
        recipe=recipe,
        seconds=seconds,
        size_bytes=int(seconds * 3000),
        source_lufs=-20.0,
        source_true_peak_dbtp=-3.0,
        lufs=-16.0,
        true_peak_dbtp=-2.0,
        peaks=[0, 50],
        created_at=now,
    )


@pytest.fixture(scope="session")
def signal_sounds(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> list[dict[str, Any]]:
    """The rows of the four signals, made once by the real thing."""
    folder = tmp_path_factory.mktemp("signals")
    shutil.copyfile(migrated_file, folder / "made.db")
    database = Database(f"sqlite:///{folder / 'made.db'}")
    context = Context(
        settings=Settings(data_dir=folder),
        database=database,
        store=Store(folder / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
    )
    signals.ensure(context)
    columns = [column.name for column in Sound.__table__.columns]
    with database.read() as session:
        rows = [{name: getattr(row, name) for name in columns} for row in session.query(Sound)]
    database.close()
    return rows


@pytest.fixture
def library(database: Database, signal_sounds: list[dict[str, Any]], now: datetime) -> Mapping[str, str]:
    """The digest of each sound by name; the signals are there, too."""
    digests = {name: f"{number:x}" * 64 for number, name in enumerate(SOUNDS, start=10)}
    with database.write() as session:
        session.add_all(Sound(**row) for row in signal_sounds)
        session.add_all(_sound(digests[name], digests[name], SOUNDS[name], now) for name in SOUNDS)
    return digests


@pytest.fixture
def messages(
    database: Database, officers: Mapping[str, Principal], library: Mapping[str, str], now: datetime
) -> None:
    """Approved for the province: flood, drill notice and all-clear, in Vietnamese."""
    ready = (("flood", "flood-vi"), ("drill_notice", "notice-vi"), ("all_clear", "clear-vi"))
    with database.write() as session:
        for use, sound in ready:
            session.add(
                StandingMessage(
                    id=use,
                    use=use,
                    language="vi",
                    area_id="lao-cai",
                    text=f"Lời mẫu {use}",
                    sound_sha256=library[sound],
                    state=StandingState.APPROVED,
                    made_by="alert_officer",
                    made_at=now,
                    decided_by="second",
                    decided_at=now,
                )
            )


@pytest.fixture
def form() -> dict[str, Any]:
    """A flood alert of Bát Xát with the standing message."""
    return dict(FORM)


@pytest.fixture
def sign_in(
    context: Context, officers: Mapping[str, Principal], fleet: tuple[str, ...], messages: None
) -> Iterator[Callable[[str], TestClient]]:
    """The API as a person uses it; one app for all of them."""
    app = create_app(context)
    with TestClient(app) as _running:

        def enter(username: str) -> TestClient:
            with context.database.write() as session:
                token = accounts.open_sign_in(session, context.now(), username, hours=200)
            return TestClient(app, headers={"Authorization": f"Bearer {token}"})

        yield enter
    app.state.desk.close()


@pytest.fixture
def officer(sign_in: Callable[[str], TestClient]) -> TestClient:
    return sign_in("alert_officer")


@pytest.fixture
def second(sign_in: Callable[[str], TestClient]) -> TestClient:
    return sign_in("second")


@pytest.fixture
def two_people(context: Context) -> None:
    """In the province, from severe up, an alert needs two people."""
    path = context.settings.data_dir / "emergency.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('[[two_people]]\narea = "lao-cai"\nfrom_severity = "severe"\n', encoding="utf-8")


@pytest.fixture
def pressed(officer: TestClient, form: dict[str, Any]) -> str:
    """An alert in force; its id."""
    alert = emergency.draft(officer, form)
    emergency.act(officer, alert, "press", **emergency.HELD)
    return alert
