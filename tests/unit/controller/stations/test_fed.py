"""Old FM and wired clusters: they follow a station, and are never more than that."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.context import Context
from controller.emergency import reach
from controller.stations import fed, queries, service
from controller.stations.schemas import FedClusterForm
from controller.stations.service import HeardHeartbeat
from controller.stations.tables import Feed
from wire.messages import Heartbeat

Call = Callable[..., Awaitable[httpx.Response]]
Beat = Callable[..., Heartbeat]
PATH = "/api/stations/dai-xa/clusters"
FM = {"name": "Cụm FM thôn 2", "feed": "fm", "area_id": "bat-xat-thon-2"}


async def test_added_shown_and_removed(call: Call) -> None:
    added = await call("technician", "post", PATH, FM)
    assert added.status_code == 201
    wired = await call("technician", "post", PATH, {"name": " Loa chợ ", "feed": "wired"})
    assert [(one["name"], one["feed"], one["area_name"]) for one in wired.json()] == [
        ("Cụm FM thôn 2", "fm", "Thôn 2"),
        ("Loa chợ", "wired", "Xã Bát Xát"),
    ]
    stations = (await call("operator", "get", "/api/stations")).json()
    assert {one["id"]: len(one["fed"]) for one in stations} == {"dai-xa": 2, "cum-1": 0}
    first = added.json()[0]["id"]
    assert (await call("technician", "delete", f"/api/stations/cum-1/clusters/{first}")).status_code == 404
    left = await call("technician", "delete", f"{PATH}/{first}")
    assert [one["name"] for one in left.json()] == ["Loa chợ"]
    again = await call("technician", "delete", f"{PATH}/{first}")
    assert (again.status_code, again.json()["type"]) == (404, "urn:loaban:error:stations.cluster_unknown")
    assert (await call("technician", "post", PATH, FM)).status_code == 201, "its name is free again"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"name": "  "}, 422, "name"),
        ({"name": "x" * 201}, 422, "name"),
        ({"feed": "dab"}, 422, "feed"),
        ({"name": "Loa khác", "area_id": "khong-co"}, 404, "area_id"),
        ({}, 409, "name"),
    ],
)
async def test_a_cluster_that_cannot_be_is_refused(
    call: Call, changes: dict[str, Any], status: int, field: str
) -> None:
    await call("technician", "post", PATH, FM)
    answer = await call("technician", "post", PATH, FM | changes)
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert len((await call("technician", "get", PATH)).json()) == 1


async def test_only_those_who_look_after_stations_change_them(call: Call) -> None:
    for who in ("viewer", "operator", "alert_officer", "neighbour"):
        assert (await call(who, "post", PATH, FM)).status_code == 403
    assert (await call("operator", "get", PATH)).status_code == 200
    assert (await call("neighbour", "get", PATH)).status_code == 403


def put(context: Context, station_id: str, name: str, area_id: str, at: datetime) -> str:
    with context.database.write() as session:
        wanted = FedClusterForm(name=name, feed=Feed.FM, area_id=area_id)
        return fed.put(session, at, service.get(session, station_id), wanted).id


def test_what_was_fed_at_a_moment_stays_true(
    context: Context, people: Mapping[str, Principal], village: tuple[str, ...], now: datetime
) -> None:
    hour = timedelta(hours=1)
    first = put(context, "dai-xa", "Cũ", "bat-xat-thon-1", now)
    put(context, "dai-xa", "Mới", "bat-xat-thon-2", now + 2 * hour)
    with context.database.write() as session:
        fed.remove(session, now + 3 * hour, people["technician"], "dai-xa", first)

    def at(moment: datetime | None) -> list[str]:
        with context.database.read() as session:
            return [one.name for one in queries.fed(session, at=moment).get("dai-xa", ())]

    assert [at(now - hour), at(now), at(now + 2 * hour), at(now + 3 * hour)] == [
        [],
        ["Cũ"],
        ["Cũ", "Mới"],
        ["Mới"],
    ]
    assert at(None) == ["Mới"]


def test_reach_counts_them_beside_the_stations_and_tells_of_those_that_stay_silent(
    context: Context, village: tuple[str, ...], beat: Beat, now: datetime
) -> None:
    put(context, "dai-xa", "FM 2", "bat-xat-thon-2", now)
    put(context, "dai-xa", "FM 1", "bat-xat-thon-1", now)
    with context.database.write() as session:
        service.keep(session, [], [HeardHeartbeat(beat(now), now)])
    with context.database.read() as session:
        commune = reach.of(session, now, ["bat-xat-02683"])
        village_only = reach.of(session, now, ["bat-xat-thon-1"])
        both = reach.of(session, now, ["bat-xat-thon-1", "bat-xat-02683"])
    assert (commune.stations, commune.reachable, commune.fed) == (2, 1, 2)
    assert commune.areas[0].fed_from_outside == 0
    assert (village_only.stations, village_only.fed) == (1, 0)
    assert village_only.areas[0].fed_from_outside == 1
    assert [area.fed_from_outside for area in both.areas] == [0, 0]
    assert both.fed == 2


def test_a_cluster_may_hang_anywhere_in_the_commune(
    context: Context, village: tuple[str, ...], now: datetime
) -> None:
    with context.database.read() as session:
        assert {area.id for area in fed.places(session, "cum-1")} == {
            "bat-xat-02683",
            "bat-xat-thon-1",
            "bat-xat-thon-2",
        }
