"""A test on the spot never stands in the way of what is to be heard, and says so."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.errors import AgentError, SpeakerFailed
from agent.local import errors
from agent.local.tone import TONE_S, tone
from wire.evidence import SelfTestKind, SelfTestResult, SelfTestVerdict
from wire.ids import ClockTrust, Outcome
from wire.messages import QuietHours

TONE = [("test-tone", round(TONE_S, 1))]


async def test_three_notes_are_heard_whole(board: Any) -> None:
    async with board.running():
        assert "ba tiếng thử" in (await board.desk.test("tone", insist=False)).text
    assert board.heard() == TONE


def test_the_tone_keeps_to_the_stations_volume() -> None:
    assert abs(tone(100)).max() == pytest.approx(0.25 * 32767, rel=0.01)
    assert abs(tone(50)).max() == pytest.approx(abs(tone(100)).max() / 4, rel=0.01)
    assert not tone(0).any()


async def test_in_quiet_hours_only_for_somebody_who_insists(
    board: Any, make_card: Any, quiet_now: QuietHours
) -> None:
    await board.take(make_card(version=2, quiet_hours=quiet_now))
    async with board.running():
        with pytest.raises(errors.QuietNow):
            await board.desk.tests.tone()
        board.clock.trusted = ClockTrust.UNKNOWN
        with pytest.raises(errors.TimeUnknown):
            await board.desk.tests.tone()
        assert board.heard() == []
        await board.desk.tests.tone(insist=True)
    assert board.heard() == TONE


async def test_not_while_something_sounds_or_is_about_to(board: Any, broadcast: Callable[..., Any]) -> None:
    id_ = await broadcast(4.0, in_s=4)
    async with board.running():
        with pytest.raises(errors.SoonSounding):
            await board.desk.tests.tone()
        await board.until(lambda: board.playing() == id_)
        with pytest.raises(errors.Sounding):
            await board.desk.tests.tone()
        await board.until(lambda: board.station.journal.outbox(9))
    assert [report.outcome for report in board.station.journal.outbox(9)] == [Outcome.PLAYED]
    assert [what for what, _ in board.heard()] == [id_]


async def test_whoever_insists_is_heard_and_the_broadcast_goes_on(
    board: Any, broadcast: Callable[..., Any]
) -> None:
    id_ = await broadcast(8.0, in_s=1)
    async with board.running():
        await board.until(lambda: board.playing() == id_)
        await board.desk.tests.tone(insist=True)
        await board.until(lambda: board.playing() == id_, within_s=4)
        await board.until(lambda: board.station.journal.outbox(9))
    assert [what for what, _ in board.heard()] == [id_, "test-tone", id_]
    report = board.station.journal.outbox(9)[0]
    assert report.outcome is Outcome.PARTLY_PLAYED
    assert report.seconds_played > 3


async def test_an_alert_takes_the_loudspeaker_from_a_test_at_once(
    board: Any, make_sound: Any, make_alert: Any, make_board: Any
) -> None:
    signal, _ = make_sound(board.folder / "state" / "sound", 3.0)
    async with board.running(), asyncio.TaskGroup() as group:
        testing = group.create_task(refusal_of(board.desk.tests.tone(insist=True)))
        await board.until(lambda: board.station.amplifier.off_for_s == 0 and board.desk.tests.is_busy)
        await board.take(make_board(make_alert(signal, signal)))
        began = datetime.now(UTC)
        await board.until(lambda: board.playing() is not None, within_s=2)
        assert datetime.now(UTC) - began < timedelta(seconds=1.5)
        assert isinstance(await testing, errors.GaveWay)
        with pytest.raises(errors.AlertFirst):
            await board.desk.tests.tone(insist=True)
        await board.until(lambda: board.station.journal.outbox(9))
        await board.desk.tests.tone()


async def test_an_alert_that_comes_while_a_broadcast_stands_aside_is_alone_on_the_stage(
    board: Any, make_sound: Any, make_alert: Any, make_board: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal, _ = make_sound(board.folder / "state" / "sound", 3.0)
    conductor = board.station.conductor
    stand_aside = conductor.stand_aside

    async def slow(seconds: float) -> None:
        await stand_aside(seconds)
        if seconds:
            await board.take(make_board(make_alert(signal, signal)))

    monkeypatch.setattr(conductor, "stand_aside", slow)
    looked = asyncio.Event()
    conductor.on_look = looked.set
    async with board.running():
        await looked.wait()
        with pytest.raises(errors.GaveWay):
            await board.desk.tests.tone(insist=True)
        await board.until(lambda: board.station.journal.outbox(9))
    assert [report.outcome for report in board.station.journal.outbox(9)] == [Outcome.PLAYED]
    assert len(board.heard()) == 1


async def test_one_test_at_a_time(board: Any) -> None:
    async with board.running(), asyncio.TaskGroup() as group:
        first = group.create_task(refusal_of(board.desk.tests.tone()))
        await board.until(lambda: board.desk.tests.is_busy)
        with pytest.raises(errors.Busy):
            await board.desk.tests.tone()
        assert await first is None
    assert board.heard() == TONE


async def test_a_speaker_that_fails_is_told(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_card(*_: object) -> None:
        raise SpeakerFailed(problem="unplugged")

    monkeypatch.setattr(board.desk.tests.speaker, "begin", no_card)
    async with board.running():
        with pytest.raises(SpeakerFailed):
            await board.desk.tests.tone()
        assert "unplugged" in await board.desk.try_test("tone")
    assert not board.desk.tests.is_busy


@pytest.mark.parametrize(
    ("verdict", "well"),
    [
        (SelfTestVerdict.PASSED, True),
        (SelfTestVerdict.CALIBRATED, True),
        (SelfTestVerdict.FAILED, False),
        (SelfTestVerdict.INCONCLUSIVE, False),
    ],
)
async def test_whether_it_came_out_well_is_told_beside_the_words(
    board: Any, monkeypatch: pytest.MonkeyPatch, verdict: SelfTestVerdict, well: bool
) -> None:
    async def now(kind: SelfTestKind, **_: bool) -> SelfTestResult:
        return SelfTestResult(id="t", kind=kind, at=datetime.now(UTC), verdict=verdict)

    monkeypatch.setattr(board.desk.tests.examiner, "now", now)
    question = {"do": "test", "what": "electrical", "insist": True}
    assert (await board.desk.answer(question))["well"] is well


async def test_a_station_without_the_parts_says_so(board: Any) -> None:
    with pytest.raises(AgentError):
        await board.desk.tests.examine(SelfTestKind.ACOUSTIC)
    with pytest.raises(errors.NoSuchTest):
        await board.desk.test("opera", insist=False)


async def refusal_of(asked: Any) -> AgentError | None:
    try:
        await asked
    except AgentError as error:
        return error
    return None
