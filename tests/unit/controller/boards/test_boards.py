"""Which alerts stand on which board."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.boards import boards
from controller.emergency.acts import Act
from controller.emergency.tables import ActKind
from wire.alerts import AlertBoard
from wire.ids import Severity

MakeAct = Callable[..., Act]
XA = "bat-xat-02683"


def known(*acts: Act) -> dict[str, Act]:
    return {act.alert_id: act for act in acts}


def test_an_alert_stands_on_every_board_of_its_areas_and_on_no_other(act: MakeAct, now: datetime) -> None:
    acts = known(act(1, area_ids=(XA, "lao-cai")), act(2, area_ids=("lao-cai",), after_s=1))
    assert [one.id[-1] for one in boards.standing("lao-cai", now, acts)] == ["1", "2"]
    assert [one.id[-1] for one in boards.standing(XA, now, acts)] == ["1"]
    assert boards.standing("muong-hum-02728", now, acts) == ()


@pytest.mark.parametrize(("after_s", "stands"), [(59.999, True), (60, False), (61, False), (86_400, False)])
def test_it_is_over_from_its_expiry_on_wherever_the_clock_jumps(
    act: MakeAct, now: datetime, after_s: float, stands: bool
) -> None:
    acts = known(act(validity_s=60))
    assert bool(boards.standing(XA, now + timedelta(seconds=after_s), acts)) is stands


def test_a_cancel_takes_it_off_and_an_update_moves_it(act: MakeAct, now: datetime) -> None:
    assert boards.standing(XA, now, known(act(1, 2, ActKind.CANCEL, silent=True))) == ()
    moved = act(1, 2, ActKind.UPDATE, area_ids=("lao-cai",))
    assert boards.standing(XA, now, known(moved)) == ()
    assert boards.concerned(act(1, area_ids=(XA,)), moved) == ["lao-cai", XA]
    assert boards.concerned(moved, act(1, 3, silent=True, area_ids=("lao-cai",))) == ["lao-cai"]


def test_what_another_controller_put_up_stays_until_more_is_known_of_it(act: MakeAct, now: datetime) -> None:
    theirs = act(7).alert
    assert theirs is not None
    assert boards.standing(XA, now, {}, [theirs]) == (theirs,)
    assert boards.standing(XA, now, known(act(7, 2, silent=True)), [theirs]) == ()
    assert boards.standing(XA, now + timedelta(hours=1), {}, [theirs]) == ()
    newer = act(7, 3).alert
    assert newer is not None
    assert boards.standing(XA, now, known(act(7, 2)), [newer]) == (newer,)


def test_a_full_board_keeps_the_worst_and_newest_and_no_drill_before_them(
    act: MakeAct, now: datetime
) -> None:
    drills = [act(number, drill=True, severity=Severity.EXTREME) for number in range(10)]
    minor = [act(number, severity=Severity.MINOR, after_s=number) for number in range(10, 60)]
    worst = act(99, severity=Severity.EXTREME)
    kept = boards.fitting(boards.standing(XA, now, known(*drills, *minor, worst)))
    assert len(kept) == boards.MOST_ALERTS == 50
    assert worst.alert in kept
    assert not [alert for alert in kept if alert.drill]
    assert minor[0].alert not in kept
    assert AlertBoard(area=XA, version=1, issued_at=now, alerts=kept).alerts == kept


@given(st.integers(0, 2**45), st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)))  # noqa: DTZ001
def test_versions_only_grow(old: int, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    new = boards.next_version(old, now)
    assert new > old
    assert new == old + 1 or new == int(now.timestamp() * 1000)


def test_the_later_revision_holds_and_of_two_alike_the_earlier(act: MakeAct) -> None:
    first, second = act(1), act(1, after_s=1)
    assert boards.replaces(first, None)
    assert boards.replaces(act(1, 2), first)
    assert not boards.replaces(first, act(1, 2))
    assert boards.replaces(first, second)
    assert not boards.replaces(second, first)
    assert not boards.replaces(first, first)


def test_a_cancel_with_an_all_clear_becomes_the_revision_after_the_one_it_met(act: MakeAct) -> None:
    update = act(1, 2, ActKind.UPDATE, after_s=5)
    assert update.alert is not None
    first = "kc-20261123-00000001-r1@20261123T020000Z"
    clear = act(1, 2, ActKind.CANCEL, after_s=9, only_after=(first,))
    moved = boards.renumbered(clear, 3, update)
    assert moved.alert is not None
    assert (moved.revision, moved.alert.revision) == (3, 3)
    assert moved.alert.sounding == "kc-20261123-00000001-r3@20261123T020009Z"
    assert moved.alert.only_after == (first, update.alert.sounding)
    assert boards.renumbered(act(1, 2, ActKind.CANCEL, silent=True), 3, update).revision == 3


def test_a_board_carries_an_act_or_a_later_one_on_the_same_alert(act: MakeAct, now: datetime) -> None:
    def shown(*acts: Act) -> AlertBoard:
        return AlertBoard(area=XA, version=1, issued_at=now, alerts=boards.standing(XA, now, known(*acts)))

    press, update, cancel = act(1), act(1, 2, ActKind.UPDATE), act(1, 3, ActKind.CANCEL, silent=True)
    assert boards.carries(shown(press, act(2)), press)
    assert boards.carries(shown(update), press)
    assert not boards.carries(shown(act(2)), press)
    assert not boards.carries(shown(press), update)
    assert not boards.carries(shown(press), cancel)
    assert boards.carries(shown(act(2)), cancel)
    assert boards.carries(shown(), act(1, 2, ActKind.UPDATE, area_ids=("lao-cai",)))


def test_another_controllers_board_may_lack_what_is_nearly_over(act: MakeAct, now: datetime) -> None:
    wanted = boards.standing(XA, now, known(act(1), act(2, validity_s=100)))

    def shown(*numbers: int) -> AlertBoard:
        alerts = tuple(alert for alert in wanted if int(alert.id[-1]) in numbers)
        return AlertBoard(area=XA, version=1, issued_at=now, alerts=alerts)

    assert boards.as_wanted(shown(1, 2), wanted, now)
    assert boards.as_wanted(shown(1), wanted, now)
    assert not boards.as_wanted(shown(2), wanted, now)
    assert not boards.as_wanted(shown(1, 2), wanted[:1], now)
