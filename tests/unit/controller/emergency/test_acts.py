"""From a draft to its end over HTTP: press, update, extend, repeat, cancel, and what stations get of it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from controller.context import Context
from controller.emergency.tables import AlertRow, AlertState, AlertTarget
from tests.support.emergency import HELD, XA, act, draft, key_of, on_the_wire, recorded, view
from wire.ids import LatenessRule


def test_a_draft_says_what_it_is_and_what_may_be_done(officer: TestClient, form: dict[str, Any]) -> None:
    found = view(officer, draft(officer, form))
    assert found["id"].startswith("kc-20261123-")
    assert (found["state"], found["revision"], found["sent_at"]) == ("draft", 0, None)
    assert found["may"] == ["edit", "press", "discard"]
    (voice,) = found["content"]["voices"]
    assert (voice["text"], voice["seconds"]) == ("Lời mẫu flood", 20.0)
    assert voice["sound_url"].endswith(".opus")
    assert found["content"]["areas"] == [{"id": XA, "name": "Xã Bát Xát", "level": "commune"}]
    assert found["two_people"] is None


def test_areas_and_languages_count_once(officer: TestClient, form: dict[str, Any]) -> None:
    areas = ["bat-xat-thon-1", XA, "muong-hum-02728", XA]
    voices = [*form["voices"], {"language": "vi", "source": "typed", "text": "lần hai"}]
    found = view(officer, draft(officer, form, area_ids=areas, voices=voices))
    assert [area["id"] for area in found["content"]["areas"]] == [XA, "muong-hum-02728"]
    assert [voice["source"] for voice in found["content"]["voices"]] == ["standing"]


def test_a_press_is_complete_for_stations_and_on_record(
    officer: TestClient, form: dict[str, Any], context: Context, library: Mapping[str, str], now: datetime
) -> None:
    alert = draft(officer, form, validity_s=1800)
    answer = act(officer, alert, "press", **HELD)
    assert (answer["revision"], answer["sounding"]) == (1, f"{alert}-r1@20261123T020000Z")
    recorded(officer, alert)
    (wire,) = on_the_wire(context, alert)
    assert wire is not None
    assert (wire.sounding, wire.sent_at, wire.validity) == (answer["sounding"], now, timedelta(minutes=30))
    assert [[item.sha256 for item in voice.items] for voice in wire.voices] == [[library["flood-vi"]]]
    assert (wire.lateness.rule, wire.lateness.grace_s) == (LatenessRule.CONTINUE, 1800.0)
    assert (wire.repeats, wire.closing is not None, wire.only_after) == (3, True, ())
    found = view(officer, alert)
    assert (found["state"], found["in_force"], found["expires_at"]) == (
        "active",
        True,
        "2026-11-23T02:30:00Z",
    )
    assert found["may"] == ["edit", "repeat", "extend", "cancel"]
    (history,) = found["history"]
    assert (history["act"], history["done_by_name"]) == ("press", "alert_officer")
    assert history["cap_identifier"]
    with context.database.read() as session:
        targets = {row.station_id: row.reachable for row in session.query(AlertTarget)}
    assert targets == {"dai-xa": True, "loa-1": True, "loa-2": False}


def test_two_presses_make_one_alert(
    officer: TestClient, second: TestClient, form: dict[str, Any], context: Context, clock: list[datetime]
) -> None:
    alert = draft(officer, form)
    first = act(officer, alert, "press", **HELD)
    clock[0] += timedelta(seconds=3)
    for client in (officer, second):
        again = act(client, alert, "press", **HELD)
        assert (again["revision"], again["sounding"]) == (1, first["sounding"])
    recorded(officer, alert)
    assert len(on_the_wire(context, alert)) == 1
    assert len(officer.get("/api/alerts").json()) == 1


def test_two_presses_at_once_make_one_alert(
    officer: TestClient, form: dict[str, Any], context: Context
) -> None:
    alert = draft(officer, form)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: act(officer, alert, "press", **HELD), range(4)))
    assert {(one["revision"], one["sounding"]) for one in answers} == {(1, answers[0]["sounding"])}
    recorded(officer, alert)
    assert len(on_the_wire(context, alert)) == 1


def test_who_may_not_come_late_is_skipped(
    officer: TestClient, form: dict[str, Any], context: Context
) -> None:
    alert = draft(officer, form, late=False)
    act(officer, alert, "press", **HELD)
    recorded(officer, alert)
    (wire,) = on_the_wire(context, alert)
    assert wire is not None
    assert wire.lateness.rule is LatenessRule.SKIP


def test_a_drill_has_its_own_signal_and_says_what_it_is_first(
    officer: TestClient, form: dict[str, Any], context: Context, library: Mapping[str, str]
) -> None:
    real, drill = draft(officer, form), draft(officer, form, drill=True)
    for alert in (real, drill):
        act(officer, alert, "press", **HELD)
        recorded(officer, alert)
    (sounds_real,), (sounds_drill,) = on_the_wire(context, real), on_the_wire(context, drill)
    assert sounds_real is not None
    assert sounds_drill is not None
    assert sounds_real.signal != sounds_drill.signal
    assert [item.sha256 for item in sounds_drill.voices[0].items] == [
        library["notice-vi"],
        library["flood-vi"],
    ]
    lines = {line["id"]: line["drill"] for line in officer.get("/api/alerts").json()}
    assert lines == {real: False, drill: True}


def test_fresh_speech_carries_the_standing_message_in_its_place(
    officer: TestClient, form: dict[str, Any], context: Context, library: Mapping[str, str]
) -> None:
    voices = [
        {"language": "hmn", "source": "recorded", "sound_sha256": library["flood-hmn"]},
        {"language": "vi", "source": "uploaded", "sound_sha256": library["fresh-vi"]},
    ]
    alert = draft(officer, form, voices=voices)
    act(officer, alert, "press", **HELD)
    recorded(officer, alert)
    (wire,) = on_the_wire(context, alert)
    assert wire is not None
    hmn, vi = (voice.items[0] for voice in wire.voices)
    assert hmn.instead is None
    assert vi.instead is not None
    assert vi.instead.sha256 == library["flood-vi"]


def test_typed_text_is_what_is_heard(officer: TestClient, form: dict[str, Any]) -> None:
    """Whatever sound is sent along with it."""
    digests = []
    for text in ("Nước lên nhanh.", "Nước lên nhanh, lên đồi ngay.", "Nước lên nhanh."):
        typed = {"language": "vi", "source": "typed", "text": text, "sound_sha256": "0" * 64}
        (voice,) = view(officer, draft(officer, form, voices=[typed]))["content"]["voices"]
        assert (voice["text"], voice["seconds"] > 0.5) == (text, True)
        digests.append(voice["sound_sha256"])
    assert digests[0] == digests[2] != digests[1]


def test_an_update_replaces_what_sounds(
    officer: TestClient, pressed: str, form: dict[str, Any], context: Context, clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    assert key_of(act(officer, pressed, "update", 409, **HELD)) == "emergency.nothing_prepared"
    wider = form | {"area_ids": [XA, "muong-hum-02728"], "severity": "extreme"}
    prepared = officer.put(f"/api/alerts/{pressed}", json=wider).json()
    assert (prepared["state"], prepared["revision"], prepared["severity"]) == ("active", 1, "severe")
    assert (prepared["open"]["act"], prepared["open"]["content"]["severity"]) == ("update", "extreme")
    clock[0] += timedelta(minutes=2)
    answer = act(officer, pressed, "update", **HELD, seen=1)
    again = act(officer, pressed, "update", **HELD, seen=1)
    assert (answer["revision"], again["revision"]) == (2, 2)
    recorded(officer, pressed)
    first, newer = on_the_wire(context, pressed)
    assert first is not None
    assert newer is not None
    assert newer.sounding != first.sounding
    assert newer.expires_at == clock[0] + timedelta(hours=1)
    found = view(officer, pressed)
    assert (found["severity"], found["open"], len(found["history"])) == ("extreme", None, 2)
    with context.database.read() as session:
        later = {row.station_id for row in session.query(AlertTarget) if row.revision == 2}
    assert later == {"loa-mh"}


def test_a_drill_stays_a_drill(officer: TestClient, pressed: str, form: dict[str, Any]) -> None:
    recorded(officer, pressed)
    answer = officer.put(f"/api/alerts/{pressed}", json=form | {"drill": True})
    assert key_of(answer.json()) == "emergency.drill_is_fixed"


def test_a_longer_validity_is_the_same_sounding(
    officer: TestClient, pressed: str, context: Context, clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    clock[0] += timedelta(minutes=30)
    act(officer, pressed, "extend", minutes=60, seen=1)
    act(officer, pressed, "extend", minutes=60, seen=1)
    act(officer, pressed, "extend", minutes=60)
    recorded(officer, pressed)
    first, longer = on_the_wire(context, pressed)
    assert first is not None
    assert longer is not None
    assert (longer.sounding, longer.sent_at, longer.revision) == (first.sounding, first.sent_at, 2)
    assert longer.expires_at == first.expires_at + timedelta(minutes=60)
    assert longer.lateness.grace_s == 7200.0
    assert act(officer, pressed, "extend", minutes=5)["revision"] == 3
    for minutes in (0, -5, 20_000):
        refused = act(officer, pressed, "extend", 422, minutes=minutes)
        assert key_of(refused) == "emergency.bad_extension"


def test_a_repeat_is_heard_again_and_never_shortens(
    officer: TestClient, pressed: str, context: Context, clock: list[datetime]
) -> None:
    recorded(officer, pressed)
    act(officer, pressed, "extend", minutes=300)
    clock[0] += timedelta(minutes=5)
    act(officer, pressed, "repeat", **HELD)
    clock[0] += timedelta(seconds=2)
    again = act(officer, pressed, "repeat", **HELD)
    assert again["revision"] == 3
    recorded(officer, pressed)
    first, longer, repeated = on_the_wire(context, pressed)
    assert first is not None
    assert longer is not None
    assert repeated is not None
    assert repeated.sounding != first.sounding
    assert repeated.expires_at == longer.expires_at
    assert repeated.voices == first.voices


@pytest.mark.parametrize(("seen", "minutes"), [(1, 120), (3, 60)])
def test_an_extension_that_the_updating_person_has_not_seen_holds(
    officer: TestClient, pressed: str, form: dict[str, Any], context: Context, seen: int, minutes: int
) -> None:
    recorded(officer, pressed)
    officer.put(f"/api/alerts/{pressed}", json=form)
    act(officer, pressed, "extend", minutes=60)
    recorded(officer, pressed)
    act(officer, pressed, "update", **HELD, seen=seen)
    recorded(officer, pressed)
    newest = on_the_wire(context, pressed)[-1]
    assert newest is not None
    assert newest.revision == 4
    assert newest.expires_at - newest.sent_at == timedelta(minutes=minutes)


def test_an_update_that_waited_while_others_acted_comes_after_them(
    officer: TestClient, pressed: str, form: dict[str, Any]
) -> None:
    recorded(officer, pressed)
    officer.put(f"/api/alerts/{pressed}", json=form | {"title": "Lũ lớn hơn"})
    act(officer, pressed, "extend", minutes=60)
    recorded(officer, pressed)
    answer = act(officer, pressed, "update", **HELD)
    assert answer["revision"] == 4
    recorded(officer, pressed)
    found = view(officer, pressed)
    assert [one["act"] for one in found["history"]] == ["update", "extend", "press"]
    assert (found["title"], found["open"]) == ("Lũ lớn hơn", None)


def test_a_cancel_takes_it_off_the_boards(
    officer: TestClient, second: TestClient, pressed: str, form: dict[str, Any], context: Context
) -> None:
    recorded(officer, pressed)
    officer.put(f"/api/alerts/{pressed}", json=form | {"title": "không kịp nữa"})
    first = act(officer, pressed, "cancel")
    again = act(second, pressed, "cancel", all_clear=True)
    assert first["revision"] == again["revision"] == 3
    recorded(officer, pressed)
    assert on_the_wire(context, pressed)[-1] is None
    found = view(officer, pressed)
    assert (found["state"], found["in_force"], found["may"], found["open"]) == ("cancelled", False, [], None)
    late: dict[str, dict[str, Any]] = {"update": HELD, "repeat": HELD, "extend": {"minutes": 5}}
    for move, form_ in late.items():
        assert key_of(act(officer, pressed, move, 409, **form_)) == f"emergency.wrong_state_{move}"


def test_an_all_clear_is_for_those_who_heard_any_of_it(
    officer: TestClient,
    pressed: str,
    form: dict[str, Any],
    context: Context,
    library: Mapping[str, str],
    clock: list[datetime],
) -> None:
    """Also where an update no longer sounded."""
    recorded(officer, pressed)
    officer.put(f"/api/alerts/{pressed}", json=form | {"area_ids": ["bat-xat-thon-1"]})
    clock[0] += timedelta(minutes=1)
    act(officer, pressed, "update", **HELD)
    clock[0] += timedelta(minutes=1)
    answer = act(officer, pressed, "cancel", all_clear=True)
    recorded(officer, pressed)
    first, newer, clear = on_the_wire(context, pressed)
    assert first is not None
    assert newer is not None
    assert clear is not None
    assert clear.sounding == answer["sounding"]
    assert clear.only_after == (first.sounding, newer.sounding)
    assert clear.signal != first.signal
    assert [[item.sha256 for item in voice.items] for voice in clear.voices] == [[library["clear-vi"]]]
    assert (clear.repeats, clear.validity) == (1, timedelta(minutes=30))
    with context.database.read() as session:
        row = session.get_one(AlertRow, pressed)
        assert (row.state, row.area_ids) == (AlertState.CANCELLED, [XA])


def test_a_cancel_is_never_kept_from_sounding_the_all_clear(
    officer: TestClient, form: dict[str, Any], context: Context, library: Mapping[str, str]
) -> None:
    """Without a message in the language, the signal and a chime say it."""
    hmn = {"language": "hmn", "source": "recorded", "sound_sha256": library["flood-hmn"]}
    alert = draft(officer, form, voices=[hmn])
    assert view(officer, alert)["all_clear_lacks"] == ["hmn"]
    act(officer, alert, "press", **HELD)
    act(officer, alert, "cancel", all_clear=True)
    recorded(officer, alert)
    first, clear = on_the_wire(context, alert)
    assert first is not None
    assert clear is not None
    assert clear.voices[0].items == (first.closing,)
