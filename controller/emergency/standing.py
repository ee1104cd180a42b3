"""Standing messages: recorded in advance, approved by another person, and held by every station."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from sqlalchemy.orm import Session

from controller.accounts import rules as rights
from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.dispatch.tree import AreaTree
from controller.emergency import errors, queries
from controller.emergency.checks import plain
from controller.emergency.content import LONGEST_TEXT
from controller.emergency.queries import Holding
from controller.emergency.rules import Refusal, StandingMove, standing_refusal
from controller.emergency.schemas import StandingForm, StandingView
from controller.emergency.tables import StandingMessage, StandingState, StandingUse
from controller.errors import Conflict, Forbidden, Invalid
from controller.media.schemas import url_of
from controller.media.tables import Sound
from controller.programmes.rules import LANGUAGES
from wire.ids import AlertKind
from wire.messages import CacheState

USES: Final = (*(kind.value for kind in AlertKind), *(use.value for use in StandingUse))
_ACTIONS: Final = {
    StandingMove.APPROVE: Action.APPROVE_STANDING,
    StandingMove.RETIRE: Action.MAKE_STANDING,
}
_SOURCES: Final = {
    StandingMove.APPROVE: (StandingState.WAITING,),
    StandingMove.RETIRE: (StandingState.WAITING, StandingState.APPROVED),
}
_TARGETS: Final = {
    StandingMove.APPROVE: StandingState.APPROVED,
    StandingMove.RETIRE: StandingState.RETIRED,
}
_NAMED: Final = 20


def make(session: Session, now: datetime, principal: Principal, form: StandingForm) -> StandingMessage:
    """It waits for somebody else's approval. Raises Invalid, Forbidden, NotFound `areas.unknown`."""
    accounts.require(session, principal, Action.MAKE_STANDING, form.area_id)
    text = plain(form.text).strip()
    if form.use not in USES:
        raise Invalid("emergency.standing_unknown_use", field="use", use=form.use)
    if form.language not in LANGUAGES:
        raise errors.unknown_language(form.language)
    if not any(letter.isalnum() for letter in text):
        raise Invalid("emergency.standing_text_missing", field="text")
    if len(text) > LONGEST_TEXT:
        raise errors.text_too_long(form.language, LONGEST_TEXT)
    if form.sound_sha256 not in queries.sounds(session, [form.sound_sha256]):
        raise errors.sound_missing(form.language)
    made = StandingMessage(
        id=str(uuid4()),
        use=form.use,
        language=form.language,
        area_id=form.area_id,
        text=text,
        sound_sha256=form.sound_sha256,
        state=StandingState.WAITING,
        made_by=principal.person_id,
        made_at=now,
    )
    session.add(made)
    session.flush()
    return made


def decide(
    session: Session, now: datetime, principal: Principal, message_id: str, move: StandingMove
) -> StandingMessage:
    """Approve or retire; the caller wakes `dispatch`. Raises NotFound, Forbidden, Conflict."""
    message = queries.standing(session, message_id)
    if message is None:
        raise errors.standing_unknown()
    accounts.require(session, principal, _ACTIONS[move], message.area_id)
    why_not = standing_refusal(move, message.state, own_work=message.made_by == principal.person_id)
    if why_not is Refusal.OWN_REQUEST:
        raise Forbidden("emergency.standing_own")
    values = {"state": _TARGETS[move], "decided_by": principal.person_id, "decided_at": now}
    if why_not or not queries.change_standing(session, message_id, _SOURCES[move], values):
        raise Conflict("emergency.standing_wrong_state")
    session.refresh(message)
    return message


def approve(session: Session, now: datetime, principal: Principal, message_id: str) -> StandingMessage:
    """Raises Forbidden `emergency.standing_own` to who made it."""
    return decide(session, now, principal, message_id, StandingMove.APPROVE)


def retire(session: Session, now: datetime, principal: Principal, message_id: str) -> StandingMessage:
    return decide(session, now, principal, message_id, StandingMove.RETIRE)


def in_use(messages: Iterable[StandingMessage]) -> set[str]:
    """The ids of the newest approved ones of each area, use and language."""
    approved = [one for one in messages if one.state is StandingState.APPROVED]
    ordered = sorted(approved, key=lambda one: (one.decided_at or one.made_at, one.made_at, one.id))
    return set({(one.area_id, one.use, one.language): one.id for one in ordered}.values())


def listing(session: Session, principal: Principal) -> list[StandingView]:
    """Of the person's areas, of those below and of those above them; by use, language and area."""
    tree = AreaTree.read(session)
    mine = rights.granted_areas(principal, Action.VIEW)
    above = {area_id for one in mine for area_id in tree.chain(one)}
    here = {area_id for area_id in tree.areas if area_id in above or mine & set(tree.chain(area_id))}
    return _views(session, principal, tree, queries.standing_in(session, here))


