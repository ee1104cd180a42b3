"""CAP messages over a real broker: signed ones are followed, whatever else anybody publishes is not."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.publish as mqtt
import pytest
from lxml import etree
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from controller.cap import queries
from controller.cap.listening import Listening
from controller.cap.sign import CapSigner
from controller.cap.tables import CapMessageRow, CapVerdict
from controller.mqtt.link import Inbound, Link
from tests.support.broker import Broker
from tests.support.cap import SENDER, message
from tests.support.cap_world import CapWorld, make_world, prepared_database
from tests.support.waiting import eventually

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TOPIC = "loaban/1/cap/kttv"


@pytest.fixture(scope="module")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_database(tmp_path_factory.mktemp("cap"), NOW)


@pytest.fixture
def world(tmp_path: Path, prepared_file: Path) -> Iterator[CapWorld]:
    made = make_world(tmp_path / "world", prepared_file, NOW)
    yield made
    made.close()


@pytest.fixture
def signer(world: CapWorld) -> CapSigner:
    """The source's; `cap.toml` names its certificate."""
    folder = world.context.settings.data_dir
    made = CapSigner.load_or_make(folder / "kttv", "kttv", NOW)
    (folder / "cap.toml").write_text(
        f'[[source]]\nname = "kttv"\nsenders = ["{SENDER}"]\ncertificate = "kttv/cap-signing.pem"\n'
        '[[source.rule]]\nareas = ["lao-cai"]\naction = "fire"\n'
    )
    return made


def signed(raw: bytes, signer: CapSigner) -> bytes:
    return etree.tostring(signer.signed(etree.fromstring(raw)))


async def until_kept(world: CapWorld, count: int) -> list[CapMessageRow]:
    def enough() -> list[CapMessageRow] | None:
        found = list(world.messages())
        return found if len(found) >= count else None

    return await asyncio.to_thread(eventually, enough, "messages are kept")


async def test_signed_messages_are_followed_and_others_kept(
    world: CapWorld, signer: CapSigner, broker: Broker, tmp_path: Path
) -> None:
    link = Link(broker.host, broker.port, "controller")
    listening = Listening(world.context, link, world.reception)
    stranger = CapSigner.load_or_make(tmp_path / "stranger", "kttv", NOW)
    good = signed(message(NOW), signer)
    sent = [
        ("loaban/1/cap/nobody", good),
        (TOPIC, message(NOW)),
        (TOPIC, signed(message(NOW), stranger)),
        (TOPIC, b"\x00\xff"),
        (TOPIC, good),
        (TOPIC, good),
    ]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(part.run()) for part in (link, listening)]
        await asyncio.to_thread(eventually, lambda: link.connection, "the link stands")
        for topic, payload in sent:
            mqtt.single(topic, payload, qos=1, hostname=broker.host, port=broker.port)
        kept = await until_kept(world, 4)
        for task in running:
            task.cancel()
    assert [row.reason for row in kept] == ["cap.not_signed_mqtt", "cap.bad_signature", "cap.not_xml", None]
    assert kept[-1].verdict is CapVerdict.FIRED
    assert len(world.performed) == 1
    assert listening.refused == {"unknown_source": 1}


def inbound(payload: bytes, topic: str = TOPIC) -> Inbound:
    return Inbound(topic, payload, retained=False, received_at=NOW, connection=1)


async def test_a_database_that_fails_for_a_moment_loses_no_message(
    world: CapWorld, signer: CapSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.cap.listening._RETRY_S", 0.01)
    take_new, failures = world.reception.take_new, [OperationalError("x", {}, OSError()) for _ in range(3)]

    def shaky(arrival: object) -> object:
        if failures:
            raise failures.pop()
        return take_new(arrival)  # type: ignore[arg-type]

    monkeypatch.setattr(world.reception, "take_new", shaky)
    listening = Listening(world.context, Link("127.0.0.1", 1, "x"), world.reception)
    listening.hear(inbound(signed(message(NOW), signer)))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(listening.run())
        assert [row.verdict for row in await until_kept(world, 1)] == [CapVerdict.FIRED]
        running.cancel()


async def test_one_that_the_database_refuses_holds_up_no_other(
    world: CapWorld, signer: CapSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_new = world.reception.take_new
    failures: list[Exception] = [OSError(), IntegrityError("x", {}, OSError()), DataError("x", {}, OSError())]

    def picky(arrival: object) -> object:
        if failures:
            raise failures.pop()
        return take_new(arrival)  # type: ignore[arg-type]

    monkeypatch.setattr(world.reception, "take_new", picky)
    listening = Listening(world.context, Link("127.0.0.1", 1, "x"), world.reception)
    for payload in (b"1", b"2", b"3", signed(message(NOW), signer)):
        listening.hear(inbound(payload))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(listening.run())
        assert [row.verdict for row in await until_kept(world, 1)] == [CapVerdict.FIRED]
        running.cancel()
    assert listening.refused == {"not_taken": 3}


def test_a_flood_of_forgeries_leaves_little_behind_and_no_genuine_message_out(
    world: CapWorld, signer: CapSigner
) -> None:
    listening = Listening(world.context, Link("127.0.0.1", 1, "x"), world.reception)
    for number in range(40):
        listening.take(inbound(message(NOW, f"F-{number}")))
    kept = world.messages()
    assert {row.reason for row in kept} == {"cap.not_signed_mqtt"}
    assert all(row.raw == b"" and row.sender for row in kept)
    assert len(kept) + listening.refused["not_signed"] == 40
    assert len(kept) <= 10
    with world.context.database.read() as session:
        assert not queries.of_sender(session, SENDER, NOW - timedelta(days=1))
    listening.take(inbound(signed(message(NOW), signer)))
    assert world.messages()[-1].verdict is CapVerdict.FIRED
    world.clock[0] += timedelta(hours=1)
    listening.take(inbound(message(NOW, "F-later")))
    assert world.messages()[-1].identifier == "F-later"


def test_what_does_not_fit_is_counted(world: CapWorld) -> None:
    listening = Listening(world.context, Link("127.0.0.1", 1, "x"), world.reception)
    for _ in range(6):
        listening.hear(inbound(b"x" * 4_000_000))
    assert listening.refused == {"no_room": 1}


def test_with_a_broken_file_of_sources_nothing_is_taken(world: CapWorld, signer: CapSigner) -> None:
    (world.context.settings.data_dir / "cap.toml").write_text("[[source")
    listening = Listening(world.context, Link("127.0.0.1", 1, "x"), world.reception)
    listening.take(inbound(signed(message(NOW), signer)))
    assert listening.refused == {"unknown_source": 1}
    assert not world.messages()
