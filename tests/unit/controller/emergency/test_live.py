"""The live board: each station in exactly one count, by commune and by station, for all kinds of stations."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.accounts.rules import Principal
from controller.areas.tables import Area, AreaLevel
from controller.context import Context
from controller.db.session import Database
from controller.emergency import acting, reach, recording, views
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Actor, Somebody
from controller.emergency.acts import Act
from controller.emergency.board_schemas import LiveBoard
from controller.emergency.rules import Group
from controller.emergency.tables import AlertReceiptRow
from controller.playback.tables import Playback
from controller.stations.tables import Station, StationPicture
from wire.ids import ClockTrust, Outcome, OutcomeReason, StationKind

XA = "bat-xat-02683"


@pytest.fixture
def sent(
    officer: TestClient,
    form: dict[str, Any],
    context: Context,
    officers: Mapping[str, Principal],
    now: datetime,
) -> Act:
    """A recorded press for the whole province, of about 69 s."""
    alert = officer.post("/api/alerts", json=form | {"area_ids": ["lao-cai"]}).json()["id"]
    with context.database.read() as session:
        act = acting.press(Actor(session, context, now, officers["second"]), alert, Confirmation("held"))
    assert recording.record(context, act)
    return act


@pytest.fixture
def look(context: Context, officers: Mapping[str, Principal], sent: Act) -> Callable[..., LiveBoard]:
    """The board of that press."""

    def live(who: Principal = officers["alert_officer"], **chosen: Any) -> LiveBoard:
        with context.database.read() as session:
            return views.live(Somebody(session, context, context.now(), who), sent.alert_id, **chosen)

    return live


@pytest.fixture
def tell(database: Database, sent: Act) -> Callable[..., None]:
    """A station's receipt for that sounding."""

    def receipt(station: str, received: datetime, sounding: datetime | None = None) -> None:
        assert sent.alert is not None
        with database.write() as session:
            session.merge(
                AlertReceiptRow(
                    sounding=sent.alert.sounding,
                    station_id=station,
                    alert_id=sent.alert_id,
                    received_at=received,
                    sounding_at=sounding,
                    first_frame_at=sounding,
                    clock=ClockTrust.TRUSTED,
                )
            )

    return receipt


@pytest.fixture
def report(database: Database, sent: Act) -> Callable[..., None]:
    """A station's end of that sounding."""

    def end(
        station: str,
        at: datetime,
        outcome: Outcome,
        reason: OutcomeReason | None = None,
        played_s: float = 0.0,
    ) -> None:
        assert sent.alert is not None
        with database.write() as session:
            session.merge(
                Playback(
                    station_id=station,
                    occurrence_id=sent.alert.sounding,
                    report_id=f"{station}-1",
                    outcome=outcome,
                    reason=reason,
                    seconds_played=played_s,
                    seconds_planned=69.0,
                    received_at=at,
                )
            )

    return end


def stages(board: LiveBoard) -> dict[str, str]:
    return {line.station_id: line.stage.value for line in board.stations}


def counts(board: LiveBoard) -> dict[str, int]:
    found = {group.value: getattr(board.counts, group.value) for group in Group}
    assert sum(found.values()) == board.counts.total == len(board.stations)
    return {name: count for name, count in found.items() if count}


def test_from_the_press_to_one_final_state_everywhere(
    look: Callable[..., LiveBoard],
    tell: Callable[..., None],
    report: Callable[..., None],
    clock: list[datetime],
    now: datetime,
    hear_from: Callable[..., None],
) -> None:
    assert counts(look()) == {"waiting": 3, "unreachable": 1}
    tell("loa-1", now + timedelta(seconds=0.3))
    tell("dai-xa", now + timedelta(seconds=0.2), now + timedelta(seconds=0.5))
    clock[0] = now + timedelta(seconds=1)
    board = look()
    assert counts(board) == {"waiting": 1, "received": 1, "sounding": 1, "unreachable": 1}
    assert (board.live, board.first_s, board.last_s) == (True, 0.5, 0.5)
    clock[0] = now + timedelta(seconds=70)
    for station in ("dai-xa", "loa-1", "loa-mh"):
        hear_from(station, clock[0])
    report("dai-xa", clock[0], Outcome.PLAYED, played_s=69.0)
    report("loa-1", clock[0], Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD, played_s=69.0)
    assert counts(look()) == {"waiting": 1, "finished": 2, "unreachable": 1}
    clock[0] = now + timedelta(seconds=125)
    board = look()
    assert stages(board) == {
        "loa-mh": "no_report",
        "loa-2": "unreachable",
        "dai-xa": "played",
        "loa-1": "played",
    }
    assert (board.counts.heard_whole, board.counts.standing_instead) == (2, 1)


