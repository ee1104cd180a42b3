from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest

from agent.programme import items_by_first_use, merge, quiet_of, volume_for
from wire.ids import LatenessRule, Priority, StationKind
from wire.messages import Item, Lateness, PlanLayer, PlannedOccurrence, QuietHours, Selector, StationCard

NOW = datetime.now(UTC)
MakeCard = Callable[..., StationCard]
MakeLayer = Callable[..., PlanLayer]
MakePlanned = Callable[..., PlannedOccurrence]


def item(name: str, seconds: float = 10.0) -> Item:
    return Item(sha256=name * 64, seconds=seconds, size_bytes=1)


def test_layers_of_the_chain_are_merged_and_the_wider_area_wins_an_id(
    make_card: MakeCard, make_layer: MakeLayer, make_planned: MakePlanned
) -> None:
    same_wide, same_near = make_planned(title="wide"), make_planned(title="near")
    own = make_planned(schedule="rieng")
    layers = [make_layer(same_wide, area="lao-cai"), make_layer(same_near, own, area="ta-van")]
    parts = merge(make_card(), layers, NOW, clock_trusted=True)
    assert {part.planned.title for part in parts.values()} == {"wide", ""}
    assert parts[own.id].occurrence.depth == 1
    assert parts[same_wide.id].occurrence.depth == 0


@pytest.mark.parametrize(("trusted", "count"), [(True, 0), (False, 1)])
def test_an_expired_layer_counts_for_nothing_where_time_can_be_told(
    make_card: MakeCard, make_layer: MakeLayer, make_planned: MakePlanned, trusted: bool, count: int
) -> None:
    layer = make_layer(make_planned(), days=-1)
    assert len(merge(make_card(), [layer], NOW, clock_trusted=trusted)) == count


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (Selector(), True),
        (Selector(kinds=(StationKind.VILLAGE_CLUSTER,)), True),
        (Selector(kinds=(StationKind.COMMUNE_STATION,)), False),
        (Selector(languages=("hmn", "vi")), True),
        (Selector(languages=("hmn",)), False),
    ],
)
def test_the_selector_says_which_stations(
    make_card: MakeCard, make_layer: MakeLayer, make_planned: MakePlanned, selector: Selector, chosen: bool
) -> None:
    layer = make_layer(make_planned(selector=selector))
    assert bool(merge(make_card(), [layer], NOW, clock_trusted=True)) is chosen


def test_sound_is_wanted_in_the_order_of_first_use_and_not_for_what_is_over(
    make_card: MakeCard, make_layer: MakeLayer, make_planned: MakePlanned
) -> None:
    late = make_planned(item("c"), item("a"), start=NOW + timedelta(hours=2), schedule="l")
    soon = make_planned(item("a"), item("b"), start=NOW + timedelta(hours=1), schedule="s")
    running = make_planned(item("d"), start=NOW - timedelta(seconds=5), schedule="r")
    over = make_planned(item("e"), start=NOW - timedelta(minutes=5), schedule="o")
    parts = merge(make_card(), [make_layer(late, soon, running, over)], NOW, clock_trusted=True)
    wanted = [one.sha256[0] for one in items_by_first_use(parts.values(), (), NOW)]
    assert list(dict.fromkeys(wanted)) == ["d", "a", "b", "c"]


def test_sound_of_a_late_skip_is_wanted_beyond_its_planned_end(
    make_card: MakeCard, make_layer: MakeLayer, make_planned: MakePlanned
) -> None:
    skip = Lateness(rule=LatenessRule.SKIP, grace_s=300)
    start = NOW - timedelta(minutes=2)
    waiting = make_planned(item("a"), start=start, schedule="w", lateness=skip)
    sounding = make_planned(item("b"), start=start - timedelta(minutes=4), schedule="s", lateness=skip)
    over = make_planned(item("c"), start=start - timedelta(minutes=4), schedule="o", lateness=skip)
    parts = merge(make_card(), [make_layer(waiting, sounding, over)], NOW, clock_trusted=True)
    wanted = [one.sha256[0] for one in items_by_first_use(parts.values(), {sounding.id}, NOW)]
    assert wanted == ["b", "a"]


@pytest.mark.parametrize(
    ("volume", "priority", "real"),
    [
        (100, Priority.NORMAL, 70),
        (10, Priority.NORMAL, 30),
        (50, Priority.PRIORITY, 50),
        (100, Priority.LIVE, 70),
        (100, Priority.EMERGENCY, 100),
    ],
)
def test_only_an_emergency_passes_the_volume_bounds(
    make_card: MakeCard, make_planned: MakePlanned, volume: int, priority: Priority, real: int
) -> None:
    card = make_card(volume_min=30, volume_max=70)
    assert volume_for(make_planned(volume=volume, priority=priority), card) == real


def test_quiet_hours_are_in_the_stations_own_zone(make_card: MakeCard) -> None:
    assert quiet_of(make_card()) is None
    window = quiet_of(make_card(quiet_hours=QuietHours(begins=time(22), ends=time(5))))
    assert window is not None
    assert window.covers(datetime(2026, 11, 23, 20, 15, tzinfo=UTC))
    assert not window.covers(datetime(2026, 11, 23, 22, 30, tzinfo=UTC))
