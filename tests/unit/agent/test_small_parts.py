"""Back-off, supervision, wording, gain."""

import asyncio
import random
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import agent
from agent import errors
from agent.backoff import STABLE_S, Backoff
from agent.errors import TaskEnded
from agent.player import gain_of
from agent.supervision import supervise
from agent.wording import sayer
from wire.ids import Outcome, OutcomeReason

TEXT = Path(agent.__file__).parent / "text"


def test_waits_grow_spread_over_the_whole_range_and_stay_bounded() -> None:
    backoff = Backoff(1.0, 60.0, random.Random(1))
    waits = [backoff.next_s() for _ in range(200)]
    assert waits[0] <= 2.0
    assert all(1.0 <= wait <= 60.0 for wait in waits)
    assert min(waits[10:]) < 10 and max(waits) > 50
    backoff.reset()
    assert backoff.next_s() <= 2.0


def test_the_first_wait_is_spread_over_its_own_span_so_that_a_province_does_not_come_at_once() -> None:
    backoffs = [Backoff(1.0, 35.0, random.Random(number), first_s=10.0) for number in range(2340)]
    starts = [int(backoff.start_s()) for backoff in backoffs]
    assert set(starts) == set(range(10))
    firsts = [backoff.after_s(3600.0) for backoff in backoffs]
    assert all(1.0 <= wait <= 10.0 for wait in firsts)
    busiest = max(Counter(map(int, firsts)).values())
    assert busiest < 2340 / 7
    latest = [[backoff.after_s(0.1) for _ in range(4)][-1] for backoff in backoffs]
    assert 34.0 < max(latest) <= 35.0


def test_only_what_lasted_starts_the_waits_anew() -> None:
    backoff = Backoff(1.0, 35.0, random.Random(1), first_s=2.0)
    for _ in range(8):
        backoff.after_s(STABLE_S - 1)
    assert max(backoff.after_s(0.0) for _ in range(50)) > 30
    assert backoff.after_s(STABLE_S) <= 2.0


async def for_ever() -> None:
    await asyncio.Event().wait()


async def dies() -> None:
    raise OSError("disk gone")


async def returns() -> None:
    return None


async def test_a_task_that_dies_takes_all_down() -> None:
    with pytest.raises(ExceptionGroup) as died:
        await supervise({"a": for_ever, "b": dies}, asyncio.Event())
    assert isinstance(died.value.exceptions[0], OSError)


async def test_a_task_that_merely_returns_takes_all_down() -> None:
    with pytest.raises(ExceptionGroup) as ended:
        await supervise({"a": for_ever, "b": returns}, asyncio.Event())
    assert isinstance(ended.value.exceptions[0], TaskEnded)


async def test_a_stop_that_was_asked_for_is_no_failure() -> None:
    stop = asyncio.Event()
    stop.set()
    await supervise({"a": for_ever}, stop)


def keys(language: str) -> dict[str, str]:
    catalogue = tomllib.loads((TEXT / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, texts in catalogue.items() for key, text in texts.items()}


def test_both_languages_say_the_same_things() -> None:
    vi, en = keys("vi"), keys("en")
    assert vi.keys() == en.keys()
    for key in vi:
        assert set(_blanks(vi[key])) == set(_blanks(en[key])), key


def _blanks(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]


def test_every_error_outcome_and_reason_has_a_sentence() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    needed = {kind.key for kind in kinds if issubclass(kind, errors.AgentError)}
    needed |= {f"outcome.{one}" for one in Outcome} | {f"reason.{one}" for one in OutcomeReason}
    assert needed <= keys("vi").keys()


def test_a_sentence_is_filled_in() -> None:
    assert "cum-loa-1" in sayer("vi")("status.station", station="cum-loa-1")
    with pytest.raises(KeyError):
        sayer("vi")("status.nothing")


@pytest.mark.parametrize(("volume", "gain"), [(100, 1.0), (50, 0.25), (0, 0.0)])
def test_gain_follows_the_square_of_the_volume(volume: int, gain: float) -> None:
    assert gain_of(volume) == gain
