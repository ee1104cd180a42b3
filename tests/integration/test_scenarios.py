"""Every scenario on a few stations for some minutes of virtual time: what must come of it."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.fleet.installed import learn
from firmware_sim.fleet.scenario import Event, Scenario, bundled, load
from tests.support.fleets import Story, Teller
from wire import topics
from wire.alerts import Alert, AlertBoard, Voice
from wire.evidence import SelfTestFinding, SelfTestResult, SelfTestVerdict
from wire.ids import AlertKind, LatenessRule, Severity
from wire.messages import Heartbeat, Item, Lateness, SelfTestTimes

STATIONS = tuple(f"cum-loa-{number}" for number in range(10))
ALERT = "kc-1"
BOOTED_WITHIN_S = 90.0
"""From the power to the connection: boot, and the first tries of the link."""


@pytest.fixture
def teller(tmp_path: Path) -> Teller:
    return Teller(tmp_path, STATIONS)


def scenario(name: str) -> Scenario:
    return load(bundled()[name])


def shortened(name: str, event: str, **changes: Any) -> Scenario:
    whole = scenario(name)
    events = [one.model_copy(update=changes) if one.name == event else one for one in whole.events]
    return whole.model_copy(update={"events": tuple(events)})


def nothing_is_wrong_with(story: Story) -> None:
    """What no scenario may bring about."""
    assert story.heard_twice() == []
    assert {id_: board.deaths for id_, board in story.boards.items() if board.deaths} == {}


def press(teller: Teller, *, drill: bool = False) -> Callable[[datetime], None]:
    """The board of alerts as it is pressed at some instant of the fleet's time."""

    def act(now: datetime) -> None:
        signal, voice, closing = (
            Item(sha256=f"{place:064x}", seconds=seconds, size_bytes=5_000)
            for place, seconds in enumerate((4.0, 5.0, 2.0))
        )
        alert = Alert(
            id=ALERT,
            revision=1,
            sounding=sounding_at(now),
            kind=AlertKind.FLOOD,
            severity=Severity.EXTREME,
            drill=drill,
            sent_at=now,
            expires_at=now + timedelta(minutes=20),
            signal=signal,
            voices=(Voice(language="vi", items=(voice,)),),
            closing=closing,
            repeats=2,
            gap_s=1.0,
            lateness=Lateness(rule=LatenessRule.CONTINUE, grace_s=1200),
        )
        board = AlertBoard(area="lao-cai", version=1, issued_at=now, alerts=(alert,))
        teller.send(topics.alerts("lao-cai"), board)

    return act


def sounding_at(now: datetime) -> str:
    return f"{ALERT}-r1@{now:%Y%m%dT%H%M%SZ}"


def heard_alert(story: Story) -> set[str]:
    return {station for station in STATIONS if any(one.startswith(ALERT) for one in story.heard(station))}


def test_on_a_calm_day_everybody_hears_everything_once_and_amplifiers_rest_in_between(
    teller: Teller,
) -> None:
    story = teller.live(scenario("calm"), 390.0)
    nothing_is_wrong_with(story)
    assert {station: story.heard(station) for station in STATIONS} == {
        station: set(story.due(30.0, 390.0)) for station in STATIONS
    }
    assert story.online == set(STATIONS)
    assert story.truths == []
    idle = [sample for sample in story.samples if not any(stage for stage, _ in sample.values())]
    resting = [not on for sample in idle for _, on in sample.values()]
    assert sum(resting) > 0.8 * len(resting) > 0
    assert any(on for sample in story.samples for _, on in sample.values())


def test_a_short_outage_costs_no_sound_and_ends(teller: Teller) -> None:
    story = teller.live(scenario("short-outage"), 620.0)
    nothing_is_wrong_with(story)
    for station in STATIONS:
        assert story.heard(station) >= set(story.due(195.0, 475.0))
    assert story.online == set(STATIONS)


def test_over_midnight_with_clocks_that_jump_nothing_is_heard_twice(teller: Teller) -> None:
    story = teller.live(scenario("midnight"), 840.0)
    nothing_is_wrong_with(story)
    untouched = set(STATIONS) - story.struck_by("clock_step")
    for station in untouched - story.struck_by("clock_drift"):
        assert story.heard(station) == set(story.due(30.0, 840.0))
    assert all(len(story.heard(station)) >= 5 for station in STATIONS)


