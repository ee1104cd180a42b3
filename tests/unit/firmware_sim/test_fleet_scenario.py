"""What a scenario file says, what it may not say, and whom its faults are drawn for."""

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest

from firmware_sim.fleet.draw import Stations, draw
from firmware_sim.fleet.faults import Fault, Makes, seconds_of
from firmware_sim.fleet.scenario import Event, Scenario, ScenarioRefused, Who, bundled, find, load
from wire.ids import StationKind

PROVINCE = tuple(f"cum-loa-{number}" for number in range(2340))
KINDS = {
    StationKind.COMMUNE_STATION: frozenset(PROVINCE[:164]),
    StationKind.VILLAGE_CLUSTER: frozenset(PROVINCE[164:]),
}
EVERY_FAULT = get_args(get_args(Fault)[0])
HEAD = "title: Thử\nabout: a try\nseed: 1\nlasts: 1h\n"


def scenario(*events: Event, lasts: float = 3600.0) -> Scenario:
    return Scenario(title="Thử", about="a try", seed=7, lasts=lasts, events=events)


def event(**values: Any) -> Event:
    return Event.model_validate({"name": "su-kien", "all_of": "link_down"} | values)


@pytest.mark.parametrize("name", bundled())
def test_every_scenario_of_ours_can_be_read_and_drawn(name: str) -> None:
    read = load(find(name))
    drawn = draw(read, Stations(PROVINCE, KINDS))
    assert bool(drawn) == bool(read.events)
    assert all(met.begins_s <= read.lasts for met in drawn)
    assert all(met.ends_s is None or met.ends_s >= met.begins_s for met in drawn)


def test_the_scenarios_together_use_every_fault_there_is() -> None:
    used = {met.fault.fault for path in bundled().values() for met in draw(load(path), Stations(PROVINCE))}
    assert {kind.model_fields["fault"].default for kind in EVERY_FAULT} == used


@pytest.mark.parametrize(
    ("written", "seconds"), [("90s", 90.0), ("1h30m", 5400.0), ("0", 0.0), ("1.5s", 1.5), (12, 12.0)]
)
def test_durations_are_written_as_people_say_them(written: object, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize("written", ["", "soon", "10", "-5m", "5 m", "1h nonsense"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(written)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "events:\n  - name: a\n    all_of: gremlins\n", "line 7"),
        (
            HEAD + "events:\n  - name: a\n    all_of: link_down\n    who: {count: 1, share: 0.5}\n",
            "either count",
        ),
        (HEAD + "events:\n  - name: a\n", "either all_of or one_of"),
        (HEAD + "events:\n  - name: a\n    all_of: link_down\n  - name: a\n    all_of: tamper\n", "one name"),
        (HEAD + "events:\n  - name: a\n    all_of: link_down\n    at: later\n", "line 8"),
        (HEAD + "weather: bad\n", "weather"),
        ("title: [", ""),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioRefused) as refused:
        load(file)
    assert said in str(refused.value.params["problem"])
    assert refused.value.params["file"] == str(file)


def test_a_scenario_that_is_not_there_is_refused_with_the_names_of_ours() -> None:
    with pytest.raises(ScenarioRefused) as refused:
        find("no-such-weather")
    assert "typhoon" in str(refused.value.params["problem"])


def test_the_same_seed_draws_the_same_and_another_one_another() -> None:
    one = load(find("lao-cai-2016"))
    assert draw(one, Stations(PROVINCE, KINDS)) == draw(one, Stations(PROVINCE, KINDS))
    other = one.model_copy(update={"seed": one.seed + 1})
    assert draw(other, Stations(PROVINCE, KINDS)) != draw(one, Stations(PROVINCE, KINDS))


def test_lao_cai_of_2016_has_17_broken_and_19_underperforming_commune_stations_of_several_causes() -> None:
    drawn = draw(load(find("lao-cai-2016")), Stations(PROVINCE, KINDS))
    broken = [met for met in drawn if met.makes is Makes.BROKEN]
    weak = [met for met in drawn if met.makes is Makes.UNDERPERFORMING]
    assert (len(broken), len(weak)) == (17, 19)
    assert len({met.station for met in broken + weak}) == 36
    assert {met.station for met in broken + weak} <= KINDS[StationKind.COMMUNE_STATION]
    for damaged in (broken, weak):
        causes = Counter(met.fault.fault for met in damaged)
        assert len(causes) >= 4
        assert max(causes.values()) <= len(damaged) / 2
    assert all(met.ends_s is None for met in broken + weak)


def test_a_typhoon_takes_whole_districts_and_gives_them_back_together() -> None:
    districts = {f"vung-{part}": PROVINCE[part::9] for part in range(9)}
    drawn = draw(load(find("typhoon")), Stations(PROVINCE, KINDS, districts))
    dark = [met for met in drawn if met.fault.fault == "power_cut"]
    assert {met.station for met in dark} in [set(ids) for ids in districts.values()]
    assert len({met.ends_s for met in dark}) == 1
    assert max(met.begins_s for met in dark) - min(met.begins_s for met in dark) > 60


def test_without_districts_of_its_own_a_fleet_is_divided_into_nine() -> None:
    runs = Stations(PROVINCE).by_district()
    assert len(runs) == 9
    assert [id_ for ids in runs.values() for id_ in ids] == list(PROVINCE)
    assert Stations(("a-1", "a-2")).by_district() == {"district-1": ("a-1",), "district-2": ("a-2",)}


@pytest.mark.parametrize(
    ("who", "count"),
    [
        ({}, 2340),
        ({"count": 5}, 5),
        ({"share": 0.001}, 3),
        ({"kind": "commune_station"}, 164),
        ({"kind": "commune_station", "share": 0.5}, 82),
        ({"stations": ["cum-loa-7", "unknown-1"]}, 1),
        ({"count": 9999}, 2340),
        ({"district": "district-2", "count": 4}, 4),
        ({"districts": 2}, 520),
    ],
)
def test_as_many_are_struck_as_are_meant(who: dict[str, Any], count: int) -> None:
    drawn = draw(scenario(event(who=Who.model_validate(who))), Stations(PROVINCE, KINDS))
    assert len(drawn) == count == len({met.station for met in drawn})


def test_it_begins_within_and_ends_after() -> None:
    drawn = draw(
        scenario(event(at="5m", within="2m", lasts="10m", back_within="1m")), Stations(PROVINCE[:50])
    )
    assert all(300 <= met.begins_s <= 420 for met in drawn)
    assert all(met.ends_s is not None and 600 <= met.ends_s - met.begins_s <= 660 for met in drawn)


def test_what_happens_every_so_often_strikes_others_each_time_and_stops_with_the_run() -> None:
    again = event(who={"count": 3}, at="1m", every="10m", lasts="1m")
    drawn = draw(scenario(again), Stations(PROVINCE))
    assert len(drawn) == 3 * 6
    assert len({met.station for met in drawn}) > 12


def test_no_station_is_damaged_by_two_events() -> None:
    broken = event(name="hong", who={"count": 40}, all_of="open_line")
    weak = event(name="yeu", who={"count": 40}, all_of="water")
    noisy = event(name="on", all_of="noise")
    drawn = draw(scenario(broken, weak, noisy), Stations(PROVINCE[:60]))
    counted = Counter(met.event for met in drawn)
    assert counted == {"hong": 40, "yeu": 20, "on": 60}
