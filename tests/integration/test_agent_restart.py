"""Power cuts, restarts and lost brokers in the middle of things."""

from typing import Any

import psutil

from wire.ids import LatenessRule, Outcome
from wire.messages import Lateness


def has_sounded(station: Any, occurrence: str, seconds: float) -> bool:
    return any(one.frames > seconds * 48_000 for one in station.heard(occurrence))


def test_killed_in_the_middle_it_goes_on_where_it_would_be(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, match: Any, wait_for: Any
) -> None:
    sound = make_sound(9.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)
    wait_for(lambda: has_sounded(station, planned.id, 5.5), "half of it", 15)

    station.kill()
    wait_for(lambda: any(not one.online for one in centre.presences), "last will")
    station.start()
    report = centre.report_of(planned.id)

    assert report.outcome is Outcome.PARTLY_PLAYED
    first, second = station.heard(planned.id)
    correlation, shift = match(second.samples, sound.samples)
    assert correlation >= 0.9
    assert abs(shift / 48_000 - (second.first_frame_at - planned.start).total_seconds()) <= 0.05
    heard_s = (first.frames + second.frames) / 48_000
    assert heard_s - 5.5 <= report.seconds_played <= heard_s + 0.01 < planned.seconds
    assert report.seconds_played > second.frames / 48_000 + 4
    assert report.started_at is not None
    assert abs((report.started_at - planned.start).total_seconds()) <= 0.05


def test_killed_in_the_middle_of_a_skip_it_stays_silent_and_is_never_heard_twice(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, wait_for: Any
) -> None:
    sound = make_sound(6.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0, lateness=Lateness(rule=LatenessRule.SKIP))
    centre.send_plan(planned)
    wait_for(lambda: has_sounded(station, planned.id, 0.5), "its beginning")

    station.kill()
    station.start()

    assert centre.report_of(planned.id).outcome is Outcome.PARTLY_PLAYED
    station.kill()
    station.start()
    centre.heartbeat_with(lambda beat: beat.uptime_s > 1, "third life")
    assert len(station.heard()) == 1
    assert len(centre.reports()) == 1


def test_reports_are_owed_until_the_controller_has_them_even_across_a_restart(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, wait_for: Any
) -> None:
    centre.acknowledging = False
    sound = make_sound(1.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)
    first = centre.report_of(planned.id)
    wait_for(lambda: len(centre.batches) >= 2, "sent again")
    station.kill()
    count = len(centre.batches)
    station.start()
    wait_for(lambda: len(centre.batches) > count, "sent again in the next life")
    assert centre.reports() == [first]

    centre.acknowledging = True
    wait_for(lambda: "still_owed=0" in station.log, "acknowledged")
    beats = len(centre.heartbeats)
    done = centre.heartbeat_with(
        lambda beat: len(centre.heartbeats) > beats and beat.outbox == 0, "outbox empty"
    )
    assert done.refusals == ()


def test_it_plays_while_the_broker_is_gone_and_comes_back_by_itself(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, broker: Any, wait_for: Any
) -> None:
    sound = make_sound(1.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=5.0)
    centre.send_plan(planned)
    centre.heartbeat_with(lambda beat: beat.cache.held == 1, "sound held")

    broker.stop()
    wait_for(lambda: [one for one in station.heard(planned.id) if one.over], "heard alone")
    broker.start()

    assert centre.report_of(planned.id).outcome is Outcome.PLAYED


def test_it_leaves_politely_within_three_seconds_also_in_the_middle_of_sound(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, wait_for: Any
) -> None:
    sound = make_sound(9.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.0)
    centre.send_plan(planned)
    wait_for(lambda: has_sounded(station, planned.id, 0.5), "sound")

    assert station.terminate(within_s=3.0) == 0

    last = wait_for(lambda: [one for one in centre.presences if not one.online], "goodbye")[-1]
    assert last.at is not None, "said by itself, not by the last will"
    (heard,) = station.heard()
    assert heard.over


def test_an_idle_station_is_small(centre: Any, make_station: Any, make_sound: Any, soon: Any) -> None:
    """With a plan of two weeks, six broadcasts a day. Its libraries alone are about 65 MB of it."""
    sound = make_sound(1.0)
    station = make_station()
    centre.send_card()
    centre.send_plan(*(soon(sound.item, in_s=4 * 3600.0 * number) for number in range(1, 85)))
    settled = centre.heartbeat_with(lambda beat: beat.cache.held == 1 and beat.uptime_s > 2, "settled")
    process = psutil.Process(station.process.pid)
    before = process.cpu_times()

    later = centre.heartbeat_with(lambda beat: beat.uptime_s >= settled.uptime_s + 5, "five idle seconds", 15)

    after = process.cpu_times()
    busy_s = (after.user + after.system) - (before.user + before.system)
    cpu_percent = 100 * busy_s / (later.uptime_s - settled.uptime_s)
    rss_mb = process.memory_info().rss / 1024**2
    print(f"idle station: rss_mb={rss_mb:.1f} cpu_percent={cpu_percent:.2f}")  # noqa: T201
    assert rss_mb < 88
    assert cpu_percent < 3
