"""A drill is the same in every respect and says so; what weighs most needs two people."""

from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from tests.support.alerts import HELD, Officer, heard, now, place_in
from tests.support.province import Province, likeness, problem

COMMUNE = "dai-bat-xat"
BAT_XAT, PROVINCE = "bat-xat-02683", "lao-cai"
CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
SCHEMA = Path(__file__).parents[2].parent / "shared" / "cap" / "schema" / "CAP-v1.2.xsd"


def test_a_drill_sounds_otherwise_and_says_what_it_is(province: Province, officer: Officer) -> None:
    real = officer.preview(officer.draft(BAT_XAT, repeats=1), COMMUNE)
    began = now()
    alert = officer.draft(BAT_XAT, repeats=1, drill=True)
    drill = officer.preview(alert, COMMUNE)
    signal_s = 5
    alike, _ = likeness(drill[: signal_s * 48_000], real[: signal_s * 48_000])
    assert alike < 0.5, "the drill's signal cannot be taken for the real one"
    officer.press(alert)
    officer.when(alert, COMMUNE, "played")
    (sounded,) = heard(province.stations[COMMUNE], began, 1)
    assert place_in(sounded, drill) == pytest.approx(0.0, abs=0.05)
    assert sounded.seconds == pytest.approx(len(drill) / 48_000, abs=0.3)

    for person in ("canbo", "kythuat", "trucban"):
        page = province.signed_in(person).get("/").text
        assert "DIỄN TẬP" in page.upper(), person
    assert cap_of(officer, alert).findtext(f"{CAP}status") == "Exercise"


def test_an_extreme_alert_of_the_province_needs_a_second_officer(
    province: Province, officer: Officer
) -> None:
    second = Officer(province.signed_in("trucban2"))
    began = now()
    alert = officer.draft(PROVINCE, severity="extreme", repeats=1)
    alone = officer.client.post(f"/api/alerts/{alert}/press", json=HELD)
    assert alone.status_code in {403, 409}
    assert "người thứ hai" in problem(alone)["detail"].lower()

    officer.act(alert, "ask", what="press")
    own = officer.client.post(f"/api/alerts/{alert}/press", json=HELD)
    assert own.status_code in {403, 409}
    assert [one for one in province.stations[COMMUNE].soundings() if one.first_frame_at >= began] == []

    confirmed_at = now()
    second.press(alert)
    officer.when(alert, COMMUNE, "played")
    (sounded,) = heard(province.stations[COMMUNE], began, 1)
    assert timedelta(0) < sounded.first_frame_at - confirmed_at < timedelta(seconds=3)
    (pressed,) = officer.client.get(f"/api/alerts/{alert}").json()["history"]
    assert pressed["asked_by_name"] != pressed["done_by_name"]


def test_every_act_is_a_valid_cap_message(province: Province, officer: Officer) -> None:
    alert = officer.alert(BAT_XAT, repeats=1)
    officer.when(alert, COMMUNE, "played")
    officer.act(alert, "extend", minutes=30)
    officer.act(alert, "cancel", all_clear=True)
    history = officer.client.get(f"/api/alerts/{alert}").json()["history"]
    messages = [cap_message(officer, one["cap_identifier"]) for one in reversed(history)]
    assert [one.findtext(f"{CAP}msgType") for one in messages] == ["Alert", "Update", "Cancel"]
    first, second, third = (one.findtext(f"{CAP}identifier") for one in messages)
    assert str(first) in str(messages[1].findtext(f"{CAP}references"))
    for earlier in (first, second):
        assert str(earlier) in str(messages[2].findtext(f"{CAP}references"))
    assert str(third) not in str(messages[2].findtext(f"{CAP}references"))
    if not SCHEMA.exists():
        pytest.skip("the OASIS schema is not beside this repository")
    schema = etree.XMLSchema(etree.parse(str(SCHEMA)))
    for message in messages:
        schema.assertValid(message)
    feed = officer.client.get("/cap/feed.atom")
    assert feed.is_success
    assert str(third) in feed.text


def cap_of(officer: Officer, alert: str) -> etree._Element:
    (newest, *_) = officer.client.get(f"/api/alerts/{alert}").json()["history"]
    return cap_message(officer, newest["cap_identifier"])


def cap_message(officer: Officer, identifier: str) -> etree._Element:
    answer = officer.client.get(f"/cap/{identifier}.xml")
    assert answer.is_success, answer.text
    return etree.fromstring(answer.content)
