"""Alerts before they sound: composing, changing, asking for a second person. Rights are asked for here."""

from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts.rules import Principal
from controller.context import Context
from controller.dispatch.tree import AreaTree
from controller.emergency import acting, checks, queries, sounds
from controller.emergency.actor import Actor
from controller.emergency.content import Content, Source, VoiceContent
from controller.emergency.moment import Moment
from controller.emergency.rules import Move
from controller.emergency.schemas import AlertForm
from controller.emergency.tables import ActKind, AlertRevision, AlertRow, AlertState, RevisionState
from controller.errors import Invalid


def ready(context: Context, principal: Principal, form: AlertForm) -> Content:
    """The form as content that can be kept: checked, and typed text read aloud.

    Opens short transactions of its own, so none may be open in this thread. Raises LoabanError, SoundError.
    """
    content = checks.composed(form)
    with context.database.read() as session:
        tree = AreaTree.read(session)
        content = checks.verified(session, context.now(), principal, content, tree, spoken_yet=False)
    return read_aloud(context, content)


def read_aloud(context: Context, content: Content) -> Content:
    """With the sound of every typed text, always made from just this text. Raises as `sounds.from_text`."""
    return content.model_copy(
        update={"voices": tuple(_read_aloud(context, voice) for voice in content.voices)}
    )


def create(session: Session, now: datetime, principal: Principal, content: Content) -> AlertRow:
    """A draft. Raises LoabanError."""
    content = checks.verified(session, now, principal, content, AreaTree.read(session))
    return add(session, now, content, AlertState.DRAFT, principal.person_id)


def add(
    session: Session, now: datetime, content: Content, state: AlertState, person_id: str | None
) -> AlertRow:
    """An alert that has not sounded, with its first revision."""
    row = AlertRow(
        id=acting.new_alert_id(now),
        state=state,
        area_ids=[],
        created_by=person_id,
        created_at=now,
        revision=0,
    )
    describe(row, content)
    session.add(row)
    session.flush()
    first = _revision(row.id, 1, ActKind.PRESS, content)
    first.made_by, first.made_at = person_id, now
    session.add(first)
    session.flush()
    return row


def edit(by: Actor, alert_id: str, content: Content) -> None:
    """Change what is prepared; who asked for a second person must ask again. In force: prepare an update.

    Raises LoabanError.
    """
    at = Moment.of(by, alert_id)
    at.check(Move.EDIT)
    rewrite(at, at.verified(content))


def rewrite(at: Moment, content: Content) -> None:
    """The content takes the place of what is prepared. Raises Conflict where nothing can be."""
    at.check(Move.EDIT)
    found = at.found
    if found.newest is not None:
        _prepare_update(at, content)
        return
    _rewrite(found.revisions[0], content)
    if found.row is not None:
        describe(found.row, content)
        if found.row.state is AlertState.WAITING:
            found.row.state = AlertState.DRAFT
    at.session.flush()


def ask(by: Actor, alert_id: str, *, what: ActKind = ActKind.PRESS) -> None:
    """Another officer is to press, update or repeat. Raises LoabanError."""
    at = Moment.of(by, alert_id)
    at.check(Move.ASK, what)
    content = at.verified(at.prepared)
    revision = at.found.open or _add_revision(at, what, content)
    revision.state = RevisionState.WAITING
    revision.asked_by, revision.asked_at = by.person_id, by.now
    if what is ActKind.PRESS and at.found.row is not None:
        at.found.row.state = AlertState.WAITING
    by.session.flush()


def discard(by: Actor, alert_id: str) -> None:
    """Put away what is prepared; it stays on record. What sounds is cancelled, not discarded."""
    at = Moment.of(by, alert_id)
    at.check(Move.DISCARD)
    queries.discard_open(by.session, alert_id)
    if at.found.newest is None and at.found.row is not None:
        at.found.row.state, at.found.row.ended_at = AlertState.DISCARDED, by.now
        by.session.flush()


def describe(row: AlertRow, content: Content) -> None:
    """What lists show of an alert."""
    row.kind, row.severity, row.drill = content.kind, content.severity, content.drill
    row.title, row.area_ids = content.title, list(content.area_ids)


def _prepare_update(at: Moment, content: Content) -> None:
    if content.drill is not at.found.content.drill:
        raise Invalid("emergency.drill_is_fixed", field="drill")
    if at.found.open is None:
        _add_revision(at, ActKind.UPDATE, content)
    else:
        _rewrite(at.found.open, content)
        at.session.flush()


def _rewrite(revision: AlertRevision, content: Content) -> None:
    revision.content = content.model_dump(mode="json")
    revision.state = RevisionState.DRAFT
    revision.asked_by = revision.asked_at = None


def _add_revision(at: Moment, act: ActKind, content: Content) -> AlertRevision:
    made = _revision(at.found.alert_id, at.found.next_revision(), act, content)
    made.made_by, made.made_at = at.person_id, at.now
    at.session.add(made)
    at.session.flush()
    return made


def _revision(alert_id: str, revision: int, act: ActKind, content: Content) -> AlertRevision:
    return AlertRevision(
        alert_id=alert_id,
        revision=revision,
        act=act,
        state=RevisionState.DRAFT,
        content=content.model_dump(mode="json"),
    )


def _read_aloud(context: Context, voice: VoiceContent) -> VoiceContent:
    if voice.source is not Source.TYPED:
        return voice
    made = sounds.from_text(context, voice.text, voice.language)
    return voice.model_copy(update={"sound_sha256": made.sha256})