def one(session: Session, principal: Principal, message_id: str) -> StandingView:
    """Raises NotFound `emergency.standing_unknown`."""
    for view in listing(session, principal):
        if view.id == message_id:
            return view
    raise errors.standing_unknown()


def waiting_for(session: Session, principal: Principal) -> int:
    """How many messages this person could approve now."""
    waiting = queries.waiting_standing(session)
    tree = AreaTree.read(session) if waiting else None
    return sum(
        tree is not None
        and message.made_by != principal.person_id
        and rights.may(principal, Action.APPROVE_STANDING, tree.chain(message.area_id))
        for message in waiting
    )


def _views(
    session: Session,
    principal: Principal,
    tree: AreaTree,
    found: Sequence[tuple[StandingMessage, Sound]],
) -> list[StandingView]:
    people = {person for message, _ in found for person in (message.made_by, message.decided_by) if person}
    look = _Look(
        principal,
        tree,
        accounts.full_names(session, people),
        in_use(message for message, _ in found),
        [_Holder.of(holding, tree) for holding in queries.holdings(session)],
        accounts.holders(session, Action.APPROVE_STANDING),
    )
    views = [look.view(message, sound) for message, sound in found]
    return sorted(views, key=lambda view: (USES.index(view.use), view.language, view.area_name))


@dataclass(frozen=True)
class _Holder:
    """A station: where it is, what it speaks, and what it says that it holds in advance."""

    name: str
    chain: frozenset[str]
    languages: frozenset[str]
    holds: CacheState | None

    @classmethod
    def of(cls, holding: Holding, tree: AreaTree) -> "_Holder":
        languages = holding.languages or tree.languages(holding.area_id)
        holds = CacheState.model_validate(holding.standing) if holding.standing else None
        return cls(holding.name, frozenset(tree.chain(holding.area_id)), frozenset(languages), holds)

    def lacks(self, sha256: str) -> bool | None:
        """None where it has not told: its list of what is missing is cut short."""
        if self.holds is None:
            return None
        if sha256 in self.holds.missing:
            return True
        told_all = self.holds.held + len(self.holds.missing) >= self.holds.wanted
        return False if told_all else None


@dataclass(frozen=True)
class _Look:
    principal: Principal
    tree: AreaTree
    names: dict[str, str]
    in_use: set[str]
    holders: list[_Holder]
    approvers: list[tuple[str, str, str]]

    def view(self, message: StandingMessage, sound: Sound) -> StandingView:
        used = message.id in self.in_use
        wanted = self._wanted(message) if used else []
        lacks = [(holder.name, holder.lacks(message.sound_sha256)) for holder in wanted]
        lacking = [name for name, lacks_it in lacks if lacks_it]
        return StandingView(
            id=message.id,
            use=message.use,
            language=message.language,
            area_id=message.area_id,
            area_name=self.tree.name(message.area_id),
            state=message.state,
            in_use=used,
            text=message.text,
            sound_sha256=message.sound_sha256,
            sound_url=url_of(message.sound_sha256),
            seconds=sound.seconds,
            made_by_name=self.names.get(message.made_by, ""),
            made_by_me=message.made_by == self.principal.person_id,
            approvers=self._approvers(message),
            made_at=message.made_at,
            decided_by_name=self.names.get(message.decided_by or ""),
            decided_at=message.decided_at,
            stations=len(wanted),
            lacking=len(lacking),
            lacking_names=tuple(lacking[:_NAMED]),
            not_told=sum(lacks_it is None for _, lacks_it in lacks),
            may=self._moves(message),
        )

    def _wanted(self, message: StandingMessage) -> list[_Holder]:
        return [
            holder
            for holder in self.holders
            if message.area_id in holder.chain and message.language in holder.languages
        ]

    def _approvers(self, message: StandingMessage) -> tuple[str, ...]:
        if message.state is not StandingState.WAITING:
            return ()
        chain = self.tree.chain(message.area_id)
        able = {
            person_id: name
            for person_id, name, area_id in self.approvers
            if area_id in chain and person_id != message.made_by
        }
        return tuple(able.values())

    def _moves(self, message: StandingMessage) -> tuple[StandingMove, ...]:
        chain = self.tree.chain(message.area_id)
        own = message.made_by == self.principal.person_id
        return tuple(
            move
            for move in StandingMove
            if rights.may(self.principal, _ACTIONS[move], chain)
            and standing_refusal(move, message.state, own_work=own) is None
        )
