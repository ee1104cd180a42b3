"""Whole controllers without HTTP: real broker, real database file, the parts composed as the program does."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import create_engine

from audio_library import Store
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.areas.tables import Area, AreaLevel
from controller.boards.desk import Desk
from controller.boards.receipts import Receipts
from controller.clockwork.jobs import jobs
from controller.clockwork.service import Clockwork
from controller.clockwork.waker import Waker
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.dispatch.publisher import Publisher
from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.recording import record
from controller.emergency.tables import ActKind
from controller.media.tables import Sound
from controller.mqtt.broker import EmbeddedBroker
from controller.mqtt.intake import Intake
from controller.mqtt.link import Link
from controller.programmes.tables import Programme, ProgrammeState
from controller.settings import Settings
from controller.stations import service as stations
from controller.web.texts import Texts
from schedules.category import Category
from tests.support.desks import Place
from tests.support.postgres import PROGRAMS, Postgres
from wire.alerts import Alert, Voice
from wire.ids import AlertKind, LatenessRule, Severity, StationKind
from wire.messages import Item, Lateness
from wire.signing import SigningKey

COMMUNE = "bat-xat"
STATIONS = ("dai-bat-xat", "cum-loa-1", "cum-loa-2")


@dataclass(frozen=True)
class Address:
    host: str
    port: int


@pytest.fixture(params=["mosquitto", "embedded"])
async def any_broker(request: pytest.FixtureRequest, free_address: Address) -> AsyncIterator[Address]:
    """Every kind of broker that the controller is meant for."""
    if request.param == "mosquitto":
        made = request.getfixturevalue("broker")
        yield Address(made.host, made.port)
        return
    broker = EmbeddedBroker(free_address.host, free_address.port)
    await broker.start()
    running = asyncio.create_task(broker.run())
    yield free_address
    running.cancel()
    await asyncio.wait([running])


@pytest.fixture
def free_address() -> Address:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address("127.0.0.1", int(probe.getsockname()[1]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    if not PROGRAMS:
        pytest.skip("no PostgreSQL on this machine")
    # pytest's own folders let nobody else through.
    with tempfile.TemporaryDirectory() as temporary:
        made = Postgres.make(Path(temporary))
        yield made
        made.stop()


@pytest.fixture
def new_database_url(postgres: Postgres) -> str:
    """A database of PostgreSQL without tables."""
    name = f"t{uuid4().hex}"
    admin = create_engine(f"{postgres.url}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.dispose()
    return f"{postgres.url}/{name}"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'loaban.db'}"
    upgrade(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def operator(database: Database) -> Principal:
    """Bát Xát with three stations, an approved programme of 30 s, and this operator of it."""
    now = datetime.now(UTC)
    with database.write() as session:
        session.add(Area(id="lao-cai", level=AreaLevel.PROVINCE, name="Tỉnh Lào Cai"))
        session.flush()
        session.add(Area(id=COMMUNE, parent_id="lao-cai", level=AreaLevel.COMMUNE, name="Xã Bát Xát"))
        session.flush()
        person = Person(id="canbo", username="canbo", full_name="Mai", password_hash="-", created_at=now)
        person.grants.append(Grant(role=Role.OPERATOR, area_id=COMMUNE))
        session.add(person)
        session.flush()
        for station_id in STATIONS:
            stations.add(session, now, station_id, COMMUNE, station_id, kind=StationKind.VILLAGE_CLUSTER)
        session.add(
            Sound(
                sha256="5a" * 32,
                source_sha256="c3" * 32,
                recipe="plain",
                seconds=30.0,
                size_bytes=90_000,
                source_lufs=-23.0,
                source_true_peak_dbtp=-3.0,
                lufs=-16.0,
                true_peak_dbtp=-2.0,
                peaks=[0, 1],
                created_at=now,
            )
        )
        session.flush()
        session.add(
            Programme(
                id="ban-tin",
                area_id=COMMUNE,
                title="Bản tin",
                category=Category.GENERAL,
                language="vi",
                sound_sha256="5a" * 32,
                state=ProgrammeState.APPROVED,
                created_by="canbo",
                created_at=now,
            )
        )
    return Principal("canbo", "canbo", "Mai", "vi", ((Role.OPERATOR, COMMUNE),))


@dataclass
class Controller:
    context: Context
    waker: Waker
    link: Link
    intake: Intake
    clockwork: Clockwork
    desk: Desk
    desk_link: Link
    receipts: Receipts
    task: "asyncio.Task[None] | None" = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """Once; what one of its parts raised is raised here."""
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            self.context.database.close()
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def run(self) -> None:
        """Until cancelled; the desk leaves first, as in the program."""
        parts = (self.link, self.desk_link, self.intake, self.receipts, self.clockwork)
        async with asyncio.TaskGroup() as group:
            desk = group.create_task(self.desk.run())
            for part in parts:
                group.create_task(part.run())
            try:
                await asyncio.wait([desk])
            finally:
                desk.cancel()
                await asyncio.wait([desk])


StartController = Callable[..., Awaitable[Controller]]
Record = Callable[[Context, Act], bool]


@pytest.fixture
def signing_key() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture
async def start_controller(
    tmp_path: Path, database_url: str, signing_key: SigningKey
) -> AsyncIterator[StartController]:
    """Each call is one more controller process's worth of parts on the same database."""
    running: list[Controller] = []

    async def start(address: Address, *, record: Record = record, data: str = "") -> Controller:
        waker = Waker()
        context = Context(
            settings=Settings(
                data_dir=tmp_path / (data or f"data-{len(running)}"), database_url=database_url
            ),
            database=Database(database_url),
            store=Store(tmp_path / "library"),
            texts=Texts(),
            signing_key=signing_key,
            wake=waker.wake,
        )
        link = Link(address.host, address.port, f"controller-{context.process_id}")
        publisher = Publisher(context, link)
        link.greet(lambda _connection: waker.wake("dispatch"))
        desk_link = Link(address.host, address.port, f"controller-{context.process_id}-desk")
        desk = Desk(context, desk_link, record)
        clockwork = Clockwork(context, jobs(context, publisher, desk), waker, tick_s=0.2)
        intake = Intake(context, link, every_s=0.1, heed_versions=desk.heed_versions)
        receipts = Receipts(context, link, every_s=0.05, pending=desk.pending)
        made = Controller(context, waker, link, intake, clockwork, desk, desk_link, receipts)
        await asyncio.to_thread(desk.load)
        made.start()
        running.append(made)
        return made

    yield start
    for made in running:
        await made.stop()


