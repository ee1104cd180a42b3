"""A plan arrives, the sound is fetched, the loudspeaker is heard on time, the report says so."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from wire.ids import LatenessRule, Outcome, OutcomeReason, Priority
from wire.messages import Lateness


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"], indirect=True)
def test_a_planned_occurrence_is_heard_on_its_second_and_reported(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, match: Any
) -> None:
    sound = make_sound(3.0)
    station = make_station()
    centre.send_card()
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(sound.item, in_s=3.5)
    centre.send_plan(planned)

    playing = centre.heartbeat_with(lambda beat: beat.playing, "heartbeat while playing")
    report = centre.report_of(planned.id)

    assert playing.playing.occurrence == planned.id
    assert playing.volume == 100
    assert playing.cache.held == playing.cache.wanted == 1
    assert report.outcome is Outcome.PLAYED
    assert report.reason is None
    assert abs(report.seconds_played - planned.seconds) <= 0.05
    assert report.start_error_ms is not None and abs(report.start_error_ms) <= 20
    (heard,) = station.heard()
    assert heard.over and heard.silent_frames == 0
    assert heard.occurrence == planned.id
    assert abs(heard.first_frame_at - planned.start) <= timedelta(milliseconds=50)
    correlation, shift = match(heard.samples, sound.samples)
    assert correlation >= 0.9
    assert shift == 0


def test_items_repeats_and_gaps_come_in_order_within_the_volume_bounds(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, match: Any
) -> None:
    first, second = make_sound(0.8, seed=1), make_sound(0.6, seed=2)
    station = make_station()
    centre.send_card(volume_max=50)
    centre.heartbeat_with(lambda beat: beat.card_version, "station up")
    planned = soon(first.item, second.item, in_s=3.5, repeats=2, gap_s=0.5, volume=90)
    centre.send_plan(planned)

    report = centre.report_of(planned.id)

    assert report.outcome is Outcome.PLAYED
    assert abs(report.seconds_played - 2 * 1.4 - 0.5) <= 0.05
    once = np.concatenate([first.samples, second.samples])
    whole = np.concatenate([once, np.zeros(24_000, dtype=np.int16), once])
    (heard,) = station.heard()
    assert len(heard.samples) == len(whole)
    assert match(heard.samples, whole)[0] >= 0.99
    loudness = np.linalg.norm(heard.samples.astype(float)) / np.linalg.norm(whole.astype(float))
    assert abs(loudness - 0.25) <= 0.01


def test_a_stronger_one_breaks_in_and_the_weaker_one_goes_on_where_it_would_be(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, match: Any
) -> None:
    long, short = make_sound(6.0, seed=1), make_sound(1.5, seed=2)
    weaker = soon(long.item, in_s=3.0)
    stronger = soon(short.item, in_s=5.0, schedule="khan", priority=Priority.PRIORITY)
    station = make_station()
    centre.send_card()
    centre.send_plan(weaker, stronger)

    assert centre.report_of(stronger.id).outcome is Outcome.PLAYED
    report = centre.report_of(weaker.id)

    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)
    before, between, after = station.heard()
    assert [one.occurrence for one in (before, between, after)] == [weaker.id, stronger.id, weaker.id]
    assert abs(between.first_frame_at - stronger.start) <= timedelta(milliseconds=50)
    correlation, shift = match(after.samples, long.samples)
    elapsed_s = (after.first_frame_at - weaker.start).total_seconds()
    assert correlation >= 0.9
    assert abs(shift / 48_000 - elapsed_s) <= 0.05
    assert abs(report.seconds_played - (before.frames + after.frames) / 48_000) <= 0.01


def test_a_withdrawn_broadcast_falls_silent_and_a_cancelled_one_is_never_heard(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, wait_for: Any
) -> None:
    sound = make_sound(9.0)
    running = soon(sound.item, in_s=3.0)
    coming = soon(sound.item, in_s=30.0, schedule="chieu")
    station = make_station()
    centre.send_card()
    centre.send_plan(running, coming)
    wait_for(lambda: [one for one in station.heard() if one.frames > 0], "sound")

    centre.send_plan(version=2)
    report = centre.report_of(running.id, within_s=3.0)

    assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)
    (heard,) = station.heard()
    assert heard.over
    assert abs(report.seconds_played - heard.frames / 48_000) <= 0.01
    assert 0 < report.seconds_played < 10
    idle = centre.heartbeat_with(lambda beat: beat.layers and beat.layers[0].version == 2, "new plan held")
    assert idle.cache.wanted == 0


def test_a_skip_that_cannot_begin_in_time_is_reported_as_too_late(
    centre: Any, make_station: Any, make_sound: Any, soon: Any
) -> None:
    sound = make_sound(5.0)
    station = make_station()
    centre.send_card()
    centre.send_plan()
    centre.heartbeat_with(lambda beat: beat.layers, "the area's plan held")

    late = soon(sound.item, in_s=-4.0, lateness=Lateness(rule=LatenessRule.SKIP, grace_s=1))
    centre.send_plan(late, version=2)
    report = centre.report_of(late.id)

    assert report.outcome in {Outcome.SKIPPED, Outcome.MISSED}
    assert report.seconds_played == 0
    assert station.heard() == []
