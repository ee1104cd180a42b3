"""From boards to what a station sounds: pure rules."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.posted import Moment, begins_at, ends_at, lateness_of, part_for, posted, standing_for
from agent.programme import rank_of
from schedules.cue import closes
from wire.alerts import StandingLayer, StandingSound, Voice
from wire.ids import AlertKind, LatenessRule, Priority, Severity
from wire.messages import Item, Lateness

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def item(number: int, instead: Item | None = None) -> Item:
    return Item(sha256=f"{number:064x}", seconds=number, size_bytes=1, instead=instead)


@pytest.fixture
def alert(make_alert: Callable[..., Any]) -> Callable[..., Any]:
    def make(**changes: Any) -> Any:
        return make_alert(item(1), item(2), **({"sent_at": NOW, "expires_at": NOW + 10 * MINUTE} | changes))

    return make


def test_of_an_alert_on_several_boards_the_highest_revision_counts(
    alert: Any, make_board: Any, make_card: Any
) -> None:
    old, new, other = alert(), alert(revision=2), alert(number=9)
    boards = [make_board(old, other, area="lao-cai"), make_board(new, other, area="ta-van")]
    found = posted(make_card(), boards)
    assert set(found) == {new.sounding, other.sounding}
    assert (found[new.sounding].area, found[other.sounding].area) == ("ta-van", "lao-cai")
    assert posted(make_card(), boards[::-1]).keys() == found.keys()


@pytest.mark.parametrize(("age_s", "begins"), [(0, NOW), (300, NOW)])
def test_with_a_trusted_clock_it_begins_when_it_was_sent(alert: Any, age_s: float, begins: datetime) -> None:
    at = Moment(NOW + timedelta(seconds=age_s + 60), True)
    assert begins_at(alert(), age_s, at) == begins
    assert ends_at(alert(), age_s, at) == NOW + 10 * MINUTE


def test_a_clock_somewhat_behind_does_not_make_it_wait(alert: Any) -> None:
    at = Moment(NOW - timedelta(seconds=20), True)
    assert begins_at(alert(), 5.0, at) == at.now - timedelta(seconds=5)


def test_without_a_trusted_clock_only_its_age_counts(alert: Any) -> None:
    at = Moment(datetime(1970, 1, 1, 0, 5, tzinfo=UTC), False)
    assert begins_at(alert(), 60, at) == at.now - MINUTE
    assert ends_at(alert(), 60, at) == at.now + 9 * MINUTE
    assert lateness_of(alert(), 60, at).grace_s == 600
    assert at.now >= ends_at(alert(), 600, at)


def test_another_rule_keeps_its_own_grace_within_the_validity(alert: Any) -> None:
    at = Moment(NOW, True)
    skip = alert(lateness=Lateness(rule=LatenessRule.SKIP, grace_s=60))
    assert lateness_of(skip, 0, at) == Lateness(rule=LatenessRule.SKIP, grace_s=60)
    forever = alert(lateness=Lateness(rule=LatenessRule.SKIP, grace_s=99_999))
    assert lateness_of(forever, 0, at).grace_s == 600
    assert lateness_of(alert(expires_at=NOW - MINUTE), 0, at).grace_s == 0


@pytest.mark.parametrize(
    ("languages", "heard"),
    [
        (("vi",), [2]),
        (("hmn", "vi"), [3, 4, 2]),
        (("dao", "hmn"), [3, 4]),
        (("dao",), [2, 3, 4]),
        (("vi", "vi"), [2]),
    ],
)
def test_voices_come_in_the_order_of_the_stations_languages(
    alert: Any, make_board: Any, make_card: Any, languages: tuple[str, ...], heard: list[int]
) -> None:
    voices = (Voice(language="vi", items=(item(2),)), Voice(language="hmn", items=(item(3), item(4))))
    card, one = make_card(languages=languages), alert(voices=voices)
    part = part_for(posted(card, [make_board(one)])[one.sounding], card, 0, Moment(NOW, True))
    assert [int(item.sha256, 16) for item in part.planned.items] == heard


def test_a_drill_differs_from_the_real_thing_only_in_its_sound_and_its_rank(
    alert: Any, make_board: Any, make_card: Any
) -> None:
    def part(one: Any) -> Any:
        return part_for(
            posted(make_card(), [make_board(one)])[one.sounding], make_card(), 0, Moment(NOW, True)
        )

    real = part(alert())
    notice_and_voice = (Voice(language="vi", items=(item(7), item(2))),)
    drill = part(alert(drill=True, signal=item(8), voices=notice_and_voice))
    sounds = {"opening", "items"}
    assert real.planned.model_dump(exclude=sounds) == drill.planned.model_dump(exclude=sounds)
    assert real.occurrence.priority == drill.occurrence.priority


@pytest.mark.parametrize("changes", [{"drill": True}, {"only_after": ("kc-x-r1@20261123T000000Z",)}])
def test_a_drill_or_an_all_clear_is_weaker_than_any_alert(alert: Any, changes: dict[str, Any]) -> None:
    least = rank_of(alert(severity=Severity.UNKNOWN))
    assert rank_of(alert(severity=Severity.EXTREME, **changes)) < least < rank_of(alert())


def test_a_voice_is_heard_without_a_signal_that_is_not_at_hand(
    alert: Any, make_board: Any, make_card: Any
) -> None:
    one = posted(make_card(), [make_board(alert())])[alert().sounding]
    part = part_for(one, make_card(), 0, Moment(NOW, True), with_signal=False)
    assert (part.planned.opening, part.planned.seconds) == ((), 2)


def test_what_is_over_can_neither_begin_nor_go_on(alert: Any, make_board: Any, make_card: Any) -> None:
    one = posted(make_card(), [make_board(alert())])[alert().sounding]
    at = Moment(NOW + MINUTE, True)
    assert closes(part_for(one, make_card(), 0, at, over=True).occurrence, begun=False) == at.now
    assert closes(part_for(one, make_card(), 0, at).occurrence, begun=False) > at.now


def test_an_alert_is_an_emergency_at_the_emergency_volume(
    alert: Any, make_board: Any, make_card: Any
) -> None:
    card = make_card(volume_max=30, emergency_volume=95)
    one = alert(severity=Severity.EXTREME, repeats=3, gap_s=2.0, closing=item(5))
    part = part_for(posted(card, [make_board(one)])[one.sounding], card, 0, Moment(NOW, True))
    assert (part.planned.priority, part.planned.volume) == (Priority.EMERGENCY, 95)
    assert part.planned.seconds == 1 + 3 * 2 + 2 * 2.0 + 5
    assert (part.occurrence.rank, part.occurrence.depth) == (Severity.EXTREME.rank + 1, 1)
    assert part.last_word >= one.expires_at


def test_standing_sounds_without_a_language_and_in_the_stations_own_are_held(make_card: Any) -> None:
    sounds = (
        StandingSound(item=item(1)),
        StandingSound(item=item(2), kind=AlertKind.FLOOD, language="vi"),
        StandingSound(item=item(3), kind=AlertKind.FLOOD, language="hmn"),
    )
    layer = StandingLayer(area="lao-cai", version=1, issued_at=NOW, sounds=sounds)
    held = standing_for(make_card(languages=("vi",)), [layer])
    assert [int(sound.item.sha256, 16) for sound in held] == [1, 2]
