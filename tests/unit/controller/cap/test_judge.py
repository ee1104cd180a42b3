"""Verdicts: what may sound by itself, what an officer decides, what is refused and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.cap.chain import Kept, KnownAlert
from controller.cap.events import Events
from controller.cap.geometry import Place
from controller.cap.judge import Asked, Judgement, Known, Signature, Step, judge
from controller.cap.model import Reference
from controller.cap.parse import parse
from controller.cap.sources import Demand, Rule, RuleAction, Source
from controller.cap.tables import CapVerdict, Via
from controller.emergency.tables import AlertState
from tests.support.cap import AREA, SENDER, SQUARE, info, message
from wire.ids import AlertKind, Severity

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PLACES = (
    Place("lao-cai", None, "Tỉnh Lào Cai", "15", 22.3, 104.1, wide=True),
    Place("bat-xat-02683", "lao-cai", "Xã Bát Xát", "02683", 22.54, 103.89),
    Place("muong-hum-02728", "lao-cai", "Xã Mường Hum", "02728", 22.52, 103.70),
)
FIRE = Rule(action=RuleAction.FIRE, areas=("lao-cai",))
SOURCE = Source(name="kttv", senders=(SENDER,), rule=(FIRE,))
KNOWN = Known(NOW, "loaban@here", Events.load(), PLACES)


def judged(raw: bytes, known: Known = KNOWN, **changes: Any) -> Judgement:
    asked = Asked(parse(raw), SOURCE, Via.HTTP)
    return judge(replace(asked, **changes), known)


def about(verdict: Judgement) -> tuple[CapVerdict, str | None, Step]:
    return verdict.verdict, verdict.reason, verdict.step


def test_a_plain_message_fires_where_a_rule_says_so() -> None:
    verdict = judged(message(NOW))
    assert about(verdict) == (CapVerdict.FIRED, None, Step.FIRE)
    assert verdict.area_ids == ("bat-xat-02683",)
    assert verdict.own
    assert verdict.reading is not None
    assert (verdict.reading.kind, verdict.reading.severity) == (AlertKind.FLOOD, Severity.SEVERE)
    assert verdict.reading.texts == {"vi": "Lũ trên sông Hồng. Nước lên nhanh. Lên chỗ cao ngay."}
    assert not verdict.reading.drill


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (Rule(action=RuleAction.PROPOSE), FIRE),
        (FIRE.model_copy(update={"from_severity": Severity.EXTREME}),),
        (FIRE.model_copy(update={"kind": (AlertKind.STORM,)}),),
        (FIRE.model_copy(update={"event": ("bão",)}),),
        (FIRE.model_copy(update={"areas": ("muong-hum-02728",)}),),
    ],
)
def test_without_a_rule_for_it_an_officer_decides(rules: tuple[Rule, ...]) -> None:
    verdict = judged(message(NOW), source=SOURCE.model_copy(update={"rule": rules}))
    assert about(verdict) == (CapVerdict.PROPOSED, None, Step.PROPOSE)


@pytest.mark.parametrize(
    "rule",
    [
        FIRE.model_copy(update={"kind": (AlertKind.FLOOD,), "event": ("bão",)}),
        FIRE.model_copy(update={"event": ("LŨ",)}),
        FIRE.model_copy(update={"areas": ("bat-xat-02683", "muong-hum-02728")}),
    ],
)
def test_rules_that_are_about_it(rule: Rule) -> None:
    assert judged(message(NOW), source=SOURCE.model_copy(update={"rule": (rule,)})).step is Step.FIRE


def test_a_part_of_the_areas_outside_the_rule_is_enough_to_ask() -> None:
    both = AREA + AREA.replace("02683", "02728")
    rule = FIRE.model_copy(update={"areas": ("bat-xat-02683",)})
    verdict = judged(
        message(NOW, infos=[info(NOW, area=both)]), source=SOURCE.model_copy(update={"rule": (rule,)})
    )
    assert verdict.step is Step.PROPOSE
    assert verdict.area_ids == ("bat-xat-02683", "muong-hum-02728")


def test_an_exercise_is_a_drill_and_nothing_else() -> None:
    verdict = judged(message(NOW, status="Exercise"))
    assert verdict.reading is not None
    assert verdict.reading.drill
    assert verdict.step is Step.FIRE


NEAR = "<area><areaDesc>x</areaDesc><circle>22.54,104.0 1</circle></area>"
UNREADABLE = "<area><areaDesc>x</areaDesc><polygon>1,2</polygon></area>"
HANOI = "<area><areaDesc>x</areaDesc><circle>21.03,105.85 5</circle></area>"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (message(NOW, status="Test"), "cap.is_test"),
        (message(NOW, status="System"), "cap.is_system"),
        (message(NOW, status="Draft"), "cap.is_draft"),
        (message(NOW, scope="Private"), "cap.is_private"),
        (message(NOW, sender="stranger@x"), "cap.unknown_sender"),
        (message(NOW, sender="loaban@here"), "cap.our_own"),
        (message(NOW + timedelta(minutes=11), infos=[info(NOW)]), "cap.from_the_future"),
        (message(NOW, infos=[]), "cap.no_info"),
        (message(NOW, infos=[info(NOW, expires=None)]), "cap.no_expires"),
        (message(NOW, infos=[info(NOW, expires=NOW)]), "cap.expired"),
        (message(NOW, infos=[info(NOW, expires=NOW + timedelta(seconds=59))]), "cap.expired"),
        (message(NOW, infos=[info(NOW, area="")]), "cap.no_areas"),
        (message(NOW, infos=[info(NOW, area=HANOI)]), "cap.not_our_areas"),
        (message(NOW, infos=[info(NOW, area=UNREADABLE)]), "cap.bad_areas"),
        (message(NOW, msgType="Cancel", references=[("M-0", NOW)]), "cap.nothing_to_cancel"),
        (message(NOW, msgType="Cancel"), "cap.nothing_to_cancel"),
        (message(NOW, msgType="Cancel", references=[("M-0", NOW, "other@x")]), "cap.not_its_own"),
    ],
)
def test_refusals(raw: bytes, reason: str) -> None:
    assert about(judged(raw)) == (CapVerdict.REFUSED, reason, Step.NOTHING)


@pytest.mark.parametrize(("msg_type", "reason"), [("Ack", "cap.is_ack"), ("Error", "cap.is_error")])
def test_answers_are_noted(msg_type: str, reason: str) -> None:
    assert about(judged(message(NOW, msgType=msg_type, infos=[]))) == (CapVerdict.NOTED, reason, Step.NOTHING)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (message(NOW, scope="Restricted"), "cap.doubt_restricted"),
        (message(NOW, infos=[info(NOW, area=NEAR)]), "cap.doubt_area"),
        (message(NOW, infos=[info(NOW, area=AREA + UNREADABLE)]), "cap.doubt_area"),
        (message(NOW, infos=[info(NOW, area="<area><areaDesc>Bát Xát</areaDesc></area>")]), "cap.doubt_area"),
        (message(NOW, infos=[info(NOW, urgency="Past")]), "cap.doubt_past"),
        (message(NOW, infos=[info(NOW, responseType="AllClear")]), "cap.doubt_past"),
        (message(NOW, infos=[info(NOW, severity="Unknown")]), "cap.doubt_severity"),
        (message(NOW, infos=[info(NOW, effective="2026-11-23T10:00:00+07:00")]), "cap.doubt_later"),
        (message(NOW, msgType="Update", references=[("M-0", NOW, "other@x")]), "cap.doubt_references"),
    ],
)
def test_doubts_leave_it_to_an_officer(raw: bytes, reason: str) -> None:
    everything = Rule(action=RuleAction.FIRE, areas=("lao-cai",), from_severity=Severity.UNKNOWN)
    verdict = judged(raw, source=SOURCE.model_copy(update={"rule": (everything,)}))
    assert about(verdict) == (CapVerdict.PROPOSED, reason, Step.PROPOSE)


def test_what_could_be_changed_on_its_way_does_not_fire_unless_it_is_signed() -> None:
    assert judged(message(NOW), untouched=False).reason == "cap.doubt_way"
    assert judged(message(NOW), untouched=False, signature=Signature.GOOD).step is Step.FIRE


def test_what_an_officer_brings_is_only_proposed() -> None:
    verdict = judged(message(NOW, sender="anybody@x"), source=None)
    assert (verdict.step, verdict.own) == (Step.PROPOSE, False)


@pytest.mark.parametrize(
    ("demand", "signature", "via", "reason"),
    [
        (Demand.OPTIONAL, Signature.BAD, Via.HTTP, "cap.bad_signature"),
        (Demand.REQUIRED, Signature.BAD, Via.HTTP, "cap.bad_signature"),
        (Demand.REQUIRED, Signature.NONE, Via.HTTP, "cap.not_signed"),
        (Demand.REQUIRED, Signature.UNKNOWN, Via.FEED, "cap.not_signed"),
        (Demand.OPTIONAL, Signature.NONE, Via.MQTT, "cap.not_signed_mqtt"),
        (Demand.OPTIONAL, Signature.UNKNOWN, Via.MQTT, "cap.not_signed_mqtt"),
        (Demand.REQUIRED, Signature.GOOD, Via.MQTT, None),
        (Demand.OPTIONAL, Signature.UNKNOWN, Via.HTTP, None),
    ],
)
def test_signatures(demand: Demand, signature: Signature, via: Via, reason: str | None) -> None:
    source = SOURCE.model_copy(update={"signature": demand})
    assert judged(message(NOW), source=source, signature=signature, via=via).reason == reason


def test_a_message_comes_once() -> None:
    assert judged(message(NOW), replayed=True).reason == "cap.replayed"


def test_without_an_end_the_source_may_have_a_default() -> None:
    source = SOURCE.model_copy(update={"default_validity_minutes": 30.0})
    open_ended = info(NOW, expires=None)
    verdict = judged(message(NOW, infos=[open_ended]), source=source)
    assert verdict.reading is not None
    assert verdict.reading.expires_at == NOW + timedelta(minutes=30)
    late = judged(message(NOW - timedelta(hours=1), infos=[open_ended]), source=source)
    assert late.reason == "cap.expired"


def test_the_parts_that_are_not_over_count() -> None:
    over = info(NOW, expires=NOW - timedelta(hours=1), language="hmn", event="Bão", severity="Extreme")
    endless = info(NOW, expires=None, language="en", headline="Flood")
    verdict = judged(message(NOW, infos=[over, info(NOW), endless]))
    assert verdict.reading is not None
    assert sorted(verdict.reading.texts) == ["en", "vi"]
    assert verdict.reading.severity is Severity.SEVERE
    assert verdict.reading.expires_at == NOW + timedelta(hours=2)


def test_no_alert_is_longer_than_ours_may_be() -> None:
    verdict = judged(message(NOW, infos=[info(NOW, expires=NOW + timedelta(days=365))]))
    assert verdict.reading is not None
    assert verdict.reading.expires_at == NOW + timedelta(days=7)


def test_more_areas_than_an_alert_may_have() -> None:
    many = tuple(Place(f"xa-{n}", None, f"Xã {n}", None, 22.5, 103.9) for n in range(201))
    verdict = judged(message(NOW, infos=[info(NOW, area=SQUARE)]), replace(KNOWN, places=many))
    assert verdict.reason == "cap.too_many_areas"


EARLIER = Reference(SENDER, "M-0", NOW - timedelta(minutes=5))


def after(alert: KnownAlert | None = None, **changes: Any) -> Known:
    """M-0 came five minutes ago."""
    kept = Kept(EARLIER, alert_id=alert.id if alert else None, **changes)
    return replace(KNOWN, kept=(kept,), alerts=(alert,) if alert else ())


PROPOSED = KnownAlert("kc-1", AlertState.PROPOSED)
FIRED = KnownAlert("kc-1", AlertState.ACTIVE, by_rule=True)
SENT = KnownAlert("kc-1", AlertState.ACTIVE)
OVER = KnownAlert("kc-1", AlertState.EXPIRED, by_rule=True)
STOPPED = KnownAlert("kc-1", AlertState.CANCELLED, ended_by_officer=True)


def update(*infos: str) -> bytes:
    """Of M-0, now."""
    return message(NOW, msgType="Update", references=[("M-0", EARLIER.sent)], infos=infos or [info(NOW)])


UPDATE = update()
CANCEL = message(NOW, msgType="Cancel", references=[("M-0", EARLIER.sent)], infos=[])


def test_an_update_replaces_a_proposal() -> None:
    verdict = judged(UPDATE, after(PROPOSED), source=SOURCE.model_copy(update={"rule": ()}))
    assert (about(verdict), verdict.withdraw) == ((CapVerdict.PROPOSED, None, Step.PROPOSE), ("kc-1",))


def test_an_update_of_what_fired_is_applied_at_once_however_grave_it_is_now() -> None:
    milder = UPDATE.replace(b"Severe", b"Minor")
    for raw in (UPDATE, milder):
        verdict = judged(raw, after(FIRED))
        assert (about(verdict), verdict.alert_id) == ((CapVerdict.APPLIED, None, Step.UPDATE), "kc-1")


def test_an_update_of_what_fired_that_is_only_half_understood_is_for_an_officer() -> None:
    raw = update(info(NOW, area=NEAR))
    assert about(judged(raw, after(FIRED))) == (CapVerdict.PROPOSED, "cap.doubt_area", Step.SUGGEST)


def test_an_update_of_what_an_officer_sent_is_for_an_officer() -> None:
    assert about(judged(UPDATE, after(SENT))) == (CapVerdict.PROPOSED, "cap.officer_updates", Step.SUGGEST)


def test_an_update_of_what_is_over_or_unknown_counts_as_new() -> None:
    for known in (KNOWN, after(OVER), after(None)):
        assert judged(UPDATE, known).step is Step.FIRE


def test_what_an_officer_has_stopped_does_not_fire_again() -> None:
    assert about(judged(UPDATE, after(STOPPED))) == (CapVerdict.PROPOSED, "cap.doubt_ended", Step.PROPOSE)


def test_an_update_that_leaves_our_areas_is_for_an_officer() -> None:
    raw = update(info(NOW, area=HANOI))
    assert about(judged(raw, after(FIRED))) == (CapVerdict.PROPOSED, "cap.moved_away", Step.NOTHING)


def test_a_cancel_withdraws_a_proposal_and_silences_what_fired() -> None:
    assert judged(CANCEL, after(PROPOSED)).withdraw == ("kc-1",)
    verdict = judged(CANCEL, after(FIRED))
    assert (verdict.verdict, verdict.cancel, verdict.all_clear) == (CapVerdict.APPLIED, ("kc-1",), False)
    with_sound = judged(CANCEL, after(FIRED), source=SOURCE.model_copy(update={"all_clear": True}))
    assert with_sound.all_clear


def test_all_clear_and_an_end_that_has_come_end_it_as_well() -> None:
    clear = info(NOW, responseType="AllClear")
    verdict = judged(
        message(NOW, msgType="Update", references=[("M-0", EARLIER.sent)], infos=[clear]), after(FIRED)
    )
    assert (verdict.cancel, verdict.all_clear) == (("kc-1",), True)
    over = info(NOW, expires=NOW)
    verdict = judged(
        message(NOW, msgType="Update", references=[("M-0", EARLIER.sent)], infos=[over]), after(FIRED)
    )
    assert (verdict.cancel, verdict.all_clear) == (("kc-1",), False)


def test_what_an_officer_sent_an_officer_cancels() -> None:
    verdict = judged(CANCEL, after(SENT))
    assert (about(verdict)[:2], verdict.cancel) == ((CapVerdict.PROPOSED, "cap.officer_cancels"), ())
    by_hand = judged(CANCEL, after(FIRED), source=None)
    assert (by_hand.reason, by_hand.cancel) == ("cap.officer_cancels", ())


def test_a_cancel_of_what_is_over_is_noted() -> None:
    assert about(judged(CANCEL, after(OVER)))[:2] == (CapVerdict.NOTED, "cap.already_over")


def test_another_sender_changes_nothing() -> None:
    foreign = SOURCE.model_copy(update={"senders": (SENDER, "other@x")})
    raw = message(
        NOW, msgType="Cancel", sender="other@x", references=[("M-0", EARLIER.sent, SENDER)], infos=[]
    )
    verdict = judged(raw, after(FIRED), source=foreign)
    assert (verdict.reason, verdict.cancel) == ("cap.not_its_own", ())


def late(raw_sent: datetime) -> bytes:
    return message(raw_sent, "M-00", infos=[info(NOW)])


def test_what_comes_after_what_replaced_or_ended_it_stays_silent() -> None:
    link = Reference(SENDER, "M-00", NOW - timedelta(minutes=9))
    ended = replace(KNOWN, kept=(Kept(EARLIER, (link,), ends_it=True),))
    assert judged(late(link.sent), ended).reason == "cap.cancelled_before"
    replaced = replace(KNOWN, kept=(Kept(EARLIER, (link,), alert_id="kc-1"),), alerts=(FIRED,))
    verdict = judged(late(link.sent), replaced)
    assert (verdict.reason, verdict.cancel, verdict.alert_id) == ("cap.superseded", (), "kc-1")
    refused = replace(KNOWN, kept=(Kept(EARLIER, (link,), counts=False),))
    assert judged(late(link.sent), refused).step is Step.FIRE


def test_a_message_that_shows_two_alerts_to_be_one_leaves_the_newest() -> None:
    first, third = (
        Reference(SENDER, "M-0", EARLIER.sent),
        Reference(SENDER, "M-2", NOW + timedelta(minutes=1)),
    )
    middle = Reference(SENDER, "M-1", NOW)
    kept = (Kept(third, (middle,), alert_id="kc-3"), Kept(first, alert_id="kc-1"))
    alerts = (KnownAlert("kc-3", AlertState.ACTIVE, by_rule=True), FIRED)
    verdict = judged(UPDATE, replace(KNOWN, kept=kept, alerts=alerts))
    assert (verdict.reason, verdict.cancel) == ("cap.superseded", ("kc-1",))


def test_the_same_identifier_with_a_later_time_is_a_newer_version() -> None:
    verdict = judged(message(NOW, "M-0"), after(FIRED))
    assert about(verdict) == (CapVerdict.APPLIED, None, Step.UPDATE)
