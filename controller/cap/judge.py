"""What becomes of a CAP message. Pure: everything it needs to know comes with the question.

A message that is only half understood may be shown, never sounded.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from controller.cap import reading
from controller.cap.chain import Chain, Kept, KnownAlert, chain_of, names_another_sender
from controller.cap.errors import Params, Refused
from controller.cap.events import Events
from controller.cap.geometry import Meant, Place, meant
from controller.cap.model import CapMessage, MsgType, Scope, Status
from controller.cap.reading import Reading
from controller.cap.sources import Demand, Rule, RuleAction, Source
from controller.cap.tables import CapVerdict, Via
from controller.emergency.content import MOST_AREAS, Urgency
from controller.emergency.tables import AlertState
from wire.ids import Severity

CLOCKS_DIFFER: Final = timedelta(minutes=10)
"""How far a sender's clock may be ahead of ours."""
_STATUS_REFUSED: Final = {
    Status.TEST: "cap.is_test",
    Status.SYSTEM: "cap.is_system",
    Status.DRAFT: "cap.is_draft",
}
_NOTED: Final = {MsgType.ACK: "cap.is_ack", MsgType.ERROR: "cap.is_error"}


class Signature(StrEnum):
    NONE = "none"
    UNKNOWN = "unknown"
    """There is one, and no certificate to hold it against."""
    GOOD = "good"
    BAD = "bad"


class Step(StrEnum):
    """What is to be done besides keeping the message."""

    NOTHING = "nothing"
    PROPOSE = "propose"
    FIRE = "fire"
    UPDATE = "update"
    """At once: a rule fired what it updates."""
    SUGGEST = "suggest"
    """An update of what an officer has sent, for an officer."""


@dataclass(frozen=True)
class Asked:
    """A message, and how it came. `source` None: an officer brought it."""

    message: CapMessage
    source: Source | None
    via: Via
    signature: Signature = Signature.NONE
    untouched: bool = True
    """Nobody on its way could have changed it."""
    replayed: bool = False

    @property
    def proven(self) -> bool:
        """It is as its sender wrote it."""
        return self.untouched or self.signature is Signature.GOOD

    @property
    def trusted(self) -> bool:
        """Nobody but a source that we know can have sent it: what it ends is ended."""
        return self.source is not None and self.proven


@dataclass(frozen=True)
class Known:
    """What the judge has to know. `kept` are of the same sender and status; `alerts` are theirs."""

    now: datetime
    own_sender: str
    events: Events
    places: Sequence[Place] = ()
    kept: Sequence[Kept] = ()
    alerts: Sequence[KnownAlert] = ()


@dataclass(frozen=True)
class Judgement:
    """`withdraw` are proposals that nobody may press any more, `cancel` alerts that fall silent at once."""

    verdict: CapVerdict
    reason: str | None = None
    params: Params = field(default_factory=dict)
    step: Step = Step.NOTHING
    alert_id: str | None = None
    withdraw: tuple[str, ...] = ()
    cancel: tuple[str, ...] = ()
    all_clear: bool = False
    reading: Reading | None = None
    area_ids: tuple[str, ...] = ()
    own: bool = False
    """Beyond doubt its sender's, so it counts when later ones are judged."""
    named: bool = False
    """From a source that we know, as far as one can tell: it counts for those of which no more is known."""


def judge(asked: Asked, known: Known) -> Judgement:
    """Never raises: what cannot be followed is a refusal with its reason."""
    try:
        _check_sender(asked, known)
        _check_status(asked, known)
    except Refused as error:
        return Judgement(CapVerdict.REFUSED, error.key, error.params)
    try:
        judgement = _judged(asked, known)
    except Refused as error:
        judgement = Judgement(CapVerdict.REFUSED, error.key, error.params)
    return replace(judgement, own=asked.trusted, named=asked.source is not None)


def _check_sender(asked: Asked, known: Known) -> None:
    """Is it the sender's own, and new? Raises Refused."""
    message, source = asked.message, asked.source
    if message.sender == known.own_sender:
        raise Refused("cap.our_own")
    if source is not None and not source.knows(message.sender):
        raise Refused("cap.unknown_sender", sender=message.sender, source=source.name)
    if asked.signature is Signature.BAD:
        raise Refused("cap.bad_signature")
    if source is not None and asked.signature is not Signature.GOOD:
        if asked.via is Via.MQTT:
            raise Refused("cap.not_signed_mqtt")
        if source.signature is Demand.REQUIRED:
            raise Refused("cap.not_signed", source=source.name)
    if asked.replayed:
        raise Refused("cap.replayed")


