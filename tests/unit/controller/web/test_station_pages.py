"""A station's page: what it measured, what a technician sets, and the old clusters that follow it."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import Any

import httpx
import pytest

from controller.accounts.rules import Principal
from controller.context import Context
from controller.stations import fed, queries, service
from controller.stations.schemas import FedClusterForm
from controller.stations.service import HeardHeartbeat
from controller.stations.tables import Feed, Station
from controller.timetable import service as timetable
from controller.timetable.schemas import ScheduleDraft
from schedules.rule import Frequency, Rule
from tests.support.evidence import full_heartbeat
from wire.evidence import AmplifierFault, AmplifierProblem, SelfTestFinding, SelfTestKind, SelfTestVerdict
from wire.ids import StationKind

Read = Callable[[httpx.Response], str]
PAGE = "/dai/dai-xa"
LIMITS = {
    "volume_min": "10",
    "volume_max": "90",
    "quiet_begins": "21:00",
    "quiet_ends": "05:00",
    "test_begins": "",
    "test_ends": "",
    "audible_test_days": "",
    "silent_test_days": "",
}
CLUSTER = {"name": "Cụm FM thôn 2", "feed": "fm", "area_id": "bat-xat-thon-2"}


@pytest.fixture
def station(context: Context, people: Mapping[str, Principal], now: datetime) -> str:
    """The station of the commune, and one in its village."""
    with context.database.write() as session:
        service.add(session, now, "dai-xa", "bat-xat-02683", "Đài xã", kind=StationKind.COMMUNE_STATION)
        service.add(session, now, "cum-1", "bat-xat-thon-1", "Cụm loa 1", kind=StationKind.VILLAGE_CLUSTER)
    return "dai-xa"


def hear(context: Context, at: datetime, **changed: Any) -> None:
    with context.database.write() as session:
        service.keep(session, [], [HeardHeartbeat(full_heartbeat("dai-xa", at, **changed), at)])


async def test_measurements_are_read_in_plain_words_with_their_age(
    context: Context, browser: Any, station: str, now: datetime
) -> None:
    technician = browser("technician")
    assert "Đài chưa gửi số đo nào." in await technician.words(PAGE)
    hear(context, now)
    words = await technician.words(PAGE)
    for said in (
        "đài gửi 0 giây trước",
        "Mất điện",
        "23,6 V",
        "61 °C",
        "812 mA",
        "rơ-le đóng, đang tắt tiếng",
        "Quạt hỏng",
        "Đo 20 giây trước",
        "Khác mẫu của đài",
        "Loa nhỏ hơn mẫu",
        "−7,5 dB",
        "(3 ngày trước)",
        "(30 phút trước)",
        "Không ghi được",
        "Mất điện là mất báo cáo chưa gửi",
        "2,5 GB",
        "1 phút 35 giây",
        "khớp giờ máy chủ",
    ):
        assert said in words
    assert "chưa phải kết luận" in words


async def test_a_board_that_does_not_answer_says_so_and_nothing_else(
    context: Context, browser: Any, station: str, now: datetime
) -> None:
    silent = full_heartbeat("dai-xa", now).amplifier.model_copy(  # type: ignore[union-attr]
        update={"problem": "no answer from unit 1 <b>", "lines": (), "rail_v": None}
    )
    hear(context, now, amplifier=silent)
    answer = await browser("technician").get(PAGE)
    assert "Bảng mạch của bộ khuếch đại không trả lời" in answer.text
    assert "no answer from unit 1 &lt;b&gt;" in answer.text
    assert "Điện áp nguồn" not in answer.text


async def test_every_finding_fault_and_verdict_has_words_in_both_languages(context: Context) -> None:
    lists = {
        "fault": AmplifierFault,
        "trouble": AmplifierProblem,
        "finding": SelfTestFinding,
        "verdict": SelfTestVerdict,
    }
    keys = [f"evidence.{name}.{one.value}" for name, many in lists.items() for one in many]
    keys += [f"evidence.{name}.{kind.value}" for name in ("kind", "no_test") for kind in SelfTestKind]
    keys += [f"page_care.feed.{feed.value}" for feed in Feed]
    for language in ("vi", "en"):
        assert all(context.texts.say(language, key) for key in keys)


async def test_a_technician_changes_the_limits(
    context: Context, browser: Any, station: str, wakes: list[str], read: Read
) -> None:
    technician = browser("technician")
    form = await technician.get(f"{PAGE}/gioi-han")
    assert 'name="volume_max" type="number" value="100"' in " ".join(form.text.split())
    assert "từ 08:00 đến 10:00" in read(form)
    done = await technician.post(f"{PAGE}/gioi-han", **LIMITS)
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}?xong=limits")
    assert wakes == ["dispatch"]
    words = await technician.words(done.headers["location"])
    assert "Đã lưu. Đài nhận giới hạn mới" in words
    assert "từ 10 đến 90" in words
    assert "từ 21:00 đến 05:00" in words
    again = await technician.get(f"{PAGE}/gioi-han")
    assert 'value="21:00"' in again.text


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"volume_min": "95"}, "volume_max", "Âm lượng nhỏ nhất không được lớn hơn"),
        ({"volume_min": "to"}, "volume_min", "Âm lượng nhỏ nhất không được lớn hơn"),
        ({"volume_max": "9" * 4400}, "volume_max", "Âm lượng nhỏ nhất không được lớn hơn"),
        ({"quiet_ends": ""}, "quiet_ends", "mới có một đầu"),
        ({"quiet_begins": "25:00"}, "quiet_begins", "Giờ chưa đúng"),
        ({"quiet_ends": "09:30"}, "test_begins", "từ 08:00 đến 10:00 rơi vào giờ yên lặng"),
        ({"test_begins": "15:00", "test_ends": "14:00"}, "test_ends", "bắt đầu trước và hết sau"),
        ({"silent_test_days": "hai"}, "silent_test_days", "từ 0 đến 366"),
    ],
)
async def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(
    context: Context,
    browser: Any,
    station: str,
    read: Read,
    changes: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    answer = await browser("technician").post(f"{PAGE}/gioi-han", **(LIMITS | changes))
    assert answer.status_code == 422
    assert sentence in read(answer)
    assert f'id="{field}-error"' in answer.text
    for value in (LIMITS | changes).values():
        assert f'value="{value}"' in answer.text
    with context.database.read() as session:
        kept = session.get(Station, station)
        assert kept is not None
        assert (kept.volume_max, kept.quiet_begins) == (100, None)


async def test_old_clusters_are_added_shown_and_removed(
    context: Context, browser: Any, station: str, read: Read
) -> None:
    technician = browser("technician")
    done = await technician.post(f"{PAGE}/cum-loa-cu", **CLUSTER)
    assert done.status_code == 303
    words = await technician.words(done.headers["location"].partition("#")[0])
    assert "Đã thêm cụm loa." in words
    assert "Cụm FM thôn 2 Sóng FM Thôn 2 theo Đài xã" in words
    assert "1 cụm loa cũ theo đài" in await technician.words("/dai")
    twice = await technician.post(f"{PAGE}/cum-loa-cu", **CLUSTER)
    assert twice.status_code == 409
    assert "đã có cụm loa tên “Cụm FM thôn 2”" in read(twice)
    with context.database.read() as session:
        (cluster,) = queries.fed(session)[station]
    gone = await technician.post(f"{PAGE}/cum-loa-cu/{cluster.id}/bo")
    assert gone.status_code == 303
    assert "Chưa có cụm loa cũ nào" in await technician.words(PAGE)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Chưa có tên cụm loa."),
        ({"name": "x" * 201}, "nhiều nhất 200 ký tự"),
        ({"feed": "dab"}, "bằng sóng FM hay bằng dây"),
    ],
)
async def test_a_cluster_that_cannot_be_is_refused_in_words(
    browser: Any, station: str, read: Read, changes: dict[str, str], sentence: str
) -> None:
    answer = await browser("technician").post(f"{PAGE}/cum-loa-cu", **(CLUSTER | changes))
    assert answer.status_code == 422
    assert sentence in read(answer)
    assert "<details" in answer.text
    assert "open>" in answer.text


async def test_who_only_looks_finds_no_forms_and_may_not_write(browser: Any, station: str) -> None:
    operator = browser("operator")
    page = (await operator.get(PAGE)).text
    assert "/gioi-han" not in page
    assert "<form" not in page.partition("<main")[2]
    assert (await operator.get(f"{PAGE}/gioi-han")).status_code == 403
    assert (await operator.post(f"{PAGE}/gioi-han", **LIMITS)).status_code == 403
    assert (await operator.post(f"{PAGE}/cum-loa-cu", **CLUSTER)).status_code == 403
    assert (await browser("neighbour").get(PAGE)).status_code == 403


async def test_an_everyday_board_names_what_followed_and_counts_it_apart(
    context: Context,
    browser: Any,
    people: Mapping[str, Principal],
    approved_programme: str,
    station: str,
    now: datetime,
) -> None:
    rule = Rule(frequency=Frequency.ONCE, times=(time(9, 30),), start_date=now.date())
    draft = ScheduleDraft(
        area_id="bat-xat-02683", title="Bản trưa", rule=rule, programme_ids=(approved_programme,)
    )
    with context.database.write() as session:
        wanted = FedClusterForm(name="Loa chợ", feed=Feed.WIRED)
        fed.put(session, now, service.get(session, station), wanted)
        timetable.create(session, now, people["operator"], draft, "trua")
    answer = await browser("technician").get("/luot-phat/trua@20261123T023000Z")
    assert answer.status_code == 200
    assert "Theo đài này, không tự báo về: Loa chợ" in answer.text
    assert "Ngoài ra có 1 cụm loa cũ" in answer.text
