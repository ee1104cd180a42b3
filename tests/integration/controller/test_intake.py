"""What stations say, through a real broker, into the database and back as acknowledgements."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.playback.tables import Playback
from controller.stations.rules import StationState
from controller.stations.service import verdict
from controller.stations.tables import Station, StationPicture
from wire import topics
from wire.ids import ClockTrust, Outcome
from wire.messages import Ack, CacheState, Heartbeat, PlaybackReport, Presence, ReportBatch

STATION = "cum-loa-1"
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def report(number: int, outcome: Outcome = Outcome.PLAYED) -> PlaybackReport:
    start = START + timedelta(minutes=number)
    return PlaybackReport(
        id=f"r{number}",
        occurrence=f"ban-tin@{start:%Y%m%dT%H%M%SZ}",
        outcome=outcome,
        seconds_played=30.0,
        seconds_planned=30.0,
        started_at=start,
    )


def batch(*reports: PlaybackReport, station: str = STATION) -> bytes:
    return ReportBatch(station=station, reports=reports).encode()


def acknowledged(ear: Any, station: str = STATION) -> set[str]:
    return {id_ for payload in ear.on(topics.ack(station)) for id_ in Ack.decode(payload).reports}


def playbacks(database: Database) -> list[tuple[str, str, Outcome]]:
    with database.read() as session:
        rows = session.execute(select(Playback.station_id, Playback.occurrence_id, Playback.outcome))
        return [tuple(row) for row in rows]  # type: ignore[misc]


async def test_a_report_is_counted_once_however_often_it_comes_and_acknowledged_each_time(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(any_broker)
    await start_controller(any_broker)
    await until(lambda: ear.on(topics.card(STATION)), "the controller is there")
    ear.say(topics.report(STATION), batch(report(1), report(2)))
    await until(lambda: acknowledged(ear) == {"r1", "r2"}, "both acknowledged")
    already = len(ear.on(topics.ack(STATION)))
    ear.say(topics.report(STATION), batch(report(1, Outcome.MISSED), report(3)))
    await until(lambda: len(ear.on(topics.ack(STATION))) > already, "the second acknowledgement")
    assert acknowledged(ear) == {"r1", "r2", "r3"}
    assert sorted(playbacks(database)) == [
        (STATION, report(number).occurrence, Outcome.PLAYED) for number in (1, 2, 3)
    ]


async def test_a_report_from_tomorrow_does_not_hold_up_the_others(
    broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(broker)
    controller = await start_controller(broker)
    await until(lambda: ear.on(topics.card(STATION)), "the controller is there")
    reports = [report(number).model_dump(mode="json") for number in (1, 2, 3)]
    reports[0]["outcome"] = "heard_on_the_moon"
    reports[1]["reason"] = "struck_by_lightning"
    ear.say(topics.report(STATION), json.dumps({"station": STATION, "reports": reports}).encode())
    await until(lambda: acknowledged(ear) == {"r2", "r3"}, "the others are acknowledged")
    assert controller.intake.refused["malformed"] == 1
    assert sorted(playbacks(database)) == [
        (STATION, report(number).occurrence, Outcome.PLAYED) for number in (2, 3)
    ]


async def test_nonsense_and_strangers_are_counted_and_harm_nobody(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(any_broker)
    controller = await start_controller(any_broker)
    await until(lambda: ear.on(topics.card(STATION)), "the controller is there")
    before_all_calendars = (
        b'{"station":"cum-loa-1","online":true,"boot_id":"b","program_version":"1",'
        b'"at":"0001-01-01T00:00:00+14:00"}'
    )
    ear.say(topics.presence(STATION), before_all_calendars, retain=True)
    for payload in (b"", b"{", b"\xff\xfe", b'{"station":"cum-loa-1"}', b"[" * 10_000):
        ear.say(topics.report(STATION), payload)
        ear.say(topics.heartbeat(STATION), payload)
    ear.say(topics.report("cum-loa-2"), batch(report(1)))
    ear.say(topics.report("nobody"), batch(report(2), station="nobody"))
    ear.say(topics.report(STATION), batch(report(3)))
    await until(lambda: acknowledged(ear) == {"r3"}, "the good one acknowledged")
    refused = controller.intake.refused
    await until(lambda: refused["unknown_station"] == 1 and refused["wrong_station"] == 1, "both counted")
    assert refused["malformed"] >= 6
    assert acknowledged(ear, "nobody") == set()
    assert [row[1] for row in playbacks(database)] == [report(3).occurrence]


async def test_heartbeats_and_the_last_will_become_the_stations_picture(
    any_broker: Any,
    start_controller: Any,
    listen: Any,
    until: Any,
    database: Database,
    operator: Principal,
) -> None:
    ear = await listen(any_broker)
    await start_controller(any_broker)
    await until(lambda: ear.on(topics.card(STATION)), "the controller is there")
    now = datetime.now(UTC)
    online = Presence(station=STATION, online=True, boot_id="b1", program_version="0.1.0", at=now)
    beat = Heartbeat(
        station=STATION,
        boot_id="b1",
        at=now,
        uptime_s=5,
        clock=ClockTrust.TRUSTED,
        cache=CacheState(held=1, wanted=1),
    )

    def state() -> StationState:
        with database.read() as session:
            station, row = session.get(Station, STATION), session.get(StationPicture, STATION)
            assert station is not None
            return verdict(station, row, datetime.now(UTC)).state

    assert state() is StationState.NEVER_SEEN
    ear.say(topics.presence(STATION), online.encode(), retain=True)
    ear.say(topics.heartbeat(STATION), beat.encode())
    await until(lambda: state() is StationState.OK, "the station is seen")
    gone = Presence(station=STATION, online=False, boot_id="b1", program_version="0.1.0")
    ear.say(topics.presence(STATION), gone.encode(), retain=True)
    await until(lambda: state() is StationState.UNREACHABLE, "its last will is believed")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(StationPicture)) == 1
