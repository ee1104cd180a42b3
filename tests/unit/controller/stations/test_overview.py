"""The list of stations by pages: troubles first, counts of the whole realm, nothing from outside it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.stations import service
from controller.stations.overview import counts, overview
from controller.stations.rules import StationState
from wire.ids import ClockTrust, StationKind
from wire.messages import CacheState, Heartbeat

PLACES = {
    "a-nghi": "bat-xat-thon-1",
    "b-nghi": "bat-xat-thon-2",
    "c-mat": "bat-xat-02683",
    "d-moi": "bat-xat-02683",
    "e-xa-khac": "muong-hum-02728",
}


@pytest.fixture
def stations(database: Database, area_tree: tuple[str, ...], now: datetime) -> None:
    """Two that spoke just now, one long ago, one never, and one of another commune."""
    with database.write() as session:
        for id_, area_id in PLACES.items():
            service.add(session, now, id_, area_id, id_.upper(), kind=StationKind.VILLAGE_CLUSTER)
        for id_, at in (("a-nghi", now), ("b-nghi", now), ("c-mat", now - timedelta(minutes=5))):
            heartbeat = Heartbeat(
                station=id_,
                boot_id="b",
                at=at,
                uptime_s=1,
                clock=ClockTrust.TRUSTED,
                cache=CacheState(held=0, wanted=0),
            )
            service.keep(session, [], [service.HeardHeartbeat(heartbeat, at)])


@pytest.mark.usefixtures("stations")
def test_troubles_come_first_page_by_page(
    database: Database, people: Mapping[str, Principal], now: datetime
) -> None:
    with database.read() as session:
        first = overview(session, now, people["operator"], 90, limit=3)
        second = overview(session, now, people["operator"], 90, first=3, limit=3)
    assert [station.id for station in first.stations] == ["c-mat", "d-moi", "a-nghi"]
    assert [station.id for station in second.stations] == ["b-nghi"]
    assert first.chosen == second.chosen == 4
    assert list(first.counts.items()) == [
        (StationState.UNREACHABLE, 1),
        (StationState.NEVER_SEEN, 1),
        (StationState.OK, 2),
    ]


@pytest.mark.usefixtures("stations")
def test_one_state_of_the_realm(database: Database, people: Mapping[str, Principal], now: datetime) -> None:
    with database.read() as session:
        lost = overview(session, now, people["technician"], 90, state=StationState.UNREACHABLE)
        counted = counts(session, now, people["technician"], 90)
        nothing = counts(session, now, people["viewer"], 90)
    assert [station.id for station in lost.stations] == ["c-mat"]
    assert lost.chosen == 1
    assert counted[StationState.NEVER_SEEN] == 2
    assert nothing == {}


@pytest.mark.usefixtures("stations")
def test_a_page_says_the_same_as_the_whole_list(
    database: Database, people: Mapping[str, Principal], now: datetime
) -> None:
    with database.read() as session:
        whole = service.listing(session, now, people["operator"], 90)
        page = overview(session, now, people["operator"], 90).stations
    assert sorted(page, key=lambda station: station.id) == sorted(whole, key=lambda station: station.id)