def _check_status(asked: Asked, known: Known) -> None:
    message = asked.message
    if message.status in _STATUS_REFUSED:
        raise Refused(_STATUS_REFUSED[message.status])
    if message.scope is Scope.PRIVATE:
        raise Refused("cap.is_private")
    if message.sent > known.now + CLOCKS_DIFFER:
        raise Refused("cap.from_the_future", minutes=round(CLOCKS_DIFFER.total_seconds() / 60))


def _judged(asked: Asked, known: Known) -> Judgement:
    message = asked.message
    if message.msg_type in _NOTED:
        return Judgement(CapVerdict.NOTED, _NOTED[message.msg_type])
    chain = chain_of(message, known.kept, known.alerts)
    newer = chain.newer_than(message)
    if newer is not None:
        return _outdated(asked, newer, chain)
    if reading.ends_it(message):
        return _ending(asked, chain)
    try:
        said = reading.read(message, known.events, known.now, _default_validity(asked.source))
    except Refused as error:
        if error.key == "cap.expired" and chain.live:
            return _ending(asked, chain)  # The sender lets it run out.
        raise
    places = meant(said.areas, known.places)
    if chain.live and places.drawn and not places.area_ids and not places.unreadable:
        return Judgement(CapVerdict.PROPOSED, "cap.moved_away", alert_id=chain.live[0].id)
    _check_areas(places)
    return _sounding(_Case(asked, known, chain, said, places))


def _outdated(asked: Asked, newer: Kept, chain: Chain) -> Judgement:
    """It comes after what replaced it. It may have shown that two alerts are one: only the newest stays."""
    keep = _sent_by_officer(chain.live) or (None if newer.ends_it else newer.alert_id)
    others = [alert for alert in chain.live if alert.id != keep]
    return Judgement(
        CapVerdict.REFUSED,
        "cap.cancelled_before" if newer.ends_it else "cap.superseded",
        alert_id=newer.alert_id,
        withdraw=_proposals(others),
        cancel=_fired(others) if asked.trusted else (),
    )


def _ending(asked: Asked, chain: Chain) -> Judgement:
    """A Cancel, or all clear. What an officer has sent, an officer ends; so what anybody may have ended."""
    if not chain.alerts:
        foreign = names_another_sender(asked.message)
        raise Refused("cap.not_its_own" if foreign else "cap.nothing_to_cancel")
    live, source = chain.live, asked.source
    if not live:
        return Judgement(CapVerdict.NOTED, "cap.already_over", alert_id=chain.alerts[-1].id)
    withdraw, fired = _proposals(live), _fired(live)
    cancel = fired if asked.trusted else ()
    if not withdraw and not cancel:
        return Judgement(CapVerdict.PROPOSED, "cap.officer_cancels", alert_id=live[0].id)
    if fired and not cancel:
        return Judgement(CapVerdict.PROPOSED, "cap.officer_cancels", alert_id=fired[0], withdraw=withdraw)
    return Judgement(
        CapVerdict.APPLIED,
        alert_id=(*cancel, *withdraw)[0],
        withdraw=withdraw,
        cancel=cancel,
        all_clear=reading.says_all_clear(asked.message) or (source is not None and source.all_clear),
    )


