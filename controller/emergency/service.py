"""Looking at alerts, and what CAP messages do to them before they sound. Rights are asked for here."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.dispatch.tree import AreaTree
from controller.emergency import building, drafts, prepared, queries, shown
from controller.emergency.actor import Actor, Somebody
from controller.emergency.acts import Act
from controller.emergency.content import Content
from controller.emergency.errors import unknown
from controller.emergency.found import Found, content_of, look
from controller.emergency.moment import Moment
from controller.emergency.schemas import AlertLine, AlertView
from controller.emergency.tables import AlertRow, AlertState
from wire.alerts import Alert

_LISTED = 500


def get(by: Somebody, alert_id: str) -> AlertView:
    """Raises NotFound `emergency.unknown`, also for what this person may not see."""
    viewer, found = seen(by, alert_id)
    messages = prepared.messages(by.session, found.content, viewer.tree)
    contents = [found.content, *(content_of(one) for one in found.revisions)]
    digests = {voice.sound_sha256 for content in contents for voice in content.voices}
    sounds = queries.sounds(by.session, {digest for digest in digests if digest})
    lacking = prepared.without_all_clear(found.content, messages)
    return shown.alert(viewer, found, sounds, messages, lacking)


def of_sounding(session: Session, occurrence_id: str) -> AlertRow | None:
    """The alert that a station sounds under this id; None for an everyday broadcast."""
    alert_id, revision, _ = occurrence_id.partition("@")[0].rpartition("-r")
    return queries.alert(session, alert_id) if revision else None


def seen(by: Somebody, alert_id: str) -> tuple[shown.Viewer, Found]:
    """Raises NotFound `emergency.unknown`, also for what this person may not see."""
    found = look(by.session, alert_id, by.pending)
    viewer = _viewer(by, [found])
    created_by = found.row.created_by if found.row else None
    if not viewer.sees(shown.concerned_areas(found), found.state(by.now), created_by):
        raise unknown(alert_id)
    return viewer, found


def listing(
    by: Somebody, states: Collection[AlertState] = tuple(AlertState), *, limit: int = 200
) -> list[AlertLine]:
    """The newest first. Acts that are not on record yet count as if they were."""
    stored = {*states, *((AlertState.ACTIVE,) if AlertState.EXPIRED in states else ())}
    rows = {row.id: row for row in queries.alerts(by.session, stored, _LISTED)}
    others = {act.alert_id for act in by.pending} - rows.keys()
    found = _found(by.session, rows, by.pending)
    found += [look(by.session, one, by.pending) for one in sorted(others)]
    viewer = _viewer(by, found)
    lines = [
        shown.line(viewer, one)
        for one in found
        if viewer.sees(shown.concerned_areas(one), one.state(by.now), one.row.created_by if one.row else None)
    ]
    wanted = [one for one in lines if one.state in states]
    return sorted(wanted, key=lambda one: one.sent_at or one.created_at, reverse=True)[:limit]


def as_it_will_sound(by: Somebody, alert_id: str) -> Alert:
    """What is prepared, else what sounds, as stations would get it now. Raises LoabanError."""
    viewer, found = seen(by, alert_id)
    if found.open is None and found.newest is not None and found.newest.alert is not None:
        return found.newest.alert
    content = content_of(found.open) if found.open else found.content
    revision = found.next_revision()
    return building.alert_of(
        by.session, by.now, content, viewer.tree, alert_id=alert_id, revision=revision
    ).alert


def propose(session: Session, now: datetime, content: Content, cap_message_id: int | None) -> AlertRow:
    """From a CAP message: an officer decides. What is wrong with it she is told when she presses."""
    row = drafts.add(session, now, content, AlertState.PROPOSED, None)
    if cap_message_id is not None:
        queries.link_cap_message(session, cap_message_id, row.id)
    return row


def suggest(by: Actor, alert_id: str, content: Content) -> None:
    """From a CAP message: an update for an officer to carry out, or other content of a proposal.

    Raises Conflict where the alert is over, or a repeat is prepared.
    """
    drafts.rewrite(Moment.of(by, alert_id), content)


def withdraw(by: Actor, alert_id: str) -> None:
    """From a CAP message: what is prepared is not to be sent any more. Raises Conflict if nothing is."""
    drafts.discard(by, alert_id)


def _found(session: Session, rows: dict[str, AlertRow], pending: Iterable[Act]) -> list[Found]:
    acts = list(pending)
    revisions = queries.revisions_of(session, list(rows))
    return [
        Found(id_, row, revisions.get(id_, []), tuple(act for act in acts if act.alert_id == id_))
        for id_, row in rows.items()
    ]


def _viewer(by: Somebody, found: Iterable[Found]) -> shown.Viewer:
    people = {person for one in found for person in shown.people_of(one)}
    return shown.Viewer(
        by.person,
        by.now,
        AreaTree.read(by.session),
        by.context.two_people.current(),
        accounts.full_names(by.session, people),
    )
