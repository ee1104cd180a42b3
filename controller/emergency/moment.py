"""One person before one alert, with all that a decision about it needs."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.orm import Session

from controller.dispatch.tree import AreaTree
from controller.emergency import checks, errors, rules
from controller.emergency.actor import Actor
from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.found import Found, content_of, look
from controller.emergency.policy import TwoPeopleRule
from controller.emergency.rules import Move, Refusal
from controller.emergency.tables import ActKind


@dataclass(frozen=True)
class Moment:
    by: Actor
    found: Found
    tree: AreaTree

    @classmethod
    def of(cls, by: Actor, alert_id: str) -> "Moment":
        """Raises NotFound `emergency.unknown`, and Forbidden outside the person's realm."""
        found = look(by.session, alert_id, by.pending)
        made = cls(by, found, AreaTree.read(by.session))
        checks.check_realm(by.person, (*found.area_ids, *made.prepared.area_ids), made.tree)
        return made

    @property
    def session(self) -> Session:
        return self.by.session

    @property
    def now(self) -> datetime:
        return self.by.now

    @property
    def person_id(self) -> str | None:
        return self.by.person_id

    @property
    def prepared(self) -> Content:
        """What an update or a press would carry out; what counts now where nothing is prepared."""
        return content_of(self.found.open) if self.found.open else self.found.content

    @cached_property
    def rule(self) -> TwoPeopleRule | None:
        """Why one person is not enough."""
        if self.by.person is None:
            return None
        return self.found.two_people(self.by.context.two_people.current(), self.tree)

    def check(self, move: Move, asked_for: ActKind | None = None) -> None:
        """Raises Conflict or Forbidden with the reason why this move cannot be made now."""
        situation = self.found.situation(self.now, self.person_id or "", needs_two=self.rule is not None)
        why_not = rules.refusal(move, situation, asked_for)
        if why_not is not None:
            name = self.tree.name(self.rule.area_id) if self.rule else ""
            raise errors.refused(move, why_not, self.rule, name)

    def check_confirmed(self, move: Move, content: Content, confirmed: str, digest: str | None) -> None:
        """Who presses means this content and no other. `digest` is of what was seen; two people need it.

        Raises Invalid, Conflict `emergency.changed_meanwhile`, and as `check`.
        """
        if digest is not None and digest != content.digest:
            raise errors.changed_meanwhile()
        checks.check_confirmed(confirmed, content, self.tree)
        self.check(move)
        if digest is None and self.rule is not None:
            raise errors.not_shown()

    def last(self) -> Act:
        """The newest act. Raises Conflict before the first."""
        newest = self.found.newest
        if newest is None:
            raise errors.refused(Move.UPDATE, Refusal.WRONG_STATE, None, "")
        return newest

    def verified(self, content: Content) -> Content:
        return checks.verified(self.session, self.now, self.by.person, content, self.tree)
