"""When a station tests itself."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from agent.selftest.times import LONGEST, is_due, share_of
from wire.evidence import SelfTestFinding as Finding
from wire.evidence import SelfTestKind as Kind
from wire.evidence import SelfTestResult
from wire.evidence import SelfTestVerdict as Verdict
from wire.messages import SelfTestTimes, StationCard

DAY = datetime(2026, 11, 23, tzinfo=UTC)
EIGHT = DAY + timedelta(hours=1)
"""In Việt Nam."""
TEN = DAY + timedelta(hours=3)
MakeCard = Callable[..., StationCard]


def result(at: datetime, verdict: Verdict = Verdict.PASSED, *findings: Finding) -> SelfTestResult:
    return SelfTestResult(id="a", kind=Kind.ACOUSTIC, at=at, verdict=verdict, findings=findings)


def first_instant(card: StationCard) -> datetime:
    minutes = (EIGHT + timedelta(minutes=step) for step in range(121))
    return next(at for at in minutes if is_due(Kind.ACOUSTIC, card, None, at))


def test_every_station_has_its_own_instant_in_the_window(make_card: MakeCard) -> None:
    instants = {first_instant(make_card(station=f"cum-loa-{number}")) for number in range(40)}
    assert len(instants) > 20
    assert min(instants) >= EIGHT
    assert max(instants) <= TEN - LONGEST + timedelta(minutes=1)
    assert 0 <= share_of("cum-loa-1") < 1


def test_never_outside_of_the_window(make_card: MakeCard) -> None:
    card = make_card()
    for at in (EIGHT - timedelta(seconds=1), TEN, TEN + timedelta(hours=9)):
        assert not is_due(Kind.ACOUSTIC, card, None, at)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (result(TEN - timedelta(days=30)), True),
        (result(TEN - timedelta(days=29)), False),
        (result(TEN - timedelta(days=30), Verdict.CALIBRATED), True),
        (result(TEN - timedelta(days=1), Verdict.FAILED, Finding.WEAK), True),
        (result(TEN - timedelta(hours=1), Verdict.FAILED, Finding.WEAK), False),
        (result(TEN - timedelta(hours=1), Verdict.INCONCLUSIVE, Finding.TOO_NOISY), True),
        (result(TEN - timedelta(minutes=9), Verdict.INCONCLUSIVE, Finding.INTERRUPTED), False),
        (result(TEN - timedelta(hours=1), Verdict.INCONCLUSIVE, Finding.MICROPHONE_DEAD), False),
        (result(TEN + timedelta(days=300)), True),
    ],
)
def test_how_long_after_the_last_one(make_card: MakeCard, last: SelfTestResult | None, due: bool) -> None:
    assert is_due(Kind.ACOUSTIC, make_card(), last, TEN - timedelta(seconds=1)) is due


def test_each_kind_has_its_own_days_and_0_is_never(make_card: MakeCard) -> None:
    last, at = result(TEN - timedelta(days=8)), TEN - timedelta(seconds=1)
    assert is_due(Kind.ELECTRICAL, make_card(), last, at)
    assert not is_due(Kind.ACOUSTIC, make_card(), last, at)
    never: dict[str, Any] = {"self_test": SelfTestTimes(audible_every_days=0, silent_every_days=0)}
    for kind in Kind:
        assert not is_due(kind, make_card(**never), None, at)


def test_a_window_that_is_shorter_than_a_test_still_has_its_beginning(make_card: MakeCard) -> None:
    card = make_card(self_test=SelfTestTimes(begins=time(8, 0), ends=time(8, 5)))
    assert is_due(Kind.ACOUSTIC, card, None, EIGHT)
    assert not is_due(Kind.ACOUSTIC, card, None, EIGHT + timedelta(minutes=5))