@dataclass(frozen=True)
class _Case:
    """A message that would make, or change, an alert."""

    asked: Asked
    known: Known
    chain: Chain
    said: Reading
    places: Meant

    @property
    def doubt(self) -> str | None:
        """Why no rule may fire it, whatever the rule says."""
        message, said = self.asked.message, self.said
        foreign = message.msg_type is MsgType.UPDATE and names_another_sender(message)
        later = said.effective_at is not None and said.effective_at > self.known.now + CLOCKS_DIFFER
        doubts = {
            "cap.doubt_restricted": message.scope is not Scope.PUBLIC,
            "cap.doubt_area": self.places.uncertain,
            "cap.doubt_way": not self.asked.proven,
            "cap.doubt_references": foreign or message.unreadable_references > 0,
            "cap.doubt_ended": self.chain.ended_by_officer,
            "cap.doubt_past": said.urgency is Urgency.PAST or reading.says_all_clear(message),
            "cap.doubt_later": later,
            "cap.doubt_severity": said.severity is Severity.UNKNOWN,
        }
        return next((key for key, holds in doubts.items() if holds), None)

    def may_fire(self, *, however_grave: bool = False) -> bool:
        """The first rule that is about it decides."""
        if self.asked.source is None or self.doubt is not None:
            return False
        rules = self.asked.source.rule
        rule = next((rule for rule in rules if self._applies(rule, however_grave=however_grave)), None)
        return rule is not None and rule.action is RuleAction.FIRE

    def _applies(self, rule: Rule, *, however_grave: bool) -> bool:
        grave = however_grave or self.said.severity.rank >= rule.from_severity.rank
        return grave and rule.is_about(self.said.kind, self.said.event) and self._inside(rule.areas)

    def _inside(self, area_ids: Sequence[str]) -> bool:
        """Every area that is meant is one of these, or below one. No ids: everywhere."""
        parents = {place.id: place.parent_id for place in self.known.places}
        return not area_ids or all(_is_under(one, area_ids, parents) for one in self.places.area_ids)


def _sounding(case: _Case) -> Judgement:
    live = case.chain.live
    in_force = [alert for alert in live if alert.state is AlertState.ACTIVE]
    if in_force:
        chosen = _sent_by_officer(live) or in_force[0].id
        return _update(case, next(alert for alert in in_force if alert.id == chosen))
    fires = case.may_fire()
    return Judgement(
        CapVerdict.FIRED if fires else CapVerdict.PROPOSED,
        case.doubt,
        step=Step.FIRE if fires else Step.PROPOSE,
        withdraw=_proposals(live),
        reading=case.said,
        area_ids=case.places.area_ids,
    )


def _update(case: _Case, current: KnownAlert) -> Judgement:
    """At once where a rule fired the alert and would still fire it, however grave it is by now."""
    at_once = current.by_rule and case.may_fire(however_grave=True)
    others = [alert for alert in case.chain.live if alert.id != current.id]
    return Judgement(
        CapVerdict.APPLIED if at_once else CapVerdict.PROPOSED,
        None if at_once else case.doubt or "cap.officer_updates",
        step=Step.UPDATE if at_once else Step.SUGGEST,
        alert_id=current.id,
        withdraw=_proposals(others),
        cancel=_fired(others) if case.asked.trusted else (),
        reading=case.said,
        area_ids=case.places.area_ids,
    )


def _check_areas(places: Meant) -> None:
    """Raises Refused where it is about none of our areas, or about too many to list."""
    if not places.area_ids:
        unreadable = "cap.bad_areas" if places.unreadable else "cap.not_our_areas"
        raise Refused(unreadable if places.drawn else "cap.no_areas")
    if len(places.area_ids) > MOST_AREAS:
        raise Refused("cap.too_many_areas", areas=len(places.area_ids), most=MOST_AREAS)


def _proposals(alerts: Iterable[KnownAlert]) -> tuple[str, ...]:
    return tuple(alert.id for alert in alerts if alert.state is AlertState.PROPOSED)


def _fired(alerts: Iterable[KnownAlert]) -> tuple[str, ...]:
    return tuple(alert.id for alert in alerts if alert.state is AlertState.ACTIVE and alert.by_rule)


def _sent_by_officer(alerts: Iterable[KnownAlert]) -> str | None:
    active = (alert for alert in alerts if alert.state is AlertState.ACTIVE)
    return next((alert.id for alert in active if not alert.by_rule), None)


def _default_validity(source: Source | None) -> timedelta | None:
    if source is None or source.default_validity_minutes is None:
        return None
    return timedelta(minutes=source.default_validity_minutes)


def _is_under(area_id: str, area_ids: Sequence[str], parents: dict[str, str | None]) -> bool:
    step: str | None = area_id
    for _ in range(len(parents) + 1):
        if step is None or step in area_ids:
            break
        step = parents.get(step)
    return step is not None and step in area_ids
