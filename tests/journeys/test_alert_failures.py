"""Whatever breaks in the middle of an alert, it is heard once and its end is known."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.alerts import Officer, heard, now, place_in, silent_at
from tests.support.broker import Broker
from tests.support.everyday import start_and_meet, withdraw_everything
from tests.support.province import Province, environment_for
from tests.support.waiting import eventually, free_port

COMMUNE, VILLAGE = "dai-bat-xat", "cum-loa-ban-vuoc"
BAT_XAT = "bat-xat-02683"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker("mosquitto", "127.0.0.1", free_port(), tmp_path / "mosquitto.conf")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def outside(province_copy: Path, broker: Broker) -> Iterator[Province]:
    """A province whose broker is a program of its own, and forgets everything when it restarts."""
    own = environment_for(province_copy)
    shared = {
        "LOABAN_BROKER": "external",
        "LOABAN_BROKER_PORT": str(broker.port),
        "LOABAN_PUBLIC_URL": f"http://127.0.0.1:{own['LOABAN_HTTP_PORT']}",
    }
    place = Province(province_copy, own | shared)
    try:
        place.fill()
        place.start_controller()
        yield place
    finally:
        place.stop()


@pytest.fixture
def officer(outside: Province) -> Officer:
    withdraw_everything(outside.signed_in("canbo"))
    made = Officer(outside.signed_in("trucban"))
    start_and_meet(made.client, [outside.stations[COMMUNE], outside.stations[VILLAGE]])
    return made


def test_a_broker_that_restarts_in_the_middle_changes_nothing(
    outside: Province, officer: Officer, broker: Broker
) -> None:
    alert = officer.draft(BAT_XAT, repeats=2)
    whole = officer.preview(alert, COMMUNE)
    began = now()
    officer.press(alert)
    officer.when(alert, COMMUNE, "sounding")
    broker.stop()
    broker.start()
    final = officer.when_final(alert, within_s=180)
    assert final["counts"]["finished"] == 2, final
    for station in (COMMUNE, VILLAGE):
        (once,) = heard(outside.stations[station], began, 1)
        assert place_in(once, whole) == pytest.approx(0.0, abs=0.05)
        assert once.seconds == pytest.approx(len(whole) / 48_000, abs=0.3)

    # The new broker knew nothing: it has been given the board again, and can still cancel.
    officer.act(alert, "repeat", confirm="held", held_s=2.0)
    officer.when(alert, COMMUNE, "sounding")
    cancelled_at = now()
    officer.act(alert, "cancel", all_clear=False)
    _, cut = heard(outside.stations[COMMUNE], began, 2)
    assert silent_at(cut) - cancelled_at < timedelta(seconds=2)


def test_a_controller_killed_before_it_could_publish_finishes_when_it_is_back(
    outside: Province, officer: Officer, broker: Broker
) -> None:
    alert = officer.draft(BAT_XAT, repeats=1)
    whole = officer.preview(alert, COMMUNE)
    broker.stop()
    began = now()
    answer = officer.press(alert)
    assert answer["published_at"] is None
    kill(outside)
    broker.start()
    outside.start_controller()

    back = Officer(outside.signed_in("trucban"))
    back.when(alert, COMMUNE, "played", within_s=180)
    for station in (COMMUNE, VILLAGE):
        (once,) = heard(outside.stations[station], began, 1)
        assert place_in(once, whole) == pytest.approx(0.0, abs=0.05)
    assert back.when_final(alert)["counts"]["finished"] == 2


def test_a_locked_database_delays_the_record_and_not_the_alert(outside: Province, officer: Officer) -> None:
    """And a controller that is killed before the record was in still knows of the press."""
    alert = officer.draft(BAT_XAT, repeats=1)
    began = now()
    with closing(sqlite3.connect(outside.data / "loaban.db", isolation_level=None)) as database:
        database.execute("begin immediate")
        answer = officer.press(alert)
        assert answer["published_at"] is not None
        assert not answer["recorded"]
        sounding = eventually(lambda: list(outside.stations[COMMUNE].sound_dir.glob("*.wav")), "it sounds")
        assert sounding
        kill(outside)
        database.execute("rollback")
    outside.start_controller()

    back = Officer(outside.signed_in("trucban"))
    back.when(alert, COMMUNE, "played", within_s=120)
    (pressed,) = back.client.get(f"/api/alerts/{alert}").json()["history"]
    assert pressed["done_by_name"] == back.client.get("/api/me").json()["full_name"]
    for station in (COMMUNE, VILLAGE):
        assert len(heard(outside.stations[station], began, 1)) == 1
    assert back.when_final(alert)["counts"]["finished"] == 2


def kill(place: Province) -> None:
    """Without a word of goodbye."""
    assert place.controller is not None
    place.controller.send_signal(signal.SIGKILL)
    place.controller.wait(10)
