"""An alert breaks into a broadcast, is heard as it was previewed, and gives the loudspeaker back."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.alerts import STANDING, Officer, heard, now, place_in, silent_at
from tests.support.everyday import (
    approved_programme,
    final_rows,
    is_sounding,
    next_second,
    schedule_once,
    start_and_meet,
    uploaded,
    withdraw_everything,
)
from tests.support.province import Province, decoded
from tests.support.recording import recording
from tests.support.waiting import eventually

COMMUNE, VILLAGE, OTHER = "dai-bat-xat", "cum-loa-ban-vuoc", "cum-loa-ta-van-giay"
BAT_XAT, PROVINCE = "bat-xat-02683", "lao-cai"


def test_an_alert_breaks_in_and_the_broadcast_goes_on_afterwards(province: Province, tmp_path: Path) -> None:
    operator, approver = province.signed_in("canbo"), province.signed_in("lanhdao")
    officer = Officer(province.signed_in("trucban"))
    withdraw_everything(operator)
    sound = uploaded(operator, recording(tmp_path, times=3))
    programme = approved_programme(operator, approver, BAT_XAT, sound)
    library = decoded(operator.get(programme["sound_url"]).content)
    station = province.stations[COMMUNE]
    start_and_meet(operator, [station, province.stations[VILLAGE]])
    alert = officer.draft(BAT_XAT, repeats=1)
    whole = officer.preview(alert, COMMUNE)
    start = next_second(12)
    occurrence = schedule_once(operator, programme, start)
    eventually(lambda: is_sounding(operator, occurrence, COMMUNE), "the broadcast sounds")
    eventually(lambda: now() > start + timedelta(seconds=5), "enough is heard to know it by")

    pressed_at = now()
    answer = officer.press(alert)
    assert answer["published_at"] is not None

    officer.when(alert, COMMUNE, "played")
    ended = start + timedelta(seconds=programme["seconds"])
    rows = {row["station_id"]: row for row in final_rows(operator, occurrence, ended)}
    before, alarm, after = heard(station, start - timedelta(seconds=1), 3)
    assert place_in(before, library) == pytest.approx(0.0, abs=0.05)
    assert place_in(alarm, whole) == pytest.approx(0.0, abs=0.05)
    assert alarm.seconds == pytest.approx(len(whole) / 48_000, abs=0.3)
    assert alarm.first_frame_at - pressed_at < timedelta(seconds=3)
    assert alarm.first_frame_at - silent_at(before) < timedelta(seconds=2)
    elapsed_s = (after.first_frame_at - start).total_seconds()
    assert place_in(after, library) == pytest.approx(elapsed_s, abs=0.05)
    assert rows[COMMUNE]["state"] == "partly_played"
    assert rows[COMMUNE]["reason"] == "higher_priority"


def test_a_board_counts_every_station_of_the_province(province: Province) -> None:
    """One of three is off: it stays unreachable, the others finish, and everything is in the record."""
    officer = Officer(province.signed_in("trucban"))
    withdraw_everything(province.signed_in("canbo"))
    start_and_meet(officer.client, [province.stations[COMMUNE], province.stations[VILLAGE]])
    reach = officer.client.get("/api/emergency/reach", params={"area": PROVINCE}).json()
    assert (reach["stations"], reach["reachable"]) == (3, 2)

    pressed_at = now()
    alert = officer.alert(PROVINCE, repeats=1, voices=STANDING)
    for station in (COMMUNE, VILLAGE):
        row = officer.when(alert, station, "sounding", "played", within_s=30)
        assert datetime.fromisoformat(row["sounding_at"]) - pressed_at < timedelta(seconds=5)
    for station in (COMMUNE, VILLAGE):
        officer.when(alert, station, "played")
    counts = officer.board(alert)["counts"]
    assert (counts["finished"], counts["unreachable"], counts["total"]) == (2, 1, 3)
    assert not officer.rows(alert)[OTHER]["final"], "it may still come back"

    # She presses a second time: it is the same alert, and nobody hears it again.
    again = officer.press(alert)
    assert again["revision"] == 1
    assert len(officer.client.get("/api/alerts").json()) == 1
    officer.act(alert, "cancel", all_clear=False)
    final = officer.when_final(alert, within_s=30)
    assert final["counts"]["finished"] == 2
    assert final["counts"]["unreachable"] == 1
    for station in (COMMUNE, VILLAGE):
        assert len(heard(province.stations[station], pressed_at, 1)) == 1
