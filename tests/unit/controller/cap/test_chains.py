"""Whatever order a sender's messages come in: never two alerts in force for one chain, never a false one."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cap import reading
from controller.cap.chain import Kept, KnownAlert
from controller.cap.events import Events
from controller.cap.judge import Asked, Judgement, Known, Signature, Step, judge
from controller.cap.model import CapMessage
from controller.cap.parse import parse
from controller.cap.tables import CapVerdict, Via
from controller.emergency.tables import AlertState
from tests.support.cap import AREA, SENDER, info, message
from tests.support.cap_chains import FIRES, NOW, PLACE, chains

EVENTS = Events.load()


@dataclass
class Centre:
    """What the controller would remember and do, without a database."""

    kept: list[tuple[str, str, Kept]] = field(default_factory=list)
    """With sender and status."""
    seen: set[tuple[str, str, datetime]] = field(default_factory=set)
    alerts: dict[str, KnownAlert] = field(default_factory=dict)
    fired_by: dict[str, list[Asked]] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def take(self, asked: Asked) -> Judgement:
        message = asked.message
        mine = [
            one for sender, status, one in self.kept if (sender, status) == (message.sender, message.status)
        ]
        known = Known(NOW, "us@here", EVENTS, (PLACE,), mine, tuple(self.alerts.values()))
        is_replayed = message.itself in self.seen
        verdict = judge(Asked(**{**vars(asked), "replayed": is_replayed}), known)
        alert_id = self._follow(verdict, asked)
        if verdict.own and not is_replayed:
            self.seen.add(message.itself)
            self._keep(message, verdict, alert_id)
        return verdict

    def _follow(self, verdict: Judgement, asked: Asked) -> str | None:
        for alert_id in verdict.withdraw:
            self._move(alert_id, AlertState.DISCARDED)
        for alert_id in verdict.cancel:
            self._move(alert_id, AlertState.CANCELLED)
        if verdict.step is Step.UPDATE:
            self.fired_by[verdict.alert_id or ""].append(asked)
        if verdict.step not in {Step.PROPOSE, Step.FIRE}:
            return verdict.alert_id
        alert_id = f"kc-{next(self.numbers)}"
        fires = verdict.step is Step.FIRE
        state = AlertState.ACTIVE if fires else AlertState.PROPOSED
        self.alerts[alert_id] = KnownAlert(alert_id, state, by_rule=fires)
        if fires:
            self.fired_by[alert_id] = [asked]
        return alert_id

    def _move(self, alert_id: str, state: AlertState) -> None:
        self.alerts[alert_id] = KnownAlert(alert_id, state, by_rule=self.alerts[alert_id].by_rule)

    def _keep(self, message: CapMessage, verdict: Judgement, alert_id: str | None) -> None:
        ends = reading.ends_it(message)
        followed = verdict.verdict in {CapVerdict.PROPOSED, CapVerdict.FIRED, CapVerdict.APPLIED}
        kept = Kept(message.itself, message.references, ends, ends or followed, alert_id)
        self.kept.append((message.sender, message.status, kept))

    def live(self) -> list[KnownAlert]:
        return [alert for alert in self.alerts.values() if alert.is_live]


@settings(max_examples=300, deadline=None)
@given(chains())
def test_what_is_known_to_be_one_chain_is_one_alert_at_most(asked: list[Asked]) -> None:
    centre = Centre()
    for one in asked:
        before = dict(centre.alerts)
        verdict = centre.take(one)
        chains_in_force = [
            _chain_of(alert.id, centre) for alert in centre.live() if alert.state is AlertState.ACTIVE
        ]
        assert len(chains_in_force) == len(set(chains_in_force))
        if one.message.identifier.startswith("X-") and one.message.sender == SENDER:
            assert verdict.verdict is CapVerdict.REFUSED
            assert centre.alerts == before


@settings(max_examples=300, deadline=None)
@given(chains())
def test_when_all_have_come_the_newest_message_decides(asked: list[Asked]) -> None:
    centre = Centre()
    for one in asked:
        centre.take(one)
    whole = [one for one in asked if one.message.identifier.startswith("M-")]
    newest = max(whole, key=lambda one: one.message.sent).message
    own = [alert for alert in centre.live() if _sender_of(alert.id, centre) == SENDER]
    assert len(own) <= 1
    if reading.ends_it(newest):
        assert not own


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Actual", "Exercise", "System", "Test", "Draft"]),
            st.sampled_from(["Alert", "Update", "Cancel", "Ack", "Error"]),
            st.sampled_from(["Public", "Restricted", "Private"]),
            st.sampled_from([None, "expired", "default"]),
            st.sampled_from(list(Signature)),
            st.integers(0, 3),
        ),
        max_size=8,
    )
)
def test_only_a_whole_good_message_ever_sounds_as_real(
    tuples: list[tuple[str, str, str, str | None, Signature, int]],
) -> None:
    centre = Centre()
    for number, (status, kind, scope, ends, signature, target) in enumerate(tuples):
        expires = NOW - timedelta(seconds=1) if ends == "expired" else ends
        raw = message(
            NOW - timedelta(minutes=10 - number),
            f"M-{number}",
            status=status,
            msgType=kind,
            scope=scope,
            references=[(f"M-{target}", NOW - timedelta(minutes=10 - target))] if target < number else [],
            infos=[info(NOW, expires=expires, area=AREA)],
        )
        verdict = centre.take(Asked(parse(raw), FIRES, Via.HTTP, signature))
        good = status in {"Actual", "Exercise"} and scope == "Public" and ends == "default"
        if verdict.step in {Step.FIRE, Step.UPDATE}:
            assert good
            assert kind in {"Alert", "Update"}
            assert signature is not Signature.BAD
            assert verdict.reading is not None
            assert verdict.reading.drill is (status == "Exercise")
    for asked in centre.fired_by.values():
        assert len({one.message.status for one in asked}) == 1


def _sender_of(alert_id: str, centre: Centre) -> str:
    return next(sender for sender, _, kept in centre.kept if kept.alert_id == alert_id)


def _chain_of(alert_id: str, centre: Centre) -> tuple[str, frozenset[str]]:
    """Sender, and every identifier that the messages seen so far connect with the alert's."""
    sender = _sender_of(alert_id, centre)
    mine = [kept for who, _, kept in centre.kept if who == sender]
    names = {kept.itself.identifier for kept in mine if kept.alert_id == alert_id}
    for _ in mine:
        for kept in mine:
            own = {one.identifier for one in kept.references if one.sender == sender}
            together = {kept.itself.identifier, *own}
            if together & names:
                names |= together
    return sender, frozenset(names)
