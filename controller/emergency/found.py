"""An alert as it is at this moment: what the database knows, and the acts that it has yet to hear of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy.orm import Session

from controller.dispatch.tree import AreaTree
from controller.emergency import queries
from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.errors import unknown
from controller.emergency.policy import Policy, TwoPeopleRule
from controller.emergency.rules import Situation
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState, RevisionState


@dataclass(frozen=True)
class Found:
    """`row` is None for an alert that only an unrecorded act knows; `pending` are such acts, oldest first."""

    alert_id: str
    row: AlertRow | None
    revisions: Sequence[AlertRevision]
    pending: tuple[Act, ...] = ()

    @property
    def newest(self) -> Act | None:
        """The newest act that was carried out."""
        acts = self.acts
        return acts[-1] if acts else None

    @cached_property
    def acts(self) -> list[Act]:
        """Everything that was carried out, oldest first."""
        recorded = [act_of(one) for one in self.revisions if one.state is RevisionState.DONE]
        return sorted([*recorded, *self.unrecorded.values()], key=lambda act: act.revision)

    @cached_property
    def open(self) -> AlertRevision | None:
        """What is prepared or asked for; not what an unrecorded act has carried out already."""
        one = next((one for one in self.revisions if one.state in queries.OPEN), None)
        if one is None or any(act.what in {one.act, ActKind.CANCEL} for act in self.unrecorded.values()):
            return None
        return one

    @cached_property
    def content(self) -> Content:
        """What counts now: carried out, or prepared before that."""
        newest, prepared = self.newest, self.open
        if newest is not None:
            return newest.content
        return content_of(prepared or self.revisions[0])

    @property
    def area_ids(self) -> tuple[str, ...]:
        return self.content.area_ids

    def state(self, now: datetime) -> AlertState:
        newest = self.newest
        if newest is None:
            return self.row.state if self.row else AlertState.DRAFT
        if newest.what is ActKind.CANCEL:
            return AlertState.CANCELLED
        over = newest.alert is None or now >= newest.alert.expires_at
        return AlertState.EXPIRED if over else AlertState.ACTIVE

    def in_force(self, now: datetime) -> bool:
        return self.state(now) is AlertState.ACTIVE

    def all_clear_stands(self, now: datetime) -> bool:
        """Stations are told that it is over, or will be when they come back."""
        newest = self.newest
        if newest is None or newest.what is not ActKind.CANCEL or newest.alert is None:
            return False
        return now < newest.alert.expires_at

    @property
    def cancelled_at(self) -> datetime | None:
        """By the first cancel; a second one only takes the all-clear back."""
        return next((act.at for act in self.acts if act.what is ActKind.CANCEL), None)

    def next_revision(self) -> int:
        """For an act; what is prepared keeps its number if nothing came in between."""
        newest = self.newest.revision if self.newest else 0
        return max([newest, *(one.revision for one in self.revisions)]) + 1

    def number_for(self, what: ActKind) -> int:
        newest = self.newest.revision if self.newest else 0
        prepared = self.open
        if prepared is not None and prepared.act is what and prepared.revision > newest:
            return prepared.revision
        return self.next_revision()

    def two_people(self, policy: Policy, tree: AreaTree) -> TwoPeopleRule | None:
        """Also where only what is prepared, or only what sounds now, asks for it."""
        prepared = content_of(self.open) if self.open else None
        for content in (self.content, prepared):
            rule = content and policy.two_for(content.area_ids, content.severity, tree.chain)
            if rule:
                return rule
        return None

    def situation(self, now: datetime, person_id: str, *, needs_two: bool) -> Situation:
        prepared = self.open
        return Situation(
            state=self.state(now),
            in_force=self.in_force(now),
            needs_two=needs_two,
            person_id=person_id,
            open_act=prepared.act if prepared else None,
            open_state=prepared.state if prepared else None,
            asked_by=prepared.asked_by if prepared else None,
            all_clear_stands=self.all_clear_stands(now),
        )

    @cached_property
    def unrecorded(self) -> dict[int, Act]:
        """Carried out, and not in the database yet; by revision."""
        recorded = {one.revision for one in self.revisions if one.state is RevisionState.DONE}
        return {act.revision: act for act in self.pending if act.revision not in recorded}


def look(session: Session, alert_id: str, pending: Iterable[Act] = ()) -> Found:
    """`pending`: acts that may not be recorded, of whichever alert. Raises NotFound `emergency.unknown`."""
    mine = tuple(act for act in pending if act.alert_id == alert_id)
    row = queries.alert(session, alert_id)
    if row is None and not mine:
        raise unknown(alert_id)
    return Found(alert_id, row, queries.revisions(session, alert_id), mine)


def content_of(revision: AlertRevision) -> Content:
    return Content.model_validate(revision.content)


def act_of(revision: AlertRevision) -> Act:
    """Of a revision that was carried out."""
    content = content_of(revision)
    return Act.model_validate(
        {
            "alert_id": revision.alert_id,
            "revision": revision.revision,
            "what": revision.act,
            "person_id": revision.done_by,
            "at": revision.done_at or revision.made_at,
            "content": content,
            "area_ids": content.area_ids,
            "alert": revision.wire,
            "seconds": revision.seconds,
        }
    )
