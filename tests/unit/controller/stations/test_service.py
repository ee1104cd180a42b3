"""Stations as a technician sees them."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from controller.accounts.rules import Principal
from controller.context import Context
from controller.db.session import Database
from controller.dispatch import service as dispatch
from controller.errors import Conflict, Forbidden, Invalid, LoabanError, NotFound
from controller.stations import service
from controller.stations.rules import Activity, StateReason, StationState
from controller.stations.schemas import StationView
from controller.stations.service import HeardHeartbeat, HeardPresence
from controller.stations.tables import StationStateChange
from wire.ids import ClockTrust, StationKind
from wire.messages import CacheState, Heartbeat, HeldLayer, NowPlaying, Presence, QuietHours

People = Mapping[str, Principal]
ID = "cum-loa-1"


@pytest.fixture
def station(database: Database, people: People, now: datetime) -> str:
    with database.write() as session:
        service.add(session, now, ID, "bat-xat-thon-1", "Cụm loa thôn 1", kind=StationKind.VILLAGE_CLUSTER)
    return ID


def beat(now: datetime, **changes: Any) -> HeardHeartbeat:
    values: dict[str, Any] = {
        "station": ID,
        "boot_id": "b1",
        "at": now,
        "uptime_s": 60,
        "clock": ClockTrust.TRUSTED,
        "cache": CacheState(held=1, wanted=1),
    }
    return HeardHeartbeat(Heartbeat(**(values | changes)), now)


def presence(now: datetime, *, online: bool, retained: bool = False) -> HeardPresence:
    said = Presence(station=ID, online=online, boot_id="b1", program_version="0.1.0", at=now)
    return HeardPresence(said, now, retained)


def view(database: Database, now: datetime, who: Principal) -> StationView:
    with database.read() as session:
        return service.one(session, now, who, ID)


def test_what_a_heartbeat_says_is_shown(
    database: Database, people: People, station: str, sound: str, approved_programme: str, now: datetime
) -> None:
    playing = NowPlaying(occurrence="sang@20261123T020000Z", position_s=12.0, priority=20)
    cache = CacheState(held=2, wanted=3, missing=(sound,))
    with database.write() as session:
        service.keep(
            session, [presence(now, online=True)], [beat(now, playing=playing, cache=cache, outbox=4)]
        )
    seen = view(database, now + timedelta(seconds=7), people["technician"])
    assert (seen.state, seen.activity, seen.heartbeat_age_s) == (StationState.OK, Activity.PLAYING, 7)
    assert seen.cache is not None
    assert (seen.cache.complete, [one.title for one in seen.cache.missing]) == (False, ["Bản tin sáng"])
    assert (seen.area_name, seen.outbox, seen.program_version) == ("Thôn 1", 4, "0.1.0")


def test_a_killed_station_is_unreachable_at_once_and_a_silent_one_within_the_timeout(
    database: Database, people: People, station: str, now: datetime
) -> None:
    playing = NowPlaying(occurrence="sang@20261123T020000Z", position_s=12.0, priority=20)
    with database.write() as session:
        service.keep(session, [presence(now, online=True)], [beat(now, playing=playing)])
    silent = view(database, now + timedelta(seconds=91), people["technician"])
    assert (silent.state, silent.reason) == (StationState.UNREACHABLE, StateReason.SILENT)
    died = now + timedelta(seconds=5)
    with database.write() as session:
        service.keep(session, [presence(died, online=False)], [])
    dead = view(database, died, people["technician"])
    assert (dead.state, dead.reason) == (StationState.UNREACHABLE, StateReason.DISCONNECTED)
    assert (dead.activity, dead.playing) == (None, None)


def test_a_presence_from_the_brokers_memory_is_no_sign_of_life_now(
    database: Database, people: People, station: str, now: datetime
) -> None:
    old = presence(now, online=True, retained=True)
    with database.write() as session:
        service.keep(session, [HeardPresence(old.presence, now + timedelta(hours=1), retained=True)], [])
    assert view(database, now + timedelta(hours=1), people["technician"]).reason is StateReason.SILENT


def test_versions_held_are_compared_with_those_wanted(
    context: Context, people: People, station: str, now: datetime
) -> None:
    database = context.database
    with database.write() as session:
        dispatch.refresh(session, now, context.signing_key, context.settings)
        service.keep(session, [], [beat(now, card_version=1)])
    assert view(database, now, people["technician"]).card_current is True
    with database.write() as session:
        service.keep(session, [], [beat(now, layers=(HeldLayer(area="lao-cai", version=3),))])
    seen = view(database, now, people["technician"])
    assert (seen.card_current, seen.plan_current, seen.layers) == (False, True, ())


def test_changes_of_state_are_written_down_once(
    database: Database, people: People, station: str, now: datetime
) -> None:
    moments = [now + timedelta(seconds=10 * step) for step in range(14)]
    with database.write() as session:
        assert service.sweep(session, now) == 1
        service.keep(session, [presence(now, online=True)], [beat(now)])
        written = [service.sweep(session, moment) for moment in moments]
        session.flush()
        states = list(session.scalars(select(StationStateChange.state).order_by(StationStateChange.id)))
    assert sum(written) == 2
    assert states == ["never_seen", "ok", "unreachable"]
    assert view(database, moments[-1], people["technician"]).since == now + timedelta(seconds=100)


def test_one_sees_the_stations_of_ones_realm(
    database: Database, people: People, station: str, now: datetime
) -> None:
    with database.read() as session:
        assert [one.id for one in service.listing(session, now, people["operator"])] == [ID]
        assert service.listing(session, now, people["neighbour"]) == []
        with pytest.raises(Forbidden):
            service.one(session, now, people["neighbour"], ID)
        with pytest.raises(NotFound):
            service.one(session, now, people["technician"], "khong-co")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"id": "a/b"}, Invalid),
        ({"id": "Hoa"}, Invalid),
        ({"name": " "}, Invalid),
        ({"volume_min": 90, "volume_max": 10}, Invalid),
        ({"id": ID}, Conflict),
        ({"area_id": "khong-co"}, NotFound),
    ],
)
def test_a_station_that_cannot_be_is_refused(
    database: Database, station: str, now: datetime, changes: dict[str, Any], kind: type[LoabanError]
) -> None:
    values = {"id": "moi", "area_id": "bat-xat-thon-1", "name": "Mới", "kind": StationKind.VILLAGE_CLUSTER}
    with pytest.raises(kind), database.write() as session:
        service.add(session, now, **(values | changes))


def test_quiet_hours_reach_the_card(context: Context, people: People, now: datetime) -> None:
    quiet = QuietHours(begins=time(21), ends=time(5))
    with context.database.write() as session:
        service.add(
            session, now, ID, "bat-xat-thon-1", "Cụm loa", kind=StationKind.VILLAGE_CLUSTER, quiet=quiet
        )
        (card,) = dispatch.desired_cards(session, now, context.settings)
    assert card.quiet_hours == quiet
    assert card.areas == ("lao-cai", "bat-xat-02683", "bat-xat-thon-1")