@pytest.fixture
def context(tmp_path: Path, database_url: str, database: Database, signing_key: SigningKey) -> Context:
    """For work beside the controllers."""
    return Context(
        settings=Settings(data_dir=tmp_path / "beside", database_url=database_url),
        database=database,
        store=Store(tmp_path / "library"),
        texts=Texts(),
        signing_key=signing_key,
        wake=lambda _name: None,
    )


@dataclass
class Ear:
    """Hears everything that goes through the broker, and says what stations say."""

    client: mqtt.Client
    heard: list[tuple[str, bytes, bool]] = field(default_factory=list)

    def count(self, *, retained: bool = False) -> Counter[tuple[str, bytes]]:
        """How often each payload came on each topic; `retained` counts those told from memory."""
        return Counter((topic, payload) for topic, payload, old in list(self.heard) if old is retained)

    def on(self, topic: str) -> list[bytes]:
        return [payload for heard_on, payload, _ in list(self.heard) if heard_on == topic]

    def say(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos=1, retain=retain)


@pytest.fixture
def listen() -> Iterator[Callable[[Address], Awaitable[Ear]]]:
    made: list[mqtt.Client] = []

    async def start(address: Address) -> Ear:
        client = mqtt.Client(CallbackAPIVersion.VERSION2)
        ear, ready = Ear(client), asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_connect(*_: Any) -> None:
            client.subscribe("loaban/1/#", qos=1)

        def on_subscribe(*_: Any) -> None:
            loop.call_soon_threadsafe(ready.set)

        client.on_connect, client.on_subscribe = on_connect, on_subscribe
        client.on_message = lambda _c, _d, message: ear.heard.append(
            (message.topic, bytes(message.payload), message.retain)
        )
        made.append(client)
        await asyncio.to_thread(client.connect, address.host, address.port)
        client.loop_start()
        await asyncio.wait_for(ready.wait(), 5)
        return ear

    yield start
    for client in made:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def until() -> Callable[..., Awaitable[Any]]:
    """The first truthy answer of `look`, or a failure that says what was waited for."""

    async def wait(look: Callable[[], Any], what: str, within_s: float = 10.0) -> Any:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if answer := await asyncio.to_thread(look):
                return answer
            await asyncio.sleep(0.02)
        raise AssertionError(f"not within {within_s} s: {what}")

    return wait


@pytest.fixture
def make_act() -> Callable[..., Act]:
    """An act on an alert in Bát Xát, as the service would build it now."""

    def make(
        alert_id: str = "kc-20261123-0000000a",
        revision: int = 1,
        what: ActKind = ActKind.PRESS,
        *,
        area_ids: tuple[str, ...] = (COMMUNE,),
        validity_s: float = 3600.0,
        at: datetime | None = None,
        silent: bool = False,
    ) -> Act:
        now = at or datetime.now(UTC)
        item = Item(sha256="5a" * 32, seconds=30.0, size_bytes=90_000)
        alert = Alert(
            id=alert_id,
            revision=revision,
            sounding=f"{alert_id}-r{revision}@{now:%Y%m%dT%H%M%SZ}",
            kind=AlertKind.FLOOD,
            severity=Severity.SEVERE,
            title="Lũ quét",
            sent_at=now,
            expires_at=now + timedelta(seconds=validity_s),
            signal=item,
            voices=(Voice(language="vi", items=(item,)),),
            lateness=Lateness(rule=LatenessRule.CONTINUE, grace_s=validity_s),
        )
        content = Content(kind=AlertKind.FLOOD, severity=Severity.SEVERE, title="Lũ quét", area_ids=area_ids)
        return Act(
            alert_id=alert_id,
            revision=revision,
            what=what,
            person_id=None,
            at=now,
            content=content,
            area_ids=area_ids,
            alert=None if silent else alert,
            seconds=94.0,
        )

    return make


@pytest.fixture
def furnish(
    database: Database,
    operator: Principal,
    signing_key: SigningKey,
    make_act: Callable[..., Act],
    until: Callable[..., Awaitable[Any]],
    start_controller: StartController,
    listen: Callable[[Address], Awaitable[Ear]],
) -> Callable[[Any], Place]:
    """Everything around a desk, on this broker."""
    return lambda broker: Place(broker, database, signing_key, make_act, until, start_controller, listen)


@pytest.fixture
def place(furnish: Callable[[Any], Place], broker: Any) -> Place:
    return furnish(broker)


@pytest.fixture
def any_place(furnish: Callable[[Any], Place], any_broker: Address) -> Place:
    return furnish(any_broker)
