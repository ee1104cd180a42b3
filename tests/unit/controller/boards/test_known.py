"""Acts by alert and by area, and what looking at all boards costs."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from controller.boards.known import Known
from controller.boards.mirror import Mirror
from controller.boards.wall import Wall
from controller.emergency.acts import Act
from controller.emergency.tables import ActKind
from controller.mqtt.link import Connection, Link, Sending
from wire.signing import SigningKey

MakeAct = Callable[..., Act]
XA = "bat-xat-02683"


def test_an_act_is_found_in_its_areas_until_another_takes_its_place(act: MakeAct) -> None:
    known = Known()
    first, second = act(1, area_ids=(XA, "lao-cai", XA)), act(2)
    moved = act(1, 2, ActKind.UPDATE, area_ids=("lao-cai",))
    known.put(first)
    known.put(second)
    assert list(known.at(XA)) == [first, second]
    known.put(moved)
    assert (list(known.at(XA)), list(known.at("lao-cai"))) == ([second], [moved])
    assert known.get(first.alert_id) == moved
    known.drop(second.alert_id)
    known.drop("never-there")
    assert known.areas == {"lao-cai"}
    assert list(known.at("nowhere")) == []


def test_all_boards_of_a_province_are_looked_at_in_a_moment_after_a_week_of_alerts(
    act: MakeAct, now: datetime
) -> None:
    def begin(publications: Any) -> Sending:
        return Sending([lambda _deadline_s: True] * len(publications))

    link = SimpleNamespace(connection=Connection(1, time.monotonic() - 5), begin=begin)
    key, later = SigningKey.generate(), now + timedelta(seconds=2)
    mirror = Mirror("p", key, lambda: later, lambda: None, lambda _act: None)
    wall = Wall(key, lambda: later, mirror, cast("Link", link))
    for number in range(200):
        areas = tuple(f"a{(number * 7 + each) % 300}" for each in range(30))
        wall.put_up(act(number, area_ids=areas, validity_s=3600 if number < 10 else 1))
    wall.set_right((), ())
    began_s = time.process_time()
    assert wall.set_right((), ()).issued == ()
    assert time.process_time() - began_s < 0.03
