"""Old clusters on the board: named beside the station that they follow, and never among those that heard."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.accounts.rules import Principal
from controller.context import Context
from controller.emergency.tables import AlertRevision
from controller.playback import service as playback
from controller.stations import fed, service
from controller.stations.schemas import FedClusterForm
from controller.stations.tables import Feed
from tests.support import emergency
from wire.ids import Outcome
from wire.messages import PlaybackReport


@pytest.fixture
def cluster(context: Context, fleet: tuple[str, ...], now: datetime) -> str:
    """A wired cluster in the second village, which follows the commune's station."""
    with context.database.write() as session:
        wanted = FedClusterForm(name="Loa có dây thôn 2", feed=Feed.WIRED, area_id="bat-xat-thon-2")
        return fed.put(session, now - timedelta(days=1), service.get(session, "dai-xa"), wanted).id


def board(officer: TestClient, alert: str) -> Any:
    return officer.get(f"/api/alerts/{alert}/board").json()


def test_it_is_named_at_its_station_and_counted_apart(
    cluster: str, officer: TestClient, pressed: str, context: Context, now: datetime
) -> None:
    with context.database.write() as session:
        (sounding,) = [one.sounding for one in session.query(AlertRevision) if one.sounding]
        played = PlaybackReport(id="r", occurrence=sounding, outcome=Outcome.PLAYED, seconds_played=60.0)
        playback.apply_reports(session, now, "dai-xa", [played])
    seen = board(officer, pressed)
    assert {one["station_id"]: one["fed"] for one in seen["stations"]} == {
        "dai-xa": ["Loa có dây thôn 2"],
        "loa-1": [],
        "loa-2": [],
    }
    counts = seen["counts"]
    assert (counts["fed"], counts["total"], counts["heard_whole"]) == (1, 3, 1)
    assert [one["counts"]["fed"] for one in seen["communes"]] == [1]


def test_what_follows_is_what_followed_when_it_was_sent(
    cluster: str,
    officer: TestClient,
    pressed: str,
    context: Context,
    people: Mapping[str, Principal],
    now: datetime,
) -> None:
    later = now + timedelta(minutes=5)
    with context.database.write() as session:
        fed.remove(session, later, people["technician"], "dai-xa", cluster)
        wanted = FedClusterForm(name="Loa mới", feed=Feed.FM)
        fed.put(session, later, service.get(session, "dai-xa"), wanted)
    seen = board(officer, pressed)
    (station,) = [one for one in seen["stations"] if one["station_id"] == "dai-xa"]
    assert station["fed"] == ["Loa có dây thôn 2"]


def test_reach_tells_of_it_before_the_press(
    cluster: str, officer: TestClient, form: dict[str, Any], sign_in: Callable[[str], TestClient]
) -> None:
    emergency.draft(officer, form)
    reach = officer.get("/api/emergency/reach", params={"area": "bat-xat-02683"}).json()
    assert (reach["fed"], reach["stations"]) == (1, 3)
    village = officer.get("/api/emergency/reach", params={"area": "bat-xat-thon-2"}).json()
    assert (village["fed"], village["areas"][0]["fed_from_outside"]) == (0, 1)
