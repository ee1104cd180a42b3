"""An alert's whole life in PostgreSQL, where the machine has one: every statement of ours, once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audio_library import Store
from controller.accounts.rules import Principal
from controller.accounts.tables import Grant, Person, Role
from controller.areas.tables import Area, AreaLevel
from controller.context import Context
from controller.db.migrate import upgrade
from controller.db.session import Database
from controller.emergency import acting, drafts, reach, recording, service, signals, standing, views
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Actor, Somebody
from controller.emergency.acts import Act
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.schemas import StandingForm
from controller.emergency.tables import AlertReceiptRow, AlertState
from controller.media.tables import Sound
from controller.playback.tables import Playback
from controller.settings import Settings
from controller.stations import service as stations
from controller.stations.tables import StationPicture
from controller.web.texts import Texts
from wire.ids import AlertKind, ClockTrust, Outcome, Severity, StationKind
from wire.signing import SigningKey

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
OFFICERS = tuple(Principal(name, name, name, "vi", ((Role.ALERT_OFFICER, "tinh"),)) for name in ("a", "b"))


@pytest.fixture
def context(tmp_path: Path, new_database_url: str) -> Iterator[Context]:
    upgrade(new_database_url)
    database = Database(new_database_url)
    made = Context(
        settings=Settings(data_dir=tmp_path, database_url=new_database_url),
        database=database,
        store=Store(tmp_path / "library"),
        texts=Texts(),
        signing_key=SigningKey.generate(),
        wake=lambda _name: None,
        now=lambda: NOW,
    )
    signals.ensure(made)
    _fill(made)
    yield made
    database.close()


def _fill(context: Context) -> None:
    with context.database.write() as session:
        session.add(Area(id="tinh", level=AreaLevel.PROVINCE, name="Tỉnh"))
        session.flush()
        session.add(Area(id="xa", parent_id="tinh", level=AreaLevel.COMMUNE, name="Xã"))
        session.flush()
        for officer in OFFICERS:
            name = officer.person_id
            person = Person(id=name, username=name, full_name=name, password_hash="-", created_at=NOW)
            person.grants.append(Grant(role=Role.ALERT_OFFICER, area_id="tinh"))
            session.add(person)
        for name in ("loa-1", "loa-2"):
            stations.add(session, NOW, name, "xa", name, kind=StationKind.VILLAGE_CLUSTER, languages=())
        held = {"standing": {"held": 4, "wanted": 5, "missing": [_voice(context)]}}
        session.add(StationPicture(station_id="loa-1", online=True, heartbeat_at=NOW, heartbeat=held))


def _voice(context: Context) -> str:
    """Any sound will do."""
    with context.database.read() as session:
        return min(row.sha256 for row in session.query(Sound))


def test_an_alert_from_its_draft_to_its_all_clear(context: Context) -> None:
    first, second = OFFICERS
    form = StandingForm(use="flood", language="vi", area_id="tinh", text="Lũ", sound_sha256=_voice(context))
    with context.database.write() as session:
        message = standing.make(session, NOW, first, form)
        standing.approve(session, NOW, second, message.id)
        (listed,) = standing.listing(session, first)
    assert (listed.in_use, listed.lacking_names, listed.not_told) == (True, ("loa-1",), 1)
    content = Content(
        kind=AlertKind.FLOOD,
        severity=Severity.SEVERE,
        area_ids=("xa",),
        voices=(VoiceContent(language="vi", source=Source.STANDING),),
    )
    with context.database.write() as session:
        alert = drafts.create(session, NOW, first, content).id
    with context.database.read() as session:
        press = acting.press(Actor(session, context, NOW, first), alert, Confirmation("held"))
    assert [recording.record(context, press) for _ in range(2)] == [True, False]
    _tell(context, press)
    with context.database.read() as session:
        board = views.live(Somebody(session, context, NOW, first), alert)
        assert (board.counts.finished, board.counts.unreachable) == (1, 1)
        assert reach.of(session, NOW, ["tinh"]).reachable == 1

    later = NOW + timedelta(minutes=5)
    with context.database.write() as session:
        drafts.edit(Actor(session, context, later, first), alert, content)
    with context.database.read() as session:
        update = acting.update(Actor(session, context, later, second), alert, Confirmation("held"))
        cancel = acting.cancel(Actor(session, context, later, second, (update,)), alert, all_clear=True)
    for act in (cancel, update):
        assert recording.record(context, act)
    with context.database.read() as session:
        found = service.get(Somebody(session, context, later, first), alert)
        (line,) = service.listing(Somebody(session, context, later, first), [AlertState.CANCELLED])
    assert [one.act for one in found.history] == ["cancel", "update", "press"]
    assert all(one.cap_identifier for one in found.history)
    assert (line.id, line.ended_at) == (alert, later)


def _tell(context: Context, act: Act) -> None:
    """The first station has received it, and played the whole."""
    assert act.alert is not None
    sounding = act.alert.sounding
    with context.database.write() as session:
        session.add(
            AlertReceiptRow(
                sounding=sounding,
                station_id="loa-1",
                alert_id=act.alert_id,
                received_at=NOW,
                sounding_at=NOW,
                first_frame_at=NOW,
                clock=ClockTrust.TRUSTED,
            )
        )
        session.add(
            Playback(
                station_id="loa-1",
                occurrence_id=sounding,
                report_id="r",
                outcome=Outcome.PLAYED,
                seconds_played=60.0,
                seconds_planned=60.0,
                received_at=NOW,
            )
        )
