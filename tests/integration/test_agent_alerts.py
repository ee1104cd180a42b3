"""Alerts by a real broker to station processes: what the loudspeaker says, and what the centre is told."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from wire import topics
from wire.alerts import Alert, AlertBoard, AlertReceipt, StandingLayer, StandingSound, Voice
from wire.errors import RefusalReason
from wire.ids import AlertKind, AlertProgress, LatenessRule, Outcome, OutcomeReason, Priority, Severity
from wire.messages import Item, Lateness
from wire.signing import SigningKey


class AlertDesk:
    """The centre's side of the alert path."""

    def __init__(self, centre: Any, broker: Any) -> None:
        self.centre = centre
        self.receipts: list[AlertReceipt] = []
        self._version = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="alert-desk")
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(topics.ALL_RECEIPTS, qos=1)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def post(
        self, *alerts: Alert, area: str = "ta-van", version: int | None = None, key: SigningKey | None = None
    ) -> AlertBoard:
        self._version = version or self._version + 1
        board = AlertBoard(area=area, version=self._version, issued_at=datetime.now(UTC), alerts=alerts)
        self.centre.send(topics.alerts(area), board, key=key)
        return board

    def stand(self, *sounds: StandingSound, area: str = "lao-cai") -> None:
        layer = StandingLayer(area=area, version=1, issued_at=datetime.now(UTC), sounds=sounds)
        self.centre.send(topics.standing(area), layer)

    def progress_of(self, sounding: str) -> list[AlertProgress]:
        return [one.progress for one in list(self.receipts) if one.sounding == sounding]

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.receipts.append(AlertReceipt.decode(bytes(message.payload)))


@pytest.fixture
def desk(centre: Any, broker: Any) -> Any:
    made = AlertDesk(centre, broker)
    yield made
    made.close()


def alert_of(signal: Item, *voice: Item, number: int = 1, revision: int = 1, **changes: Any) -> Alert:
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": f"kc-20261123-{number:08x}",
        "revision": revision,
        "sounding": f"kc-20261123-{number:08x}-r{revision}@{now:%Y%m%dT%H%M%SZ}",
        "kind": AlertKind.FLASH_FLOOD,
        "severity": Severity.SEVERE,
        "sent_at": now,
        "expires_at": now + timedelta(minutes=10),
        "signal": signal,
        "voices": (Voice(language="vi", items=voice),),
        "repeats": 1,
        "gap_s": 0.0,
        "lateness": Lateness(rule=LatenessRule.CONTINUE),
    }
    return Alert(**(values | changes))


def holds_standing(centre: Any, count: int) -> None:
    def all_held(beat: Any) -> bool:
        return beat.standing is not None and beat.standing.held == beat.standing.wanted == count

    centre.heartbeat_with(all_held, "standing sounds held")


def playing(centre: Any, occurrence: str) -> None:
    centre.heartbeat_with(
        lambda beat: beat.playing and beat.playing.occurrence == occurrence, f"{occurrence} plays"
    )


def test_pre_emption_and_resume_with_the_whole_alert_heard_once(
    centre: Any,
    desk: Any,
    make_station: Any,
    make_sound: Any,
    soon: Any,
    wait_for: Any,
    match: Any,
    record_property: Any,
) -> None:
    song, signal, voice = make_sound(12.0, 1), make_sound(1.0, 2), make_sound(1.0, 3)
    station = make_station()
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=voice.item, language="vi"))
    holds_standing(centre, 2)
    planned = soon(song.item, in_s=2.0, priority=Priority.PRIORITY)
    centre.send_plan(planned)
    playing(centre, planned.id)
    alert = alert_of(signal.item, voice.item)
    pressed_at = datetime.now(UTC)
    desk.post(alert)

    report = centre.report_of(alert.sounding)
    assert (report.outcome, report.reason, report.seconds_played) == (Outcome.PLAYED, None, 2.0)
    latency_ms = (report.started_at - pressed_at).total_seconds() * 1000
    record_property("press_to_first_sample_ms", round(latency_ms))
    assert 0 <= latency_ms < 500
    [heard] = station.heard(alert.sounding)
    assert heard.silent_frames == 0
    assert match(heard.samples, _joined(signal, voice))[0] > 0.99
    resumed = centre.report_of(planned.id, within_s=20)
    assert (resumed.outcome, resumed.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.HIGHER_PRIORITY)
    assert [one.occurrence for one in station.heard()] == [planned.id, alert.sounding, planned.id]
    told = wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(alert.sounding), "receipt")
    assert told
    assert desk.progress_of(alert.sounding).count(AlertProgress.SOUNDING) == 1


