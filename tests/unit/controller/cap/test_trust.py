"""What only its sender can have sent, and what anybody may have: who ends, replaces and withdraws alerts."""

from datetime import timedelta

import pytest

from controller.cap.sources import Source
from controller.cap.tables import CapVerdict, Via
from controller.emergency.tables import ActKind, AlertRevision, AlertState
from tests.support.cap import SENDER, info, message
from tests.support.cap_world import CapWorld


def test_who_could_be_anybody_ends_nothing_that_sounds(world: CapWorld) -> None:
    """A Cancel, an all-clear and an early end that somebody on the way of a plain feed may have made."""
    start = world.clock[0]
    world.take(message(start))
    world.clock[0] = now = start + timedelta(minutes=1)
    clear = info(now).replace("</category>", "</category><responseType>AllClear</responseType>", 1)
    first = [("M-1", start)]
    for number, raw in enumerate(
        (
            message(now, "F-1", msgType="Cancel", references=first),
            message(now, "F-2", msgType="Update", references=first, infos=[clear]),
            message(now, "F-3", msgType="Update", references=first, infos=[info(now, expires=start)]),
        )
    ):
        kept = world.take(raw, via=Via.FEED, untouched=False)
        assert (number, kept.verdict, kept.reason) == (number, CapVerdict.PROPOSED, "cap.officer_cancels")
        assert kept.alert_id == world.in_force()[0]
    assert len(world.performed) == 1


def test_who_could_be_anybody_does_not_stand_in_the_way_of_the_sender(world: CapWorld) -> None:
    """Neither as a message that came before, nor as one that replaced it."""
    start = world.clock[0]
    raw = message(start)
    later = message(start + timedelta(minutes=1), "F-1", msgType="Update", references=[("M-1", start)])
    for forged in (raw.replace("Lũ".encode(), "Nắng".encode()), later):
        assert world.take(forged, via=Via.FEED, untouched=False).verdict is CapVerdict.PROPOSED
    assert world.take(raw).verdict is CapVerdict.FIRED
    assert len(world.in_force()) == 1


def test_a_feed_without_protection_is_a_chain_all_the_same(world: CapWorld) -> None:
    start = world.clock[0]
    newer = message(start + timedelta(minutes=1), "M-2", msgType="Update", references=[("M-1", start)])
    verdicts = [world.take(raw, via=Via.FEED, untouched=False) for raw in (newer, message(start), newer)]
    assert [kept.reason for kept in verdicts] == ["cap.doubt_way", "cap.superseded", "cap.replayed"]
    assert [alert.state for alert in world.alerts()] == [AlertState.PROPOSED]


@pytest.mark.parametrize(("realm", "state"), [("muong-hum-02728", "proposed"), ("lao-cai", "discarded")])
def test_a_file_by_hand_ends_proposals_of_the_officers_own_realm_alone(
    world: CapWorld, realm: str, state: str
) -> None:
    start = world.clock[0]
    world.take(message(start), source=Source(name="kttv", senders=(SENDER,)))
    ends = message(start + timedelta(minutes=1), "H-1", msgType="Cancel", references=[("M-1", start)])
    kept = world.bring(ends, realm)
    assert [alert.state.value for alert in world.alerts()] == [state]
    there = state == "discarded"
    assert kept.verdict is (CapVerdict.APPLIED if there else CapVerdict.PROPOSED)
    assert kept.reason == (None if there else "cap.could_not_end")


@pytest.mark.parametrize(("realm", "updates"), [("muong-hum-02728", 0), ("lao-cai", 1)])
def test_a_file_by_hand_prepares_updates_in_the_officers_own_realm_alone(
    world: CapWorld, realm: str, updates: int
) -> None:
    start = world.clock[0]
    world.take(message(start))
    raw = message(
        start + timedelta(minutes=1),
        "H-1",
        msgType="Update",
        references=[("M-1", start)],
        infos=[info(start, headline="Khác hẳn")],
    )
    world.bring(raw, realm)
    with world.context.database.read() as session:
        prepared = session.query(AlertRevision).filter_by(act=ActKind.UPDATE).count()
    assert prepared == updates