def test_in_1970_nothing_sounds_by_schedule_and_nothing_fires_at_once_afterwards(teller: Teller) -> None:
    whole = shortened("clock-1970", "nam-1970", lasts=600.0)
    story = teller.live(whole, 840.0)
    nothing_is_wrong_with(story)
    cut = story.struck_by("power_cut")
    assert cut
    for station in cut:
        dark_until_s = max(met.ends_s or 0.0 for met in story.drawn if met.station == station)
        began = [one.began_s for one in story.soundings(station) if one.began_s > 130.0]
        assert all(second > min(dark_until_s, 600.0) - 1.0 for second in began)
        assert set(story.due(680.0, 840.0)) <= story.heard(station)
        assert len(story.heard(station)) <= len(story.due(0.0, 150.0)) + len(story.due(580.0, 840.0))
    for station in set(STATIONS) - cut:
        assert story.heard(station) == set(story.due(30.0, 840.0))


def test_on_slow_cards_every_occurrence_comes_to_a_reported_end(teller: Teller) -> None:
    story = teller.live(scenario("slow-cards"), 600.0)
    nothing_is_wrong_with(story)
    due = set(story.due(30.0, 520.0))
    for station, reports in teller.reports.items():
        told = [report.occurrence for report in reports]
        assert len(told) == len(set(told)), station
        assert set(told) >= due, station
    assert teller.reports.keys() == set(STATIONS)


def test_boots_again_and_again_play_nothing_twice_and_lose_no_report(teller: Teller) -> None:
    story = teller.live(scenario("reboots"), 780.0)
    nothing_is_wrong_with(story)
    cut = story.struck_by("power_cut")
    back = {met.station for met in story.drawn if (met.ends_s or 0.0) + 30.0 < story.lasted_s}
    assert back
    assert all(story.boards[station].boots > 1 for station in back)
    assert all(story.boards[station].boots == 1 for station in set(STATIONS) - cut)
    for station, reports in teller.reports.items():
        told = [report.occurrence for report in reports]
        assert len(told) == len(set(told)), station
        assert set(told) >= set(story.due(30.0, 300.0)), station
    last_cut_s = max(met.ends_s or 0.0 for met in story.drawn if met.begins_s < story.lasted_s)
    if last_cut_s + BOOTED_WITHIN_S < story.lasted_s:
        assert story.online == set(STATIONS)


def test_stations_without_a_network_play_on_and_tell_later(teller: Teller) -> None:
    whole = shortened("offline", "khong-mang", at=90.0, within=10.0, lasts=240.0, back_within=20.0)
    story = teller.live(whole, 720.0)
    nothing_is_wrong_with(story)
    away = {met.station for met in story.drawn}
    assert away
    for station in STATIONS:
        assert story.heard(station) == set(story.due(30.0, 720.0))
        told = {report.occurrence for report in teller.reports[station]}
        assert told >= set(story.due(30.0, 600.0)), station
    assert story.online == set(STATIONS)


def test_after_a_mast_comes_back_all_are_back_within_a_minute(teller: Teller) -> None:
    whole = shortened("reconnect-storm", "chap-chon", lasts=60.0)
    story = teller.live(whole, 270.0)
    nothing_is_wrong_with(story)
    assert story.online >= set(STATIONS) - story.struck_by("same_id")
    assert story.struck_by("same_id")


def test_worn_cards_do_not_silence_an_alert(teller: Teller) -> None:
    """Whose card has taken nothing, or lost what it took, may sound an alert once more after a boot."""
    story = teller.live(scenario("worn-cards"), 780.0, at=[(400.0, press(teller))])
    forgetful = story.struck_by("disk_full", "disk_read_only", "bit_flip", "files_deleted", "torn_write")
    assert forgetful
    for station, once, _again in story.heard_twice():
        assert station in forgetful
        assert once.occurrence.startswith(ALERT)
    assert heard_alert(story) == set(STATIONS)
    assert {id_ for id_, board in story.boards.items() if board.deaths} == set()


def test_a_program_whose_part_dies_starts_again_and_goes_on(teller: Teller) -> None:
    story = teller.live(scenario("dead-tasks"), 480.0)
    assert story.heard_twice() == []
    died = story.struck_by("task_dies")
    assert {id_ for id_, board in story.boards.items() if board.deaths} == died
    assert all(story.boards[station].boots == 1 + story.boards[station].deaths for station in died)
    assert story.online == set(STATIONS)