def _joined(*sounds: Any) -> Any:

    return np.concatenate([sound.samples for sound in sounds])


def test_update_replaces_and_cancel_silences_within_two_seconds(
    centre: Any, desk: Any, make_station: Any, make_sound: Any, wait_for: Any, record_property: Any
) -> None:
    signal, first, second = make_sound(1.0, 1), make_sound(10.0, 2), make_sound(10.0, 3)
    station = make_station()
    centre.send_card()
    desk.stand(*(StandingSound(item=one.item) for one in (signal, first, second)))
    holds_standing(centre, 3)
    old = alert_of(signal.item, first.item)
    desk.post(old)
    wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(old.sounding), "sounding")

    new = alert_of(signal.item, second.item, revision=2)
    ordered_at = datetime.now(UTC)
    desk.post(new)
    replaced = centre.report_of(old.sounding)
    wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(new.sounding), "the update sounds")
    cancelled_at = datetime.now(UTC)
    desk.post()
    cancelled = centre.report_of(new.sounding)

    for report in (replaced, cancelled):
        assert (report.outcome, report.reason) == (Outcome.PARTLY_PLAYED, OutcomeReason.WITHDRAWN)
    ends = [one.first_frame_at + timedelta(seconds=one.frames / 48_000) for one in station.heard()]
    update_ms, cancel_ms = (
        (end - at).total_seconds() * 1000 for end, at in zip(ends, (ordered_at, cancelled_at), strict=True)
    )
    record_property("update_silences_ms", round(update_ms))
    record_property("cancel_silences_ms", round(cancel_ms))
    assert update_ms < 500
    assert cancel_ms < 500


def test_a_late_comer_hears_it_and_a_kill_in_the_middle_goes_on_without_a_repetition(
    centre: Any, desk: Any, make_station: Any, make_sound: Any, wait_for: Any
) -> None:
    signal, voice = make_sound(1.0, 1), make_sound(6.0, 2)
    alert = alert_of(signal.item, voice.item, sent_at=datetime.now(UTC) - timedelta(minutes=3))
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=voice.item))
    board = desk.post(alert)
    station = make_station()
    wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(alert.sounding), "sounding", 15)
    wait_for(lambda: station.heard(alert.sounding)[0].frames > 3 * 48_000, "three seconds heard")
    station.kill()
    station.start()
    report = centre.report_of(alert.sounding, within_s=20)
    assert report.outcome is Outcome.PLAYED
    centre.send(topics.alerts("ta-van"), board)
    desk.post(alert)
    centre.heartbeat_with(lambda beat: [b.version for b in beat.boards] == [2], "the board again")
    stretches = station.heard(alert.sounding)
    assert len(stretches) == 2
    heard_s = sum(one.frames for one in stretches) / 48_000
    assert heard_s + 0.05 >= 7.0
    assert heard_s < 7.0 + 1.5, "at most what a power cut takes of the count is heard again"


def test_speech_that_cannot_be_fetched_is_replaced_and_it_is_said(
    centre: Any, desk: Any, make_station: Any, make_sound: Any, media: Any
) -> None:
    signal, standing = make_sound(1.0, 1), make_sound(1.5, 2)
    station = make_station()
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=standing.item, language="vi"))
    holds_standing(centre, 2)
    lost = Item(sha256="e" * 64, seconds=4.0, size_bytes=5000, instead=standing.item)
    alert = alert_of(signal.item, lost, repeats=2)
    desk.post(alert)
    report = centre.report_of(alert.sounding)
    assert (report.outcome, report.reason) == (Outcome.PLAYED, OutcomeReason.STANDING_INSTEAD)
    assert report.seconds_planned == report.seconds_played == pytest.approx(4.0)
    assert any(name.startswith("e" * 64) for name, _ in media.requests)
    assert len(station.heard(alert.sounding)) == 1


