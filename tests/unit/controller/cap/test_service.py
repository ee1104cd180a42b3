"""Messages taken in: kept with their verdict, and followed, once."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import event

from audio_library.speech import EspeakNg
from controller.accounts.rules import Principal
from controller.accounts.tables import Role
from controller.cap.sign import CapSigner
from controller.cap.tables import CapVerdict, Via
from controller.emergency import acting, drafts, service
from controller.emergency.acting import Confirmation
from controller.emergency.actor import Actor
from controller.emergency.content import Source as VoiceSource
from controller.emergency.found import look
from controller.emergency.tables import ActKind, AlertState, StandingMessage
from controller.stations.tables import Station
from tests.support.cap import AREA, info, message
from tests.support.cap_world import CapWorld

OFFICER = Principal("alert_officer", "alert_officer", "Cán bộ", "vi", ((Role.ALERT_OFFICER, "lao-cai"),))


def update(at: datetime, identifier: str, said: str, *references: tuple[str, datetime]) -> bytes:
    return message(at, identifier, msgType="Update", references=references, infos=[said])


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_message_fires_and_is_on_record_before_the_desk_hears_of_it(world: CapWorld) -> None:
    kept = world.take(message(world.clock[0]))
    assert (kept.verdict, kept.reason) == (CapVerdict.FIRED, None)
    [act] = world.performed
    assert (act.alert_id, act.cap_message_id, act.person_id) == (kept.alert_id, kept.id, None)
    assert act.what is ActKind.PRESS
    assert act.area_ids == ("bat-xat-02683",)
    [alert] = world.alerts()
    assert (alert.state, alert.created_by, alert.title) == (AlertState.ACTIVE, None, "Lũ trên sông Hồng")
    assert alert.expires_at == world.clock[0] + timedelta(hours=2)


def test_what_cannot_be_read_aloud_sounds_as_the_standing_message(world: CapWorld) -> None:
    world.take(message(world.clock[0]))
    [voice] = world.performed[0].content.voices
    assert (voice.language, voice.source, voice.text) == ("vi", VoiceSource.STANDING, "Lời mẫu flood.")


def test_without_any_voice_it_is_proposed_with_its_words(world: CapWorld) -> None:
    with world.context.database.write() as session:
        session.query(StandingMessage).delete()
    kept = world.take(message(world.clock[0]))
    assert (kept.verdict, kept.reason) == (CapVerdict.PROPOSED, "cap.could_not_fire")
    assert kept.params["why"]["key"] == "cap.no_voice"
    [alert] = world.alerts()
    assert (alert.id, alert.state) == (kept.alert_id, AlertState.PROPOSED)
    assert "Nước lên nhanh" in content_of(world, alert.id).voices[0].text
    assert not world.performed


def test_a_drill_is_a_drill(world: CapWorld) -> None:
    world.take(message(world.clock[0], status="Exercise"))
    [act] = world.performed
    assert act.content.drill
    assert act.alert is not None
    assert act.alert.drill


def test_an_officers_file_is_proposed_and_does_not_stand_in_the_way_of_the_source(world: CapWorld) -> None:
    raw = message(world.clock[0])
    brought = world.bring(raw)
    assert brought.verdict is CapVerdict.PROPOSED
    assert world.bring(raw).reason == "cap.replayed"
    assert world.take(raw).verdict is CapVerdict.FIRED
    assert sorted(alert.state for alert in world.alerts()) == [AlertState.ACTIVE, AlertState.DISCARDED]


def test_the_same_message_is_followed_once(world: CapWorld) -> None:
    raw = message(world.clock[0])
    world.take(raw)
    spaced = raw.replace(b"><", b">\n<").replace(b"+00:00</sent>", b".000Z</sent>")
    assert [world.take(one).reason for one in (raw, spaced)] == ["cap.replayed"] * 2
    assert len(world.performed) == 1
    assert len(world.messages()) == 3


def test_a_replay_after_years_is_still_a_replay(world: CapWorld) -> None:
    raw = message(
        world.clock[0], infos=[info(world.clock[0], expires=datetime.fromisoformat("2050-01-01T00:00Z"))]
    )
    world.take(raw)
    world.clock[0] += timedelta(days=1000)
    assert world.take(raw).reason == "cap.replayed"


def test_a_clock_that_runs_ahead_may_catch_up(world: CapWorld) -> None:
    now = world.clock[0]
    raw = message(now + minutes(30), infos=[info(now + minutes(30))])
    assert world.take(raw).reason == "cap.from_the_future"
    world.clock[0] += minutes(25)
    assert world.take(raw).verdict is CapVerdict.FIRED


def test_unreadable_messages_are_kept_with_their_reason(world: CapWorld) -> None:
    kept = world.take(b"<alert>" + b"x" * 5_000_000)
    assert (kept.verdict, kept.reason, kept.identifier) == (CapVerdict.REFUSED, "cap.too_large", None)
    assert len(kept.raw) == 64_000
    world.take(message(world.clock[0], namespace="urn:oasis:names:tc:emergency:cap:1.1"))
    assert [row.reason for row in world.messages()] == ["cap.too_large", "cap.old_version"]


def test_an_update_is_heard_and_one_that_only_lasts_longer_is_not_heard_again(world: CapWorld) -> None:
    now = world.clock[0]
    first = world.take(message(now))
    world.clock[0] = later = now + minutes(10)
    longer = info(now, expires=now + minutes(200))
    assert world.take(update(later, "M-2", longer, ("M-1", now))).verdict is CapVerdict.APPLIED
    worse = info(now, severity="Extreme")
    third = update(later + minutes(1), "M-3", worse, ("M-1", now), ("M-2", later))
    assert world.take(third).verdict is CapVerdict.APPLIED
    kinds = [act.what for act in world.performed]
    assert kinds == [ActKind.PRESS, ActKind.EXTEND, ActKind.UPDATE]
    press, extend, heard = (act.alert for act in world.performed)
    assert press and extend and heard
    assert press.sounding == extend.sounding != heard.sounding
    assert extend.expires_at == now + minutes(200)
    assert world.in_force() == [first.alert_id]


def test_an_update_that_changes_nothing_does_nothing(world: CapWorld) -> None:
    now = world.clock[0]
    world.take(message(now))
    kept = world.take(
        message(now + minutes(1), "M-2", msgType="Update", references=[("M-1", now)], infos=[info(now)])
    )
    assert (kept.verdict, kept.reason) == (CapVerdict.APPLIED, "cap.nothing_new")
    assert len(world.performed) == 1


def test_a_cancel_silences_what_fired(world: CapWorld) -> None:
    now = world.clock[0]
    first = world.take(message(now))
    kept = world.take(message(now, "M-2", msgType="Cancel", references=[("M-1", now)], infos=[]))
    assert (kept.verdict, kept.alert_id) == (CapVerdict.APPLIED, first.alert_id)
    assert world.performed[-1].alert is None
    assert world.in_force() == []


def test_all_clear_sounds_where_the_alert_was_heard(world: CapWorld) -> None:
    now = world.clock[0]
    world.take(message(now))
    clear = info(now, responseType="AllClear")
    world.take(message(now, "M-2", msgType="Update", references=[("M-1", now)], infos=[clear]))
    press, cancel = world.performed
    assert press.alert and cancel.alert
    assert cancel.what is ActKind.CANCEL
    assert cancel.alert.only_after == (press.alert.sounding,)


def test_an_update_replaces_a_proposal_and_a_cancel_withdraws_it(world: CapWorld) -> None:
    now = world.clock[0]
    world.take(message(now, scope="Restricted"))
    again = message(now, "M-2", msgType="Update", references=[("M-1", now)], scope="Restricted")
    second = world.take(again)
    assert sorted(alert.state for alert in world.alerts()) == [AlertState.DISCARDED, AlertState.PROPOSED]
    ended = world.take(message(now, "M-3", msgType="Cancel", references=[("M-2", now)], infos=[]))
    assert ended.alert_id == second.alert_id
    assert {alert.state for alert in world.alerts()} == {AlertState.DISCARDED}
    assert not world.performed


def pressed_by_officer(world: CapWorld) -> str:
    """M-1 was proposed, and an officer sent it."""
    kept = world.take(message(world.clock[0], scope="Restricted"))
    alert_id = kept.alert_id or ""
    with world.context.database.write() as session:
        content = content_of(world, alert_id)
        voice = content.voices[0].model_copy(update={"source": VoiceSource.STANDING, "text": ""})
        content = content.model_copy(update={"voices": (voice,)})
        service.suggest(Actor(session, world.context, world.clock[0], None), alert_id, content)
    with world.context.database.read() as session:
        act = acting.press(
            Actor(session, world.context, world.clock[0], OFFICER), alert_id, Confirmation("held")
        )
    world.desk.perform(act)
    while world.desk.pending():
        world.desk.reconcile()
    return alert_id


def test_what_an_officer_sent_is_never_touched_by_a_message(world: CapWorld) -> None:
    now = world.clock[0]
    alert_id = pressed_by_officer(world)
    worse = info(now, severity="Extreme", headline="Lũ rất lớn")
    kept = world.take(message(now, "M-2", msgType="Update", references=[("M-1", now)], infos=[worse]))
    assert (kept.verdict, kept.reason, kept.alert_id) == (
        CapVerdict.PROPOSED,
        "cap.officer_updates",
        alert_id,
    )
    with world.context.database.read() as session:
        prepared = look(session, alert_id).open
    assert prepared is not None
    assert (prepared.act, prepared.content["title"]) == (ActKind.UPDATE, "Lũ rất lớn")
    kept = world.take(message(now, "M-3", msgType="Cancel", references=[("M-1", now)], infos=[]))
    assert (kept.verdict, kept.reason) == (CapVerdict.PROPOSED, "cap.officer_cancels")
    assert world.in_force() == [alert_id]


def test_what_she_has_prepared_herself_is_not_written_over(world: CapWorld) -> None:
    now = world.clock[0]
    alert_id = pressed_by_officer(world)
    own = content_of(world, alert_id).model_copy(update={"title": "Lời của tôi"})
    with world.context.database.write() as session:
        drafts.edit(Actor(session, world.context, now, OFFICER), alert_id, own)
    world.take(message(now, "M-2", msgType="Update", references=[("M-1", now)]))
    with world.context.database.read() as session:
        prepared = look(session, alert_id).open
    assert prepared is not None
    assert prepared.content["title"] == "Lời của tôi"


def test_areas_without_a_station_are_left_out(world: CapWorld) -> None:
    two = AREA + "<area><areaDesc>x</areaDesc><circle>22.52,103.70 1</circle></area>"
    with world.context.database.write() as session:
        station = session.get(Station, "loa-mh")
        assert station is not None
        station.installed = False
    world.take(message(world.clock[0], infos=[info(world.clock[0], area=two)]))
    assert world.performed[0].area_ids == ("bat-xat-02683",)


def test_a_foreign_language_alone_sounds_in_the_languages_of_the_place(world: CapWorld) -> None:
    english = info(
        world.clock[0], language="en-GB", event="Flash flood", headline="Flash flood on the Red River"
    )
    world.take(message(world.clock[0], infos=[english]))
    [act] = world.performed
    assert [(voice.language, voice.text) for voice in act.content.voices] == [("vi", "Lời mẫu flash_flood.")]


def test_if_the_database_fails_nothing_is_kept_and_nothing_sounds(world: CapWorld) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is gone")

    event.listen(world.context.database.engine, "commit", fail)
    with pytest.raises(OSError, match="disk"):
        world.take(message(world.clock[0]))
    event.remove(world.context.database.engine, "commit", fail)
    assert not world.performed
    assert not world.alerts()
    assert world.take(message(world.clock[0])).verdict is CapVerdict.FIRED


def test_of_many_at_once_one_fires(world: CapWorld) -> None:
    raws = [message(world.clock[0]) + b" " * number for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(world.take, raws))
    assert sorted(row.verdict for row in kept) == [CapVerdict.FIRED, *[CapVerdict.REFUSED] * 5]
    assert len(world.in_force()) == 1


def test_what_breaks_our_reader_is_kept_and_harms_nobody(
    world: CapWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("controller.cap.judge.meant", broken)
        assert world.take(message(world.clock[0])).reason == "cap.unexpected"
    assert world.take(message(world.clock[0])).verdict is CapVerdict.FIRED


def test_typed_words_are_read_aloud_where_there_is_a_voice(world: CapWorld) -> None:
    object.__setattr__(world.context, "speech", EspeakNg())
    world.take(message(world.clock[0]))
    [voice] = world.performed[0].content.voices
    assert (voice.source, voice.text[:16]) == (VoiceSource.TYPED, "Lũ trên sông Hồn")
    alert = world.performed[0].alert
    assert alert is not None
    [item] = alert.voices[0].items
    assert (item.sha256, item.instead is not None) == (voice.sound_sha256, True)


def test_a_large_message_is_taken_in_within_a_second(world: CapWorld) -> None:
    turns = [2 * math.pi * step / 34_065 for step in range(34_066)]
    corners = " ".join(f"{22.5 + 0.3 * math.sin(a):.20f},{103.8 + 0.3 * math.cos(a):.20f}" for a in turns)
    area = f"<area><areaDesc>x</areaDesc><polygon>{corners}</polygon></area>"
    raw = message(world.clock[0], infos=[info(world.clock[0], area=area)])
    began_s = time.monotonic()
    kept = world.take(raw)
    took_s = time.monotonic() - began_s
    assert kept.verdict is CapVerdict.FIRED
    assert kept.params["areas"] == ["bat-xat-02683", "muong-hum-02728"]
    assert took_s < 1.0


def test_signatures_count(world: CapWorld, tmp_path: Path) -> None:
    now = world.clock[0]
    ours = CapSigner.load_or_make(tmp_path / "ours", "kttv", now)
    theirs = CapSigner.load_or_make(tmp_path / "theirs", "kttv", now)
    world.source = world.source.model_copy(update={"certificates": (ours.certificate,)})

    def signed(identifier: str, signer: CapSigner) -> bytes:
        return etree.tostring(signer.signed(etree.fromstring(message(now, identifier))))

    good = signed("M-1", ours)
    assert world.take(good, via=Via.MQTT).verdict is CapVerdict.FIRED
    assert world.take(signed("M-2", theirs)).reason == "cap.bad_signature"
    assert world.take(signed("M-3", ours).replace(b"Severe", b"Minor")).reason == "cap.bad_signature"
    assert world.take(message(now, "M-4"), via=Via.MQTT).reason == "cap.not_signed_mqtt"
    assert len(world.performed) == 1
    assert world.take(signed("M-3", ours)).verdict is CapVerdict.FIRED


def content_of(world: CapWorld, alert_id: str) -> Any:
    with world.context.database.read() as session:
        return look(session, alert_id).content