def test_a_silent_station_that_can_be_reached_has_failed(
    look: Callable[..., LiveBoard], clock: list[datetime], now: datetime, hear_from: Callable[..., None]
) -> None:
    """Thirty seconds after the end at the latest; the one that cannot be reached may still come back."""
    shown = look().shown
    assert shown is not None
    clock[0] = now + timedelta(seconds=shown.seconds + 30)
    for station in ("dai-xa", "loa-1", "loa-mh"):
        hear_from(station, clock[0])
    board = look()
    silent = {line.station_id: (line.stage.value, line.final) for line in board.stations}
    assert silent["dai-xa"] == ("no_report", True)
    assert silent["loa-2"] == ("unreachable", False)
    assert board.counts.final == 3
    hear_from("loa-2", clock[0])
    assert stages(look())["loa-2"] == "waiting"
    clock[0] = now + timedelta(hours=1)
    for station in ("dai-xa", "loa-1", "loa-mh"):
        hear_from(station, clock[0])
    board = look()
    assert not board.live
    assert board.counts.final == board.counts.total == 4


def test_a_later_report_corrects(
    look: Callable[..., LiveBoard], report: Callable[..., None], clock: list[datetime], now: datetime
) -> None:
    clock[0] = now + timedelta(minutes=5)
    report("loa-2", clock[0], Outcome.PARTLY_PLAYED, OutcomeReason.INTERRUPTED, played_s=12.0)
    board = look()
    (line,) = [one for one in board.stations if one.station_id == "loa-2"]
    assert (line.stage, line.final, line.seconds_played) == ("partly", True, 12.0)
    assert board.counts.heard_partly == 1


def test_communes_and_filters(look: Callable[..., LiveBoard], people: Mapping[str, Principal]) -> None:
    board = look()
    assert [(one.area_name, one.counts.total) for one in board.communes] == [
        ("Xã Bát Xát", 3),
        ("Xã Mường Hum", 1),
    ]
    assert set(stages(look(commune=XA))) == {"dai-xa", "loa-1", "loa-2"}
    assert set(stages(look(group=Group.UNREACHABLE))) == {"loa-2"}
    assert look(commune=XA).counts.total == 4
    assert set(stages(look(people["operator"]))) == {"dai-xa", "loa-1", "loa-2"}
    assert set(stages(look(people["neighbour"]))) == {"loa-mh"}


def test_after_a_cancel_each_sounding_has_a_board_of_its_own(
    look: Callable[..., LiveBoard],
    tell: Callable[..., None],
    report: Callable[..., None],
    context: Context,
    officers: Mapping[str, Principal],
    sent: Act,
    clock: list[datetime],
    now: datetime,
) -> None:
    tell("dai-xa", now, now)
    clock[0] = now + timedelta(seconds=10)
    with context.database.read() as session:
        clear = acting.cancel(
            Actor(session, context, clock[0], officers["second"]), sent.alert_id, all_clear=True
        )
    assert recording.record(context, clear)
    report("dai-xa", clock[0], Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN, played_s=9.0)
    board = look()
    assert board.shown is not None
    assert board.shown.all_clear
    assert board.state == "cancelled"
    (first,) = [one for one in board.soundings if not one.all_clear]
    assert first.ended_at == clock[0]
    before = look(sounding=first.sounding)
    assert stages(before)["dai-xa"] == "stopped"
    assert {line.station_id for line in before.stations if line.final} == {"dai-xa", "loa-2"}
    clock[0] += timedelta(seconds=25)
    assert look(sounding=first.sounding).counts.final == 4