def test_fresh_speech_comes_while_the_signal_sounds(
    centre: Any, desk: Any, make_station: Any, make_sound: Any, match: Any
) -> None:
    signal, standing, fresh = make_sound(3.0, 1), make_sound(1.0, 2), make_sound(2.0, 3)
    station = make_station()
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=standing.item, language="vi"))
    holds_standing(centre, 2)
    alert = alert_of(signal.item, fresh.item.model_copy(update={"instead": standing.item}))
    desk.post(alert)
    report = centre.report_of(alert.sounding)
    assert (report.outcome, report.reason, report.seconds_played) == (Outcome.PLAYED, None, 5.0)
    [heard] = station.heard(alert.sounding)
    assert match(heard.samples[3 * 48_000 + 4800 :], fresh.samples)[0] > 0.95


def test_forged_replayed_misdirected_and_expired_boards_are_silent_and_told(
    centre: Any, desk: Any, make_station: Any, make_sound: Any
) -> None:
    signal, voice = make_sound(1.0, 1), make_sound(1.0, 2)
    station = make_station()
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=voice.item))
    holds_standing(centre, 2)
    bad = alert_of(signal.item, voice.item)
    desk.post(version=5)
    centre.heartbeat_with(lambda beat: [b.version for b in beat.boards] == [5], "board held")

    def refused(reason: RefusalReason) -> Any:
        return centre.heartbeat_with(
            lambda beat: [one for one in beat.refusals if one.reason is reason], f"refusal {reason}"
        )

    desk.post(bad, version=6, key=SigningKey.generate())
    refused(RefusalReason.BAD_SIGNATURE)
    desk.post(bad, version=4)
    refused(RefusalReason.STALE_VERSION)
    other = AlertBoard(area="sa-pa", version=9, issued_at=datetime.now(UTC), alerts=(bad,))
    centre.send(topics.alerts("lao-cai"), other)
    refused(RefusalReason.WRONG_TARGET)
    past = bad.model_copy(update={"expires_at": datetime.now(UTC)})
    desk.post(past, version=7)
    refused(RefusalReason.EXPIRED)
    assert station.heard() == []
    assert [report for report in centre.reports() if report.seconds_played] == []


def test_a_drill_sounds_as_the_real_thing_but_for_what_it_says(
    centre: Any, desk: Any, make_station: Any, make_sound: Any
) -> None:
    real_signal, drill_signal, notice, voice = (make_sound(1.0, seed) for seed in range(1, 5))
    station = make_station()
    centre.send_card()
    desk.stand(*(StandingSound(item=one.item) for one in (real_signal, drill_signal, notice, voice)))
    holds_standing(centre, 4)
    real = alert_of(real_signal.item, voice.item)
    drill = alert_of(drill_signal.item, notice.item, voice.item, number=2, drill=True)
    desk.post(real, drill)
    for alert, seconds in ((real, 2.0), (drill, 3.0)):
        report = centre.report_of(alert.sounding)
        assert (report.outcome, report.seconds_played) == (Outcome.PLAYED, seconds)
    assert sorted(one.occurrence for one in station.heard()) == sorted((real.sounding, drill.sounding))


def test_a_reconnection_tells_again_what_is_in_force(
    centre: Any, desk: Any, make_station: Any, make_sound: Any, broker: Any, wait_for: Callable[..., Any]
) -> None:
    signal, voice = make_sound(1.0, 1), make_sound(20.0, 2)
    station = make_station()
    centre.send_card()
    desk.stand(StandingSound(item=signal.item), StandingSound(item=voice.item))
    holds_standing(centre, 2)
    alert = alert_of(signal.item, voice.item)
    desk.post(alert)
    wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(alert.sounding), "sounding")
    desk.receipts.clear()
    intruder = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="cum-loa-1")
    intruder.connect(broker.host, broker.port)
    intruder.loop_start()
    wait_for(lambda: any(not one.online for one in centre.presences), "its connection taken away")
    intruder.disconnect()
    intruder.loop_stop()
    wait_for(lambda: AlertProgress.SOUNDING in desk.progress_of(alert.sounding), "told again", 15)
    began_s = time.monotonic()
    desk.post()
    centre.report_of(alert.sounding)
    assert time.monotonic() - began_s < 2
    assert len(station.heard(alert.sounding)) == 1
