"""A board and a controller that have never met: from the technician's code to a station that can run."""

import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import update
from typer.testing import CliRunner, Result

from agent import cli
from agent.settings import load
from audio_library import Store
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.app import create_app
from controller.areas.tables import Area, AreaLevel
from controller.context import Context, system_now
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.enrolment import service
from controller.enrolment.schemas import NewStation
from controller.enrolment.tables import Enrolment
from controller.settings import Settings
from controller.web.texts import Texts
from tests.support.waiting import eventually, free_port
from wire.enrolment import fingerprint_of
from wire.ids import StationKind
from wire.signing import SigningKey

TECHNICIAN = Principal("t", "kythuat", "t", language="vi", grants=((Role.TECHNICIAN, "lao-cai"),))


@dataclass
class Centre:
    """A controller behind a real port."""

    url: str
    context: Context

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.context.signing_key.public_jwk())

    def code(self, station: str) -> str:
        with self.context.database.write() as session:
            return service.make_code(session, self.context.now(), TECHNICIAN, station).code

    def add(self, name: str) -> str:
        wanted = NewStation(name=name, area_id="lao-cai", kind=StationKind.VILLAGE_CLUSTER)
        with self.context.database.write() as session:
            return service.add_station(session, self.context.now(), TECHNICIAN, wanted).id


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    url = f"sqlite:///{tmp_path / 'loaban.db'}"
    upgrade(url)
    database = Database(url)
    with database.write() as session:
        session.add(Area(id="lao-cai", parent_id=None, level=AreaLevel.PROVINCE, name="Tỉnh Lào Cai"))
        person = Person(id="t", username="kythuat", full_name="t", password_hash="-", created_at=system_now())
        person.grants.append(Grant(role=Role.TECHNICIAN, area_id="lao-cai"))
        session.add(person)
    context = Context(
        settings=Settings(data_dir=tmp_path / "data", database_url=url, station_broker_host="mqtt.example"),
        database=database,
        store=Store(tmp_path / "data" / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
    )
    app = create_app(context)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, "the controller listens")
    yield Centre(f"http://127.0.0.1:{port}", context)
    server.should_exit = True
    thread.join(15)
    app.state.desk.close()
    database.close()


@dataclass
class Board:
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "agent.toml"

    @property
    def key(self) -> Path:
        return self.folder / "var" / "board-key.json"

    def enrol(self, centre: Centre, code: str, fingerprint: str | None = None, typed: str = "") -> Result:
        known = centre.fingerprint if fingerprint is None else fingerprint
        words = ["enrol", "--controller", centre.url, "--code", code, "--fingerprint", known]
        places = ["--config", str(self.config), "--state", str(self.folder / "var")]
        return CliRunner().invoke(cli.app, [*words, *places], input=typed)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    (tmp_path / "board" / "etc").mkdir(parents=True)
    return Board(tmp_path / "board")


def test_a_new_board_becomes_a_station(centre: Centre, board: Board) -> None:
    station = centre.add("Cụm loa bản Vược")
    done = board.enrol(centre, centre.code(station))
    assert done.exit_code == 0, done.output
    assert "Cụm loa bản Vược" in done.output
    assert "systemctl enable --now loaban-agent" in done.output
    settings = load(board.config)
    assert settings.station == station
    assert settings.state_dir == board.folder / "var" / station
    assert settings.broker.host == "mqtt.example"
    assert settings.controller_keys[0]["x"] == centre.context.signing_key.public_jwk()["x"]
    for secret in (board.config, board.key):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    with centre.context.database.read() as session:
        known = session.query(Enrolment).one().public_key
    own = SigningKey.from_json(board.key.read_text())
    assert known == {name: own.public_jwk()[name] for name in ("kty", "crv", "x")}
    private = own.to_json().split('"d": "')[1].split('"')[0]
    assert private not in (board.config.read_text() + done.output)


def test_whoever_disagrees_about_the_key_writes_nothing_and_may_ask_again(
    centre: Centre, board: Board
) -> None:
    code = centre.code(centre.add("Đài xã"))
    done = board.enrol(centre, code, fingerprint="AAAA BBBB CCCC DDDD")
    assert done.exit_code == 2
    assert "Chưa ghi gì" in done.output
    assert not board.config.exists()
    with centre.context.database.read() as session:
        assert session.query(Enrolment).one().public_key is None
    asked = board.enrol(centre, code, fingerprint="", typed="n\n")
    assert centre.fingerprint in asked.output
    assert not board.config.exists()
    assert board.enrol(centre, code, fingerprint="", typed="có\n").exit_code == 0
    assert board.config.exists()


def test_a_second_board_and_a_late_one_are_told_why(centre: Centre, board: Board, tmp_path: Path) -> None:
    station = centre.add("Đài xã")
    code = centre.code(station)
    assert board.enrol(centre, code).exit_code == 0
    (tmp_path / "second" / "etc").mkdir(parents=True)
    second = Board(tmp_path / "second")
    refused = second.enrol(centre, code)
    assert refused.exit_code == 2
    assert "đã được một bo mạch khác dùng" in refused.output
    late = centre.code(station)
    with centre.context.database.write() as session:
        session.execute(update(Enrolment).values(expires_at=centre.context.now() - timedelta(minutes=1)))
    assert "đã hết hạn" in second.enrol(centre, late).output
    assert "không đúng" in second.enrol(centre, "ACEFG-HJKMN").output


def test_a_board_that_moves_starts_anew_and_keeps_its_own_settings(centre: Centre, board: Board) -> None:
    assert board.enrol(centre, centre.code(centre.add("Cụm loa một"))).exit_code == 0
    kept = board.config.read_text().replace('device = ""', 'device = "hw:1"', 1)
    board.config.write_text(kept)
    key = board.key.read_text()
    assert board.enrol(centre, centre.code(centre.add("Cụm loa hai"))).exit_code == 0
    settings = load(board.config)
    assert (settings.station, settings.speaker.device) == ("cum-loa-hai", "hw:1")
    assert settings.state_dir.name == "cum-loa-hai"
    assert board.key.read_text() == key
