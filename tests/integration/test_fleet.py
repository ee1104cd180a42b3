"""Twenty stations in two processes at a real broker: alerts, no broker, no network, a dead process."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from firmware_sim.fleet.commands import Command
from firmware_sim.fleet.events import Event, Happened, read
from tests.support.broker import Broker
from tests.support.waiting import eventually
from wire import topics
from wire.alerts import Alert, AlertBoard, Voice
from wire.base import Message
from wire.ids import AlertKind, LatenessRule, Outcome, Severity
from wire.messages import Item, Lateness, PlaybackReport, Presence, ReportBatch, StationCard
from wire.signing import SigningKey

STATIONS = tuple(f"cum-loa-{number}" for number in range(20))
CODE = "from firmware_sim.cli import app; app()"
SIGNAL_S, VOICE_S, CLOSING_S = 1.0, 1.0, 0.5
WHOLE_S = SIGNAL_S + 2 * VOICE_S + 0.5 + CLOSING_S


class Centre(Protocol):
    key: SigningKey
    presences: list[Presence]
    batches: list[ReportBatch]

    def send(self, topic: str, document: Message) -> None: ...
    def send_card(self, station: str, version: int = 1, **changes: Any) -> StationCard: ...
    def reports(self) -> list[PlaybackReport]: ...


@dataclass
class Fleet:
    folder: Path
    process: subprocess.Popen[bytes]
    events: list[Event] = field(default_factory=list)
    _read_to: int = 0

    def look(self) -> list[Event]:
        if (self.folder / "events.jsonl").exists():
            fresh, self._read_to = read(self.folder / "events.jsonl", self._read_to)
            self.events += fresh
        return self.events

    def of(self, happened: Happened, sounding: str = "") -> Counter[str]:
        """How often that happened, by station."""
        return Counter(
            one.station for one in self.look() if (one.happened, one.sounding) == (happened, sounding)
        )

    def wait(self, happened: Happened, sounding: str = "", times: int = 1, within_s: float = 20.0) -> None:
        def everywhere() -> bool:
            counted = self.of(happened, sounding)
            return all(counted[station] >= times for station in STATIONS)

        eventually(everywhere, f"{happened} {sounding} on every station", within_s)

    def plug(self, *stations: str, plugged: bool) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(Command(stations=stations, plugged=plugged).line())
        self.process.stdin.flush()


@pytest.fixture
def fleet(tmp_path: Path, broker: Broker, centre: Centre) -> Iterator[Fleet]:
    jwk = centre.key.public_jwk()
    (tmp_path / "fleet.toml").write_text(f"""
