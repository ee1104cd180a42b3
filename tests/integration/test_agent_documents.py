"""What must not be acted on: refused, reported, and nothing of it is heard."""

from datetime import UTC, datetime, timedelta
from typing import Any

from wire import topics
from wire.errors import RefusalReason
from wire.messages import PlanLayer
from wire.signing import SigningKey


def layer_of(*occurrences: Any, area: str, version: int, lasts_s: float = 3600) -> PlanLayer:
    now = datetime.now(UTC)
    return PlanLayer(
        area=area,
        version=version,
        issued_at=now,
        expires_at=now + timedelta(seconds=lasts_s),
        occurrences=occurrences,
    )


def test_forged_old_misdirected_and_expired_plans_are_refused_and_told(
    centre: Any, make_station: Any, make_sound: Any, soon: Any
) -> None:
    sound = make_sound(1.0)
    station = make_station()
    centre.send_card()
    centre.send_plan(version=5)
    centre.heartbeat_with(lambda beat: beat.layers, "plan held")
    bad = soon(sound.item, in_s=2.0)
    own, province = topics.plan("ta-van"), topics.plan("lao-cai")

    def refusal(reason: RefusalReason) -> Any:
        return centre.heartbeat_with(
            lambda beat: [one for one in beat.refusals if one.reason is reason], f"refusal {reason}"
        )

    centre.send(own, layer_of(bad, area="ta-van", version=6), key=SigningKey.generate())
    assert refusal(RefusalReason.BAD_SIGNATURE).refusals[-1].topic == own
    centre.send(own, layer_of(bad, area="ta-van", version=4))
    assert refusal(RefusalReason.STALE_VERSION)
    centre.send(province, layer_of(bad, area="ta-van", version=7))
    assert refusal(RefusalReason.WRONG_TARGET).refusals[-1].topic == province
    centre.send(own, layer_of(bad, area="ta-van", version=8, lasts_s=0))
    assert refusal(RefusalReason.EXPIRED)
    centre.publish(own, centre.key.sign(centre.send_card(version=2)))
    centre.publish(topics.card("cum-loa-1"), b"not a signed document")

    last = centre.heartbeat_with(lambda beat: beat.card_version == 2 and len(beat.refusals) >= 5, "all told")
    assert [(held.area, held.version) for held in last.layers] == [("ta-van", 5)]
    assert last.cache.wanted == 0
    assert centre.reports() == []
    assert station.heard() == []


def test_a_copy_of_what_is_held_is_no_refusal(centre: Any, make_station: Any, broker: Any) -> None:
    station = make_station()
    centre.send_card()
    centre.send_plan()
    centre.heartbeat_with(lambda beat: beat.layers, "plan held")
    station.terminate()
    count = len(centre.heartbeats)
    station.start()
    again = centre.heartbeat_with(
        lambda beat: len(centre.heartbeats) > count + 1 and beat.layers, "second life"
    )
    assert again.refusals == ()


def test_a_damaged_plan_file_gives_way_to_the_copy_before_it(
    centre: Any, make_station: Any, make_sound: Any, soon: Any, broker: Any, wait_for: Any
) -> None:
    sound = make_sound(1.0)
    planned = soon(sound.item, in_s=9.0)
    station = make_station()
    centre.send_card()
    centre.send_plan(planned, version=1)
    centre.heartbeat_with(lambda beat: beat.cache.held == 1, "sound held")
    centre.send_plan(planned, version=2)
    centre.heartbeat_with(lambda beat: beat.layers and beat.layers[0].version == 2, "second plan held")
    station.kill()
    broker.stop()
    (station.state / "layers" / "ta-van.jws").write_bytes(b"half of a pla")

    station.start()

    wait_for(lambda: [one for one in station.heard(planned.id) if one.over], "heard without broker", 15)
    assert abs(station.heard()[0].first_frame_at - planned.start) <= timedelta(milliseconds=50)
    assert "does not hold: file=ta-van.jws" in station.log
