"""Every page for every role, in both languages; what each may see; and errors that say what to do."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.clockwork.tables import ClockworkJob, MissedWakeUp
from controller.db.session import Database
from controller.playback import service as playback
from controller.stations import service as stations
from controller.stations.service import HeardHeartbeat, HeardPresence
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from wire.errors import RefusalReason
from wire.ids import ClockTrust, Outcome, OutcomeReason, Priority, StationKind
from wire.messages import CacheState, Heartbeat, NowPlaying, PlaybackReport, Presence, Refusal

ROLES = ("viewer", "operator", "approver", "alert_officer", "technician", "administrator")
FORBIDDEN = {
    "/duyet": {"viewer", "operator", "alert_officer", "technician"},
    "/dai": {"viewer"},
    "/he-thong": {"viewer", "operator", "approver", "alert_officer"},
    "/chuong-trinh/moi": {"viewer", "approver", "alert_officer", "technician"},
    "/lich-phat/moi": {"viewer", "approver", "alert_officer", "technician"},
}
SOUNDING = "dang-phat@20261123T015900Z"


@pytest.fixture
def village(
    database: Database, people: Mapping[str, Principal], approved_programme: str, now: datetime
) -> Mapping[str, str]:
    """A broadcast that sounds now, one that came and went, two stations that tell of them, and a late job."""
    operator = people["operator"]
    with database.write() as session:
        for station_id, area_id in (
            ("dai-xa", "bat-xat-02683"),
            ("cum-1", "bat-xat-thon-1"),
            ("cum-2", "bat-xat-thon-2"),
        ):
            stations.add(
                session,
                now - timedelta(days=9),
                station_id,
                area_id,
                f"Đài {station_id}",
                kind=StationKind.VILLAGE_CLUSTER,
            )
        _plan(
            session,
            operator,
            now - timedelta(minutes=2),
            "dang-phat",
            "Đang phát",
            time(8, 59),
            approved_programme,
        )
        _plan(
            session,
            operator,
            now - timedelta(hours=5),
            "ban-sang",
            "Bản sáng",
            time(5, 30),
            approved_programme,
        )
        for station_id in ("dai-xa", "cum-1"):
            _hear(session, station_id, now, playing=station_id == "dai-xa")
        _report(session, now, "dai-xa", Outcome.PLAYED, None, 60.0)
        _report(session, now, "cum-1", Outcome.MISSED, OutcomeReason.SOUND_MISSING, 0.0)
        session.add(ClockworkJob(name="dispatch", due_at=now, failed_at=now, failure="RuntimeError: x"))
        session.add(
            MissedWakeUp(job="dispatch", due_at=now - timedelta(hours=1), noticed_at=now, late_s=3600.0)
        )
        stations.sweep(session, now)
    return {
        "board": f"/luot-phat/{SOUNDING}",
        "past": "/luot-phat/ban-sang@20261122T223000Z",
        "schedule": "/lich-phat/ban-sang",
        "programme": f"/chuong-trinh/{approved_programme}",
        "station": "/dai/cum-1",
    }


def _plan(
    session: Any, who: Principal, at: datetime, id_: str, title: str, wall: time, programme: str
) -> None:
    rule = Rule(frequency=Frequency.ONCE, times=(wall,), start_date=date(2026, 11, 23))
    draft = ScheduleDraft(
        area_id="bat-xat-02683",
        title=title,
        rule=rule,
        programme_ids=(programme,),
        repeats=4 if id_ == "dang-phat" else 1,
        gap_s=1.0,
        priority=Priority.PRIORITY,
    )
    timetable.create(session, at, who, draft, id_)


def _hear(session: Any, station_id: str, now: datetime, *, playing: bool) -> None:
    presence = Presence(station=station_id, online=True, boot_id="b", program_version="0.1.0", at=now)
    heartbeat = Heartbeat(
        station=station_id,
        boot_id="b",
        at=now,
        uptime_s=60,
        clock=ClockTrust.TRUSTED,
        playing=NowPlaying(occurrence=SOUNDING, position_s=12, priority=Priority.NORMAL) if playing else None,
        cache=CacheState(held=1, wanted=1) if playing else CacheState(held=0, wanted=1, missing=("5a" * 32,)),
        refusals=(Refusal(topic="loaban/1/area/x/plan", reason=RefusalReason.BAD_SIGNATURE, at=now),),
    )
    stations.keep(session, [HeardPresence(presence, now)], [HeardHeartbeat(heartbeat, now)])


def _report(
    session: Any,
    now: datetime,
    station_id: str,
    outcome: Outcome,
    reason: OutcomeReason | None,
    seconds: float,
) -> None:
    report = PlaybackReport(
        id=f"r-{station_id}",
        occurrence="ban-sang@20261122T223000Z",
        outcome=outcome,
        reason=reason,
        seconds_played=seconds,
        seconds_planned=60,
        started_at=datetime.fromisoformat("2026-11-22T22:30:00+00:00") if seconds else None,
    )
    playback.apply_reports(session, now, station_id, [report])


@pytest.mark.parametrize("who", ROLES)
async def test_every_page_opens_for_whom_it_is_meant(
    who: str, browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    person = browser(who)
    for path in (
        "/",
        "/chuong-trinh",
        "/duyet",
        "/lich-phat",
        "/luot-phat",
        "/luot-phat?xem=da-phat",
        "/dai",
        "/he-thong",
        "/chuong-trinh/moi",
        "/lich-phat/moi",
        *village.values(),
    ):
        wanted = 403 if who in FORBIDDEN.get("/dai" if path.startswith("/dai/") else path, ()) else 200
        answer = await person.get(path)
        assert (path, answer.status_code) == (path, wanted)
        assert wanted == 403 or 'aria-current="page"' in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/chuong-trinh", "/lich-phat", "/lich-phat/moi", "/luot-phat", "/dai", "/he-thong"]
)
async def test_pages_speak_english_too(
    path: str, browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    administrator = browser("administrator")
    vietnamese = await administrator.words(path)
    administrator.client.cookies.set("loaban_language", "en")
    assert "System" in await administrator.words(path)
    assert "Hệ thống" in vietnamese


async def test_the_menu_shows_only_what_one_may_open(browser: Callable[[str], Any]) -> None:
    assert 'href="/he-thong"' not in (await browser("operator").get("/")).text
    assert 'href="/he-thong"' in (await browser("technician").get("/")).text
    assert 'href="/duyet"' in (await browser("approver").get("/")).text
    assert 'href="/dai"' not in (await browser("viewer").get("/")).text


async def test_today_shows_what_sounds_what_comes_and_what_was_late(
    browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    words = await browser("technician").words("/")
    assert "Đang phát trên loa Đang phát Xã Bát Xát, còn 3 phút 3 giây 1 trên 3 đài báo đang phát" in words
    assert "Không có lượt phát nào trong 36 giờ tới." in words
    assert "Máy chủ bị trễ 1 lần gọi việc trong 24 giờ qua." in words
    assert "Đài chưa từng kết nối 1" in words
    assert "trễ 1 lần" not in await browser("operator").words("/")


async def test_the_board_tells_who_played_how_much_and_why_not(
    browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    words = await browser("operator").words(village["past"])
    assert "Đài dai-xa Đã phát đủ 1 phút trên 1 phút 05:30:00" in words
    assert "Đài cum-1 Bị lỡ 0 giây trên 1 phút — Đài chưa tải xong tệp âm thanh" in words
    assert "Đài cum-2 Chờ báo cáo" in words
    sounding = await browser("operator").words(f"{village['board']}/bang")
    assert "Đài dai-xa Đang phát" in sounding
    assert "Đài cum-1 Trong giờ phát" in sounding


async def test_a_board_refreshes_itself_only_while_there_is_something_to_come(
    browser: Callable[[str], Any], village: Mapping[str, str], clock: list[datetime]
) -> None:
    operator = browser("operator")
    assert 'hx-trigger="every 3s"' in (await operator.get(village["board"])).text
    clock[0] += timedelta(minutes=59)
    assert 'hx-trigger="every 3s"' in (await operator.get(village["board"])).text
    operator = browser("operator")
    clock[0] += timedelta(minutes=30)
    assert "every 3s" not in (await browser("operator").get(village["board"])).text


async def test_stations_show_trouble_first_and_what_is_missing_by_title(
    browser: Callable[[str], Any], village: Mapping[str, str], clock: list[datetime]
) -> None:
    technician = browser("technician")
    words = await technician.words("/dai/bang")
    assert words.index("Đài cum-2") < words.index("Đài cum-1")
    assert "Chưa từng kết nối" in words
    assert "Có 0 trên 1 tệp Còn thiếu: Bản tin sáng" in words
    assert "Chữ ký không đúng" in await technician.words("/dai/cum-1")
    clock[0] += timedelta(seconds=91)
    words = await technician.words("/dai?loc=unreachable")
    assert "Đài dai-xa" in words
    assert "Đài cum-2" not in words
    assert "1 phút trước" in words


async def test_the_clockwork_tells_of_failures(
    browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    words = await browser("technician").words("/he-thong/bang")
    assert "Lần gần nhất bị lỗi" in words
    assert "Phải làm lúc 08:00, 23/11/2026, trễ 1 giờ" in words


async def test_what_is_not_there_or_not_allowed_says_what_to_do(
    browser: Callable[[str], Any], read: Callable[[httpx.Response], str]
) -> None:
    operator = browser("operator")
    for path in (
        "/khong-co",
        "/static/khong-co.js",
        "/lich-phat/khong-co",
        "/chuong-trinh/khong-co",
        "/luot-phat/khong@20261123T000000Z",
    ):
        missing = await operator.get(path)
        assert missing.status_code == 404
        assert "Không tìm thấy" in read(missing)
    forbidden = await operator.get("/he-thong")
    assert forbidden.status_code == 403
    assert "không có quyền" in read(forbidden)
    piece = await operator.get("/he-thong/bang", **{"HX-Request": "true"})
    assert piece.status_code == 403
    assert "<html" not in piece.text


async def test_files_of_the_look_may_be_kept_for_good(stranger: Any) -> None:
    front = (await stranger.get("/dang-nhap")).text
    address = front.split('rel="icon" href="')[1].split('"')[0]
    kept = await stranger.get(address)
    assert kept.status_code == 200
    assert "immutable" in kept.headers["cache-control"]
    assert (await stranger.get("/static/favicon.svg")).headers["cache-control"] == "no-cache"


async def test_pages_travel_compressed(browser: Callable[[str], Any], village: Mapping[str, str]) -> None:
    technician = browser("technician")
    plain = await technician.get("/dai", **{"Accept-Encoding": "identity"})
    packed = await technician.get("/dai", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert "Đài cum-1" in packed.text


async def test_the_list_of_what_was_says_how_each_went(
    browser: Callable[[str], Any], village: Mapping[str, str], database: Database, clock: list[datetime]
) -> None:
    viewer = browser("viewer")
    past = "/luot-phat?xem=da-phat"
    answer = (await viewer.get(past)).text
    assert "Phát một phần: 1/3 đài phát đủ" in answer
    assert 'class="chip warn"' in answer
    with database.write() as session:
        _report(session, clock[0], "cum-2", Outcome.PLAYED, None, 60.0)
    assert "Phát một phần: 2/3 đài phát đủ" in await viewer.words(past)
    assert "Phát một phần: 2/3 đài phát đủ" in await viewer.words(village["schedule"])


async def test_a_station_says_which_programme_it_plays(
    browser: Callable[[str], Any], village: Mapping[str, str]
) -> None:
    words = await browser("technician").words("/dai/dai-xa")
    assert "“Bản tin sáng”, đang ở giây thứ 12" in words


async def test_a_station_that_went_off_on_the_way_did_not_stand_off_at_the_start(
    browser: Callable[[str], Any], village: Mapping[str, str], database: Database, now: datetime
) -> None:
    with database.write() as session:
        _report(session, now, "cum-2", Outcome.PARTLY_PLAYED, OutcomeReason.STATION_OFF, 20.0)
    words = await browser("technician").words(village["past"])
    assert "Đài bị tắt giữa chừng" in words
    assert "Đài đang tắt vào giờ phát" not in words
