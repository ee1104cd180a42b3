"""The board of an occurrence: who played it, who did not and why."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from controller.accounts.rules import Principal
from controller.db.session import Database
from controller.errors import NotFound
from controller.playback import service
from controller.playback.schemas import BoardRow, OccurrenceBoard
from controller.stations import service as stations
from controller.stations.rules import StationState
from controller.stations.service import HeardHeartbeat, HeardPresence
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire.ids import ClockTrust, Outcome, OutcomeReason, StationKind
from wire.messages import CacheState, Heartbeat, NowPlaying, PlaybackReport, Presence

People = Mapping[str, Principal]
OCCURRENCE = "sang@20261123T100000Z"
PLACES = {
    "dai": "bat-xat-02683",
    "loa-1": "bat-xat-thon-1",
    "loa-2": "bat-xat-thon-2",
    "xa-khac": "muong-hum-02728",
}


@pytest.fixture
def start(database: Database, people: People, approved_programme: str, now: datetime) -> datetime:
    """17:00 in Bát Xát, an hour of stations and a schedule before it."""
    with database.write() as session:
        for id_, area_id in PLACES.items():
            stations.add(session, now, id_, area_id, id_, kind=StationKind.VILLAGE_CLUSTER)
        rule = Rule(frequency=Frequency.ONCE, start_date=date(2026, 11, 23), times=(time(17),))
        draft = ScheduleDraft(
            area_id="bat-xat-02683", title="Bản tin", rule=rule, programme_ids=(approved_programme,)
        )
        timetable.create(session, now, people["operator"], draft, "sang")
    return now + timedelta(hours=8)


def report(outcome: Outcome = Outcome.PLAYED, id_: str = "r1", **more: Any) -> PlaybackReport:
    values: dict[str, Any] = {"seconds_played": 60.0, "seconds_planned": 60.0}
    return PlaybackReport(id=id_, occurrence=OCCURRENCE, outcome=outcome, **(values | more))


def board(database: Database, now: datetime, who: Principal) -> OccurrenceBoard:
    with database.read() as session:
        return service.board(session, now, who, OCCURRENCE)


def rows(shown: OccurrenceBoard) -> dict[str, BoardRow]:
    return {row.station_id: row for row in shown.rows}


def test_every_station_under_the_area_is_on_the_board_and_no_other(
    database: Database, people: People, start: datetime
) -> None:
    shown = board(database, start - timedelta(minutes=1), people["viewer"])
    assert set(rows(shown)) == {"dai", "loa-1", "loa-2"}
    assert shown.counts == {"planned": 3}
    assert (shown.occurrence.title, shown.occurrence.seconds) == ("Bản tin", 60.0)


def test_who_played_how_much_and_who_did_not_and_why(
    database: Database, people: People, start: datetime
) -> None:
    after = start + timedelta(minutes=2)
    with database.write() as session:
        service.apply_reports(session, after, "dai", [report(started_at=start, start_error_ms=4.0)])
        service.apply_reports(
            session,
            after,
            "loa-1",
            [report(Outcome.FAILED, reason=OutcomeReason.SOUND_MISSING, seconds_played=0.0)],
        )
    shown = board(database, after, people["operator"])
    found = rows(shown)
    assert shown.counts == {"played": 1, "failed": 1, "waiting_report": 1}
    assert (found["dai"].seconds_played, found["dai"].started_at, found["dai"].start_error_ms) == (
        60,
        start,
        4,
    )
    assert (found["loa-1"].reason, found["loa-1"].seconds_played) == (OutcomeReason.SOUND_MISSING, 0)
    assert (found["loa-2"].seconds_played, found["loa-2"].station_state) == (None, StationState.NEVER_SEEN)
    late = board(database, start + timedelta(days=2), people["operator"])
    assert rows(late)["loa-2"].state is Outcome.UNKNOWN


def heard_playing(database: Database, moment: datetime) -> None:
    """The station `loa-1` says that it plays this."""
    beat = Heartbeat(
        station="loa-1",
        boot_id="b",
        at=moment,
        uptime_s=1,
        clock=ClockTrust.TRUSTED,
        cache=CacheState(held=1, wanted=1),
        playing=NowPlaying(occurrence=OCCURRENCE, position_s=10, priority=20),
    )
    with database.write() as session:
        stations.keep(session, [], [HeardHeartbeat(beat, moment)])


def test_a_station_that_died_while_playing_plays_no_more(
    database: Database, people: People, start: datetime
) -> None:
    moment = start + timedelta(seconds=10)
    heard_playing(database, moment)
    gone = Presence(station="loa-1", online=False, boot_id="b", program_version="1")
    with database.write() as session:
        stations.keep(session, [HeardPresence(gone, moment + timedelta(seconds=3))], [])
    for later in (timedelta(seconds=5), timedelta(hours=5)):
        row = rows(board(database, moment + later, people["operator"]))["loa-1"]
        assert (row.station_state, row.heard_playing) == (StationState.UNREACHABLE, False)


def test_a_station_added_after_the_end_is_not_counted_whatever_it_reports(
    database: Database, people: People, start: datetime
) -> None:
    later = start + timedelta(hours=16)
    with database.write() as session:
        for name in ("moi", "nghe"):
            stations.add(session, later, name, "bat-xat-thon-1", name, kind=StationKind.VILLAGE_CLUSTER)
        service.apply_reports(
            session,
            later,
            "moi",
            [report(Outcome.MISSED, reason=OutcomeReason.STATION_OFF, seconds_played=0)],
        )
        service.apply_reports(session, later, "nghe", [report(Outcome.PARTLY_PLAYED, seconds_played=5)])
    shown = rows(board(database, later, people["operator"]))
    assert "moi" not in shown
    assert shown["nghe"].seconds_played == 5, "what was heard is never hidden"


def test_a_station_heard_playing_it_is_shown_so(database: Database, people: People, start: datetime) -> None:
    moment = start + timedelta(seconds=10)
    heard_playing(database, moment)
    found = rows(board(database, moment, people["operator"]))
    assert (found["loa-1"].state.value, found["loa-1"].heard_playing) == ("sounding", True)
    assert (found["loa-2"].state.value, found["loa-2"].heard_playing) == ("waiting_report", False)


def test_reports_are_counted_once_and_always_acknowledged(
    database: Database, people: People, start: datetime
) -> None:
    with database.write() as session:
        first = service.apply_reports(session, start, "dai", [report()])
        again = service.apply_reports(
            session, start, "dai", [report(), report(Outcome.MISSED, "r2"), report(Outcome.UNKNOWN, "r3")]
        )
    assert (first, again) == (["r1"], ["r1", "r2", "r3"])
    found = rows(board(database, start, people["operator"]))["dai"]
    assert (found.state, found.seconds_played) == (Outcome.PLAYED, 60)


def test_a_station_added_later_or_not_installed_is_not_waited_for(
    database: Database, people: People, start: datetime
) -> None:
    later = start + timedelta(hours=1)
    with database.write() as session:
        stations.add(session, later, "moi", "bat-xat-thon-1", "Mới", kind=StationKind.VILLAGE_CLUSTER)
        stations.add(
            session,
            start - timedelta(hours=1),
            "chua-lap",
            "bat-xat-thon-1",
            "Chưa lắp",
            kind=StationKind.VILLAGE_CLUSTER,
            installed=False,
        )
    assert set(rows(board(database, later, people["operator"]))) == {"dai", "loa-1", "loa-2"}


def test_other_peoples_occurrences_are_not_there(database: Database, people: People, start: datetime) -> None:
    with pytest.raises(NotFound):
        board(database, start, people["neighbour"])
    with database.read() as session, pytest.raises(NotFound):
        service.board(session, start, people["viewer"], "khong-co@20261123T100000Z")