def test_stations_that_an_update_brings_in_count_from_then_on(
    officer: TestClient,
    form: dict[str, Any],
    context: Context,
    officers: Mapping[str, Principal],
    clock: list[datetime],
    now: datetime,
) -> None:
    person = officers["second"]
    alert = officer.post("/api/alerts", json=form | {"area_ids": ["bat-xat-thon-1"]}).json()["id"]
    with context.database.read() as session:
        first = acting.press(Actor(session, context, now, person), alert, Confirmation("held"))
    recording.record(context, first)
    officer.put(f"/api/alerts/{alert}", json=form | {"area_ids": ["bat-xat-thon-2"]})
    clock[0] += timedelta(minutes=1)
    with context.database.read() as session:
        newer = acting.update(Actor(session, context, clock[0], person), alert, Confirmation("held"))
    recording.record(context, newer)
    boards = {}
    for sounding in (first.alert, newer.alert):
        assert sounding is not None
        answer = officer.get(f"/api/alerts/{alert}/board", params={"sounding": sounding.sounding})
        boards[sounding.revision] = [line["station_id"] for line in answer.json()["stations"]]
    assert boards == {1: ["loa-1"], 2: ["loa-2"]}


def test_the_board_is_there_before_the_record(
    officer: TestClient,
    form: dict[str, Any],
    context: Context,
    officers: Mapping[str, Principal],
    now: datetime,
) -> None:
    """The alert sounds, and the database has yet to hear of it; even of an alert that it never knew."""
    alert = officer.post("/api/alerts", json=form).json()["id"]
    with context.database.read() as session:
        act = acting.press(Actor(session, context, now, officers["second"]), alert, Confirmation("held"))
        stranger = act.model_copy(update={"alert_id": "kc-20261123-00000000"})
        for one in (act, stranger):
            board = views.live(Somebody(session, context, now, officers["second"], (one,)), one.alert_id)
            assert (board.record_pending, board.state, board.counts.total) == (True, "active", 3)


def test_an_alert_that_never_sounded_has_an_empty_board(officer: TestClient, form: dict[str, Any]) -> None:
    alert = officer.post("/api/alerts", json=form).json()["id"]
    board = officer.get(f"/api/alerts/{alert}/board").json()
    assert (board["shown"], board["counts"]["total"], board["live"]) == (None, 0, False)


def test_reach_counts_villages_and_stations_once(
    officer: TestClient, sign_in: Callable[[str], TestClient]
) -> None:
    found = officer.get("/api/emergency/reach", params={"area": [XA, "bat-xat-thon-1"]}).json()
    assert (found["villages"], found["stations"], found["reachable"]) == (2, 3, 2)
    assert [(one["id"], one["stations"], one["reachable"]) for one in found["areas"]] == [
        (XA, 3, 2),
        ("bat-xat-thon-1", 1, 1),
    ]
    assert sign_in("district").get("/api/emergency/reach", params={"area": XA}).status_code == 403


@pytest.mark.usefixtures("messages")
def test_a_province_of_2340_stations_is_looked_at_in_a_moment(
    context: Context,
    officers: Mapping[str, Principal],
    officer: TestClient,
    form: dict[str, Any],
    now: datetime,
) -> None:
    """Well under 100 ms on a quiet machine; the test allows a busy one more."""
    with context.database.write() as session:
        for commune in range(90):
            session.add(Area(id=f"xa-{commune}", parent_id="lao-cai", level=AreaLevel.COMMUNE, name="Xã"))
        session.flush()
        for number in range(2336):
            name, area = f"s-{number}", f"xa-{number % 90}"
            session.add(
                Station(
                    id=name,
                    area_id=area,
                    name=name,
                    kind=StationKind.VILLAGE_CLUSTER,
                    languages=[],
                    created_at=now,
                )
            )
        session.flush()
        for number in range(2336):
            session.add(
                StationPicture(station_id=f"s-{number}", online=True, presence_at=now, heartbeat_at=now)
            )
    alert = officer.post("/api/alerts", json=form | {"area_ids": ["lao-cai"]}).json()["id"]
    with context.database.read() as session:
        act = acting.press(Actor(session, context, now, officers["second"]), alert, Confirmation("held"))
    recording.record(context, act)
    took_s = []
    for _ in range(5):
        began_s = time.perf_counter()
        with context.database.read() as session:
            board = views.live(Somebody(session, context, now, officers["alert_officer"]), alert)
        took_s.append(time.perf_counter() - began_s)
    assert board.counts.total == 2340
    assert min(took_s) < 0.3, took_s
    with context.database.read() as session:
        assert reach.of(session, now, ["lao-cai"]).stations == 2340
