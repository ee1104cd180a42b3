"""A heartbeat in words: everything it holds is told, in both languages, and trouble says what to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.local.lines import heartbeat_lines, span
from agent.wording import sayer
from wire.errors import RefusalReason
from wire.evidence import (
    AmplifierFault,
    AmplifierProblem,
    AmplifierState,
    LineState,
    LinkState,
    SelfTestFinding,
    SelfTestKind,
    SelfTestResult,
    SelfTestVerdict,
    StorageState,
)
from wire.ids import ClockTrust, Priority
from wire.messages import CacheState, Heartbeat, NowPlaying, Refusal

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SEVEN = timedelta(hours=7)


def beat(**changes: Any) -> Heartbeat:
    values: dict[str, Any] = {
        "station": "cum-loa-1",
        "boot_id": "b",
        "at": AT,
        "uptime_s": 3700,
        "clock": ClockTrust.TRUSTED,
        "cache": CacheState(held=1, wanted=1, bytes_free=5 * 1024 * 1024 * 1024),
    }
    return Heartbeat(**(values | changes))


def told(language: str = "vi", **changes: Any) -> str:
    return "\n".join(heartbeat_lines(beat(**changes), sayer(language), SEVEN))


def test_a_station_that_is_well() -> None:
    line = LineState(relay_on=True, muted=False, current_ma=812.4)
    words = told(
        link=LinkState(connects=2, up_s=90_000),
        playing=NowPlaying(occurrence="a@20261123T020000Z", position_s=12.4, priority=Priority.NORMAL),
        volume=70,
        amplifier=AmplifierState(
            at=AT, power_on=True, lines=(line,), rail_v=24.04, mains_present=True, heat_sink_c=41.0
        ),
        acoustic_test=SelfTestResult(
            id="t", kind=SelfTestKind.ACOUSTIC, at=AT, verdict=SelfTestVerdict.PASSED
        ),
        storage=StorageState(),
    )
    for sentence in (
        "Chương trình đang chạy, đã 1 giờ 1 phút.",
        "Kết nối trung tâm: có, đã 1 ngày 1 giờ (kết nối 2 lần",
        "Đồng hồ: đúng, 09:00:00 23/11/2026.",
        "Đang phát: a@20261123T020000Z, giây thứ 12, âm lượng 70.",
        "Bộ khuếch đại: đang bật.",
        "Điện lưới: có.",
        "Điện áp bộ khuếch đại: 24.0 V.",
        "Đường loa 1: 812 mA.",
        "Tự kiểm tra bằng âm thanh, 09:00 23/11/2026: đạt.",
        "Tự kiểm tra không tiếng: chưa có kết quả.",
        "Thẻ nhớ: tốt.",
        "Chỗ trống trên thẻ nhớ: 5120 MB.",
    ):
        assert sentence in words


def test_a_station_in_every_trouble() -> None:
    words = told(
        clock=ClockTrust.UNKNOWN,
        link=LinkState(connects=3),
        amplifier=AmplifierState(
            at=AT, mains_present=False, battery_v=11.83, tamper_open=True, faults=tuple(AmplifierFault)
        ),
        electrical_test=SelfTestResult(
            id="t",
            kind=SelfTestKind.ELECTRICAL,
            at=AT,
            verdict=SelfTestVerdict.FAILED,
            findings=(SelfTestFinding.OPEN_LINE, SelfTestFinding.AMPLIFIER_SILENT),
        ),
        storage=StorageState(writable=False, remembers=False, damaged=3),
        refusals=(Refusal(topic="loaban/1/area/x/plan", reason=RefusalReason.BAD_SIGNATURE, at=AT),),
    )
    for sentence in (
        "Kết nối trung tâm: MẤT.",
        "CHƯA TIN ĐƯỢC",
        "Điện lưới: MẤT",
        "Ắc quy: 11.8 V.",
        "quá nóng",
        "Nắp tủ đang MỞ.",
        "KHÔNG ĐẠT: dây loa đứt, bộ khuếch đại không cho tiếng ra.",
        "KHÔNG GHI ĐƯỢC",
        "3 tệp hỏng",
        "loaban/1/area/x/plan",
    ):
        assert sentence in words
    assert "Thẻ nhớ: tốt" not in words


def test_a_board_that_does_not_answer_is_told_alone() -> None:
    words = told(amplifier=AmplifierState(at=AT, problem="no_answer"))
    assert "KHÔNG ĐỌC ĐƯỢC. Bảng mạch không trả lời" in words
    assert "Điện lưới" not in words
    assert "KHÔNG ĐỌC ĐƯỢC. word of tomorrow" in told(
        amplifier=AmplifierState(at=AT, problem="word of tomorrow")
    )


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("problem", AmplifierProblem)
def test_every_trouble_of_the_board_has_a_sentence(language: str, problem: AmplifierProblem) -> None:
    assert sayer(language)(f"amplifier_trouble.{problem}")


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("finding", SelfTestFinding)
@pytest.mark.parametrize("verdict", SelfTestVerdict)
def test_every_word_of_a_test_has_a_sentence(
    language: str, finding: SelfTestFinding, verdict: SelfTestVerdict
) -> None:
    result = SelfTestResult(id="t", kind=SelfTestKind.ACOUSTIC, at=AT, verdict=verdict, findings=(finding,))
    say = sayer(language)
    assert say(f"finding.{finding}") in told(language, acoustic_test=result)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(59, "0 phút"), (3599, "59 phút"), (86_399, "23 giờ 59 phút"), (90_061, "1 ngày 1 giờ")],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds, sayer("vi")) == words


def test_a_station_that_has_just_started_is_not_lost_yet() -> None:
    assert "đang kết nối" in told(uptime_s=20, link=LinkState())
    assert "đang kết nối" not in told(uptime_s=90, link=LinkState())
