"""An alert in force is updated, prolonged, repeated and cancelled; the loudspeakers follow at once."""

from datetime import timedelta

import pytest

from tests.support.alerts import HELD, Officer, heard, now, place_in, silent_at
from tests.support.province import Province
from tests.support.waiting import eventually

COMMUNE = "dai-bat-xat"
BAT_XAT = "bat-xat-02683"


def test_an_update_replaces_what_sounds(province: Province, officer: Officer) -> None:
    alert = officer.draft(BAT_XAT)
    old = officer.preview(alert, COMMUNE)
    began = now()
    officer.press(alert)
    officer.when(alert, COMMUNE, "sounding")
    eventually(lambda: now() > began + timedelta(seconds=6), "enough is heard to know it by")

    # The flood has become a flash flood: other words, the same alert.
    officer.prepare(alert, BAT_XAT, kind="flash_flood", title="Lũ quét trên suối Lũng Pô", repeats=1)
    new = officer.preview(alert, COMMUNE)
    updated_at = now()
    officer.act(alert, "update", **HELD)
    officer.when(alert, COMMUNE, "played")

    first, second = heard(province.stations[COMMUNE], began, 2)
    assert place_in(first, old) == pytest.approx(0.0, abs=0.05)
    assert place_in(second, new) == pytest.approx(0.0, abs=0.05)
    assert second.seconds == pytest.approx(len(new) / 48_000, abs=0.3)
    assert timedelta(0) < silent_at(first) - updated_at < timedelta(seconds=2)


def test_a_cancel_silences_and_sounds_the_all_clear_where_the_alert_was_heard(
    province: Province, officer: Officer
) -> None:
    began = now()
    alert = officer.alert(BAT_XAT)
    officer.when(alert, COMMUNE, "sounding")
    eventually(lambda: now() > began + timedelta(seconds=4), "a part of it is heard")

    cancelled_at = now()
    officer.act(alert, "cancel", all_clear=True)

    officer.when(alert, COMMUNE, "played")
    cut, all_clear = heard(province.stations[COMMUNE], began, 2)
    assert timedelta(0) < silent_at(cut) - cancelled_at < timedelta(seconds=2)
    assert all_clear.first_frame_at - cancelled_at < timedelta(seconds=3)
    assert officer.client.get(f"/api/alerts/{alert}").json()["state"] == "cancelled"

    # A station that was off all the time has heard no alert, and hears no all-clear.
    late = province.stations["cum-loa-ta-van-giay"]
    late.start()
    eventually(lambda: late.process is not None and late.process.poll() is None, "it is there")
    row = officer.rows(alert)
    assert late.id not in row, "another commune has nothing to do with it"


def test_a_longer_validity_is_not_heard_again_and_a_repeat_is(province: Province, officer: Officer) -> None:
    began = now()
    alert = officer.draft(BAT_XAT, repeats=1)
    whole = officer.preview(alert, COMMUNE)
    officer.press(alert)
    officer.when_final(alert)
    before = officer.client.get(f"/api/alerts/{alert}").json()

    officer.act(alert, "extend", minutes=60)
    after = officer.client.get(f"/api/alerts/{alert}").json()
    assert after["revision"] == before["revision"] + 1
    assert after["expires_at"] > before["expires_at"]
    eventually(lambda: boards_current(officer, COMMUNE), "the station holds the new board")
    assert len(heard(province.stations[COMMUNE], began, 1)) == 1

    officer.act(alert, "repeat", **HELD)
    officer.when(alert, COMMUNE, "played")
    first, second = heard(province.stations[COMMUNE], began, 2)
    for sounding in (first, second):
        assert place_in(sounding, whole) == pytest.approx(0.0, abs=0.05)
        assert sounding.seconds == pytest.approx(len(whole) / 48_000, abs=0.3)
    history = officer.client.get(f"/api/alerts/{alert}").json()["history"]
    assert [one["act"] for one in history] == ["repeat", "extend", "press"]


def boards_current(officer: Officer, station: str) -> bool:
    return bool(officer.client.get(f"/api/stations/{station}").json()["boards_current"])
