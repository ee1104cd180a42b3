"""A heartbeat with evidence that cannot be read is a sign of life all the same."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.mqtt.link import Inbound
from controller.mqtt.reading import Reader
from wire import topics
from wire.evidence import AmplifierState, LinkState
from wire.ids import ClockTrust
from wire.messages import CacheState, Heartbeat

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SAID = json.loads(
    Heartbeat(
        station="loa-1",
        boot_id="b",
        at=NOW,
        uptime_s=60.0,
        clock=ClockTrust.TRUSTED,
        cache=CacheState(held=0, wanted=0),
        amplifier=AmplifierState(at=NOW, rail_v=24.0),
        link=LinkState(connects=1),
    ).encode()
)


def read(fields: dict[str, Any]) -> tuple[list[Heartbeat], Reader]:
    reader = Reader()
    message = Inbound(topics.heartbeat("loa-1"), json.dumps(fields).encode(), False, NOW, 1)
    return [said for _, said in reader.read([message], Heartbeat)], reader


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amplifier", {"at": NOW.isoformat(), "faults": ["water_in_the_horn"]}),
        ("amplifier", {"at": NOW.isoformat(), "rail_v": float("nan")}),
        (
            "amplifier",
            {"at": NOW.isoformat(), "lines": [{"relay_on": True, "muted": False, "current_ma": -4}]},
        ),
        ("amplifier", 24),
        ("acoustic_test", {"id": "t", "kind": "ultrasonic", "at": NOW.isoformat(), "verdict": "passed"}),
        ("electrical_test", {"verdict": "passed"}),
        ("storage", {"bytes_free": "much"}),
        ("storage", {"bytes_free": 10**400}),
        ("link", {"connects": 1, "up_s": -1.0}),
    ],
)
def test_a_part_that_cannot_be_read_is_left_out_and_counted(name: str, value: object) -> None:
    (said,), reader = read(SAID | {name: value})
    assert getattr(said, name) is None
    assert said.uptime_s == 60.0
    rest = {"amplifier", "link"} - {name}
    assert all(getattr(said, one) is not None for one in rest)
    assert reader.refused == {"evidence": 1}


@pytest.mark.parametrize(
    "changes", [{"clock": "sundial"}, {"uptime_s": -1}, {"station": "a/b"}, {"clock": "sundial", "link": 7}]
)
def test_what_makes_no_heartbeat_is_refused_as_before(changes: dict[str, Any]) -> None:
    said, reader = read(SAID | changes)
    assert (said, reader.refused) == ([], {"malformed": 1})


@pytest.mark.parametrize("payload", [b"", b"[1]", b"{", b"\xff", b'"x"', b"null"])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    reader = Reader()
    message = Inbound(topics.heartbeat("loa-1"), payload, False, NOW, 1)
    assert reader.read([message], Heartbeat) == []
    assert reader.refused == {"malformed": 1}


def test_what_a_board_says_is_kept_on_one_line() -> None:
    (said,), _ = read(SAID | {"amplifier": {"at": NOW.isoformat(), "problem": "no\x00answer\n" + "x" * 500}})
    assert said.amplifier is not None
    assert said.amplifier.problem == "no answer " + "x" * 190
