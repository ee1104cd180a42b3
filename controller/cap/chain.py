"""Messages that belong together: one alert, its updates and its end, in whatever order they come. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.cap.model import CapMessage, Reference
from controller.emergency.content import Content
from controller.emergency.tables import AlertState


@dataclass(frozen=True)
class KnownAlert:
    """An alert that a message made. `state` is as of now: one whose time is over has expired."""

    id: str
    state: AlertState
    by_rule: bool = False
    """A rule fired it, and no officer has done anything to it since."""
    ended_by_officer: bool = False
    content: Content | None = None
    expires_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.state in {
            AlertState.PROPOSED,
            AlertState.DRAFT,
            AlertState.WAITING,
            AlertState.ACTIVE,
        }


@dataclass(frozen=True)
class Kept:
    """An earlier message of the same sender and status, as far as we could tell the sender's own."""

    itself: Reference
    references: tuple[Reference, ...] = ()
    ends_it: bool = False
    counts: bool = True
    """It made or changed an alert, or it ends one: what it replaces must not come back."""
    alert_id: str | None = None


@dataclass(frozen=True)
class Chain:
    """What is known of the alert that a message is about, without the message itself."""

    kept: tuple[Kept, ...] = ()
    alerts: tuple[KnownAlert, ...] = ()

    def newer_than(self, message: CapMessage) -> Kept | None:
        """The newest message that has replaced or ended this one before it came."""
        newer = [
            one
            for one in self.kept
            if one.counts and (one.itself.sent > message.sent or _names(one.references, message.identifier))
        ]
        return max(newer, key=lambda one: one.itself.sent, default=None)

    @property
    def live(self) -> list[KnownAlert]:
        """Alerts that are proposed, prepared or in force, that of the newest message first."""
        heard: dict[str | None, datetime] = {}
        for one in sorted(self.kept, key=lambda one: one.itself.sent):
            heard[one.alert_id] = one.itself.sent
        live = [alert for alert in self.alerts if alert.is_live]
        return sorted(live, key=lambda alert: heard[alert.id], reverse=True)

    @property
    def ended_by_officer(self) -> bool:
        return any(alert.ended_by_officer for alert in self.alerts)


def chain_of(message: CapMessage, kept: Sequence[Kept], alerts: Iterable[KnownAlert]) -> Chain:
    """Everything that references connect with the message, over however many steps.

    Identifiers are a sender's own, so only references to the same sender connect.
    """
    linked = {message.identifier, *_own(message.references, message.sender)}
    members: set[int] = set()
    grows = True
    while grows:
        grows = False
        for index, one in enumerate(kept):
            names = {one.itself.identifier, *_own(one.references, message.sender)}
            if index not in members and not names.isdisjoint(linked):
                members.add(index)
                linked |= names
                grows = True
    chosen = tuple(kept[index] for index in sorted(members))
    ids = {one.alert_id for one in chosen if one.alert_id}
    return Chain(chosen, tuple(alert for alert in alerts if alert.id in ids))


def names_another_sender(message: CapMessage) -> bool:
    return any(reference.sender != message.sender for reference in message.references)


def _own(references: Collection[Reference], sender: str) -> set[str]:
    return {reference.identifier for reference in references if reference.sender == sender}


def _names(references: Collection[Reference], identifier: str) -> bool:
    return any(reference.identifier == identifier for reference in references)