count = {len(STATIONS)}
processes = 2
folder = "state"
events = "events.jsonl"
arrive_within_s = 0.5
heartbeat_s = 2
broker = {{ port = {broker.port}, retry_min_s = 0.1, retry_max_s = 0.5 }}
reports = {{ retry_min_s = 0.3, retry_max_s = 1 }}
controller_keys = [{{ kty = "{jwk["kty"]}", crv = "{jwk["crv"]}", x = "{jwk["x"]}" }}]
""")
    for station in STATIONS:
        centre.send_card(station)
    command = [sys.executable, "-c", CODE, "fleet", "--config", str(tmp_path / "fleet.toml")]
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log)
    made = Fleet(tmp_path, process)
    try:
        made.wait(Happened.ONLINE)
        yield made
    finally:
        process.terminate()
        process.wait(20)


def alert(number: int = 1, **changes: Any) -> Alert:
    now = datetime.now(UTC)
    signal_, voice, closing = (
        Item(sha256=f"{place:064x}", seconds=seconds, size_bytes=5_000)
        for place, seconds in enumerate((SIGNAL_S, VOICE_S, CLOSING_S))
    )
    values: dict[str, Any] = {
        "id": f"kc-{number}",
        "revision": 1,
        "sounding": f"kc-{number}-r1@{now:%Y%m%dT%H%M%SZ}",
        "kind": AlertKind.FLOOD,
        "severity": Severity.EXTREME,
        "sent_at": now,
        "expires_at": now + timedelta(minutes=10),
        "signal": signal_,
        "voices": (Voice(language="vi", items=(voice,)),),
        "closing": closing,
        "repeats": 2,
        "gap_s": 0.5,
        "lateness": Lateness(rule=LatenessRule.CONTINUE, grace_s=600),
    }
    return Alert(**(values | changes))


def press(centre: Centre, *alerts: Alert, version: int = 1) -> None:
    now = datetime.now(UTC)
    board = AlertBoard(area="lao-cai", version=version, issued_at=now, alerts=alerts)
    centre.send(topics.alerts("lao-cai"), board)


def has_pressed(centre: Centre, one: Alert) -> bool:
    """False while the centre itself has no connection."""
    try:
        press(centre, one)
    except RuntimeError:
        return False
    return True


def reported(centre: Centre, sounding: str) -> dict[str, PlaybackReport]:
    return {
        batch.station: report
        for batch in list(centre.batches)
        for report in batch.reports
        if report.occurrence == sounding
    }


def all_reported(centre: Centre, sounding: str) -> bool:
    return reported(centre, sounding).keys() == set(STATIONS)


def test_every_station_sounds_an_alert_once_and_reports_it(fleet: Fleet, centre: Centre) -> None:
    one = alert()
    press(centre, one)
    fleet.wait(Happened.ENDED, one.sounding)
    press(centre, one, version=2)
    eventually(partial(all_reported, centre, one.sounding), "every station has reported", 20)
    outcomes = {report.outcome for report in reported(centre, one.sounding).values()}
    assert outcomes == {Outcome.PLAYED}
    for happened in (Happened.DECIDED, Happened.FIRST_FRAME, Happened.ENDED):
        assert fleet.of(happened, one.sounding) == dict.fromkeys(STATIONS, 1)
    ended = [one for one in fleet.events if one.happened is Happened.ENDED]
    assert {round(one.sounded_s, 1) for one in ended} == {WHOLE_S}


def test_what_leaves_the_board_falls_silent_everywhere(fleet: Fleet, centre: Centre) -> None:
    one = alert(repeats=10)
    press(centre, one)
    fleet.wait(Happened.FIRST_FRAME, one.sounding)
    press(centre, version=2)
    fleet.wait(Happened.STOPPED, one.sounding, within_s=2.0)
    eventually(partial(all_reported, centre, one.sounding), "every station has reported", 20)
    outcomes = {report.outcome for report in reported(centre, one.sounding).values()}
    assert outcomes == {Outcome.PARTLY_PLAYED}


def test_a_broker_that_restarts_in_the_middle_costs_no_sound_and_repeats_none(
    fleet: Fleet, centre: Centre, broker: Broker
) -> None:
    """It forgets what it kept, as Mosquitto without persistence does; the centre tells it again."""
    one = alert(repeats=4)
    press(centre, one)
    fleet.wait(Happened.FIRST_FRAME, one.sounding)
    broker.stop()
    broker.start()
    fleet.wait(Happened.ONLINE, times=2)
    eventually(partial(has_pressed, centre, one), "the centre is back as well")
    fleet.wait(Happened.ENDED, one.sounding)
    eventually(partial(all_reported, centre, one.sounding), "every station has reported", 20)
    assert fleet.of(Happened.FIRST_FRAME, one.sounding) == dict.fromkeys(STATIONS, 1)


def test_stations_without_network_at_the_press_sound_it_when_they_are_back(
    fleet: Fleet, centre: Centre
) -> None:
    away = STATIONS[:5]
    fleet.plug(*away, plugged=False)
    eventually(lambda: {one.station for one in centre.presences if not one.online} >= set(away), "wills")
    one = alert()
    press(centre, one)
    eventually(lambda: len(fleet.of(Happened.ENDED, one.sounding)) == 15, "the others have sounded it")
    assert not set(away) & set(fleet.of(Happened.DECIDED, one.sounding))
    fleet.plug(*away, plugged=True)
    fleet.wait(Happened.ENDED, one.sounding)
    assert fleet.of(Happened.FIRST_FRAME, one.sounding) == dict.fromkeys(STATIONS, 1)


def test_a_fleet_that_is_asked_to_stop_says_goodbye_for_every_station(fleet: Fleet, centre: Centre) -> None:
    fleet.process.terminate()
    assert fleet.process.wait(20) == 0

    def all_said_goodbye() -> bool:
        return {one.station for one in centre.presences if not one.online and one.at} == set(STATIONS)

    eventually(all_said_goodbye, "a goodbye of every station")


def test_a_dead_process_takes_the_fleet_with_it(fleet: Fleet) -> None:
    parts = psutil.Process(fleet.process.pid).children()
    assert len(parts) == 2
    os.kill(parts[0].pid, signal.SIGKILL)
    assert fleet.process.wait(20) == 1
    assert not any(part.is_running() for part in parts)