def test_a_clock_that_is_hours_wrong_plays_nothing_by_schedule_but_an_alert(teller: Teller) -> None:
    story = teller.live(scenario("wrong-hour"), 600.0, at=[(400.0, press(teller))])
    nothing_is_wrong_with(story)
    wrong = story.struck_by("clock_step")
    assert wrong
    for station in wrong:
        by_schedule = [one for one in story.soundings(station) if not one.occurrence.startswith(ALERT)]
        begins_s = min(met.begins_s for met in story.drawn if met.station == station)
        assert all(one.began_s < begins_s + 3.0 for one in by_schedule), station
    assert heard_alert(story) == set(STATIONS)


def test_idle_amplifiers_are_off_and_a_broken_cable_silences_nobody(teller: Teller) -> None:
    story = teller.live(scenario("idle-amplifiers"), 600.0, at=[(450.0, press(teller))])
    nothing_is_wrong_with(story)
    assert heard_alert(story) == set(STATIONS)
    assert story.struck_by("no_answer", "fan_stuck", "mains_lost")
    for station in STATIONS:
        resting = 0
        for before, sample in zip(story.samples, story.samples[5:], strict=False):
            window_is_silent = station in before and not before[station][0] and not sample[station][0]
            resting += window_is_silent and not sample[station][1]
        assert resting, station


def test_a_drill_reaches_everybody_who_can_be_reached(teller: Teller) -> None:
    story = teller.live(scenario("silent-36-of-223"), 200.0, at=[(100.0, press(teller, drill=True))])
    nothing_is_wrong_with(story)
    assert heard_alert(story) == set(STATIONS) - story.struck_by("power_cut", "link_down")
    mute = story.struck_by("open_line", "shorted_line")
    assert mute | story.struck_by("power_cut", "link_down")


def test_a_district_comes_back_from_a_typhoon_at_once(teller: Teller) -> None:
    whole = shortened("typhoon", "mat-dien-va-song", at=60.0, within=20.0, lasts=240.0)
    story = teller.live(whole, 420.0)
    nothing_is_wrong_with(story)
    district = story.struck_by("power_cut")
    assert district
    assert story.online >= district
    for station in district:
        assert story.heard(station) & set(story.due(100.0, 300.0)) == set()
        assert story.boards[station].boots == 2
    truths = {(truth.happened, truth.station) for truth in story.truths if truth.fault == "power_cut"}
    assert truths == {(happened, station) for happened in ("begins", "ends") for station in district}


def test_the_province_of_2016_sounds_where_it_can(teller: Teller) -> None:
    story = teller.live(scenario("lao-cai-2016").model_copy(update={"seed": 3}), 300.0)
    nothing_is_wrong_with(story)
    silent = story.struck_by("power_cut")
    for station in (
        set(STATIONS) - silent - story.struck_by("link_down", "thin", "loss", "latency", "flapping")
    ):
        assert story.heard(station) == set(story.due(30.0, 300.0))


def test_stations_find_by_themselves_what_is_wrong_with_their_horns(tmp_path: Path) -> None:
    """A morning with a window for tests, and what the heartbeats say after it."""
    faults = {"cum-loa-0": "open_line", "cum-loa-1": "blocked", "cum-loa-2": "microphone_dead"}
    events = tuple(
        Event.model_validate({"name": station, "who": {"stations": [station]}, "all_of": fault})
        for station, fault in faults.items()
    )
    morning = datetime.fromisoformat("2026-11-23T07:58:00+07:00")
    sick = scenario("calm").model_copy(update={"events": events, "starts_at": morning})
    teller = Teller(tmp_path, STATIONS[:4], every_s=86_400.0)
    teller.card["self_test"] = SelfTestTimes(begins=time(8, 0), ends=time(8, 35))
    learn(tmp_path / "state", teller.stations)
    story = teller.live(sick, 2_400.0)
    nothing_is_wrong_with(story)
    beats = teller.heartbeats
    verdicts = {station: test and test.verdict for station, test in acoustic(beats).items()}
    assert verdicts == {
        "cum-loa-0": SelfTestVerdict.FAILED,
        "cum-loa-1": SelfTestVerdict.FAILED,
        "cum-loa-2": SelfTestVerdict.INCONCLUSIVE,
        "cum-loa-3": SelfTestVerdict.PASSED,
    }
    electrical = beats["cum-loa-0"].electrical_test
    assert electrical is not None
    assert SelfTestFinding.OPEN_LINE in electrical.findings
    assert all(beat.amplifier is not None and not beat.amplifier.power_on for beat in beats.values())


def acoustic(beats: Mapping[str, Heartbeat]) -> dict[str, SelfTestResult | None]:
    return {station: beats[station].acoustic_test for station in sorted(beats)}


def test_every_scenario_of_ours_is_tried_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in bundled() if f'("{name}"' not in source] == []
