"""Acts on alerts: each is checked, then built complete, ready for stations. Nothing is written here."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from controller.dispatch.tree import AreaTree
from controller.emergency import building, checks, errors
from controller.emergency.actor import Actor
from controller.emergency.acts import Act
from controller.emergency.building import Built
from controller.emergency.content import LONGEST_VALIDITY_S, Content
from controller.emergency.moment import Moment
from controller.emergency.rules import Move, Refusal
from controller.emergency.tables import ActKind
from controller.errors import Invalid
from wire.alerts import Alert

_SAME_PRESS: Final = timedelta(seconds=10)
_LONGEST: Final = timedelta(seconds=LONGEST_VALIDITY_S)


@dataclass(frozen=True)
class Confirmation:
    """`confirmed` is `held` or what was typed; `digest` is of the content that the person saw.

    `seen` is the newest revision that the person knew: the same act on it again, or within seconds, is the
    act that was carried out already.
    """

    confirmed: str
    digest: str | None = None
    seen: int | None = None


def press(by: Actor, alert_id: str, said: Confirmation) -> Act:
    """The prepared alert sounds. Pressed before, it is the act from then. Raises LoabanError."""
    at = Moment.of(by, alert_id)
    done = next((act for act in at.found.acts if act.what is ActKind.PRESS), None)
    if done is not None:
        return done
    at.check_confirmed(Move.PRESS, at.prepared, said.confirmed, said.digest)
    return _sounding(at, ActKind.PRESS, at.prepared)


def update(by: Actor, alert_id: str, said: Confirmation) -> Act:
    """What was prepared replaces what sounds; an extension since `seen` stays. Raises LoabanError."""
    at = Moment.of(by, alert_id)
    done = _done_before(at, ActKind.UPDATE, said.seen)
    if done is not None and at.found.open is None:
        return done
    at.check_confirmed(Move.UPDATE, at.prepared, said.confirmed, said.digest)
    return _sounding(at, ActKind.UPDATE, at.prepared, not_before=_extended_to(at, said.seen))


def repeat(by: Actor, alert_id: str, said: Confirmation) -> Act:
    """The same once more, from the beginning, on every station. Raises LoabanError."""
    at = Moment.of(by, alert_id)
    done = _done_before(at, ActKind.REPEAT, said.seen)
    if done is not None:
        return done
    at.check_confirmed(Move.REPEAT, at.found.content, said.confirmed, said.digest)
    last = at.last().alert
    return _sounding(at, ActKind.REPEAT, at.found.content, not_before=last.expires_at if last else None)


def extend(by: Actor, alert_id: str, *, minutes: float, seen: int | None = None) -> Act:
    """In force for so many minutes more; nobody hears it again. Raises Invalid `emergency.bad_extension`."""
    at = Moment.of(by, alert_id)
    added = _added(minutes)
    done = _done_before(at, ActKind.EXTEND, seen)
    if done is not None and (seen is not None or _last_added(at) == added):
        return done
    at.check(Move.EXTEND)
    last, alert = at.last(), _alert(at, Move.EXTEND)
    expires_at = alert.expires_at + added
    if expires_at - at.now > _LONGEST:
        raise _bad_extension()
    fixed = expires_at if last.content.expires_at else None
    content = last.content.model_copy(update={"expires_at": fixed})
    longer = building.extended(alert, content, expires_at, at.found.next_revision())
    return _act(Built(longer, content, last.seconds), ActKind.EXTEND, by)


def cancel(by: Actor, alert_id: str, *, all_clear: bool, seen: int | None = None) -> Act:
    """Every station falls silent; an all-clear is for those that heard it. Cancelled before: that act.

    An all-clear that still stands is taken back by a cancel without one.
    """
    at = Moment.of(by, alert_id)
    newest = at.found.newest
    if newest is not None and newest.what is ActKind.CANCEL:
        is_news = seen is not None and newest.revision > seen
        if all_clear or is_news or not at.found.all_clear_stands(at.now):
            return newest
    at.check(Move.CANCEL)
    return _all_clear(at) if all_clear else _silence(at)


def from_rule(by: Actor, content: Content) -> Act:
    """A CAP message fires by itself: an alert that nobody drafted. Raises LoabanError."""
    tree = AreaTree.read(by.session)
    content = checks.verified(by.session, by.now, None, content, tree)
    alert_id = new_alert_id(by.now)
    built = building.alert_of(by.session, by.now, content, tree, alert_id=alert_id, revision=1)
    return _act(built, ActKind.PRESS, by)


def update_from_rule(by: Actor, alert_id: str, content: Content) -> Act:
    """An update of an alert by a CAP message that may fire by itself. Raises LoabanError."""
    at = Moment.of(by, alert_id)
    if not at.found.in_force(at.now):
        raise errors.refused(Move.UPDATE, Refusal.WRONG_STATE, None, "")
    return _sounding(at, ActKind.UPDATE, content)


def new_alert_id(now: datetime) -> str:
    return f"kc-{now:%Y%m%d}-{secrets.token_hex(4)}"


def _done_before(at: Moment, what: ActKind, seen: int | None) -> Act | None:
    """The newest act, if it is this one: since `seen`, or a moment ago."""
    newest = at.found.newest
    if newest is None or newest.what is not what:
        return None
    is_news = newest.revision > seen if seen is not None else at.now - newest.at < _SAME_PRESS
    return newest if is_news else None


def _sounding(at: Moment, what: ActKind, content: Content, not_before: datetime | None = None) -> Act:
    """`not_before`: it is in force until then at least."""
    built = building.alert_of(
        at.session,
        at.now,
        at.verified(content),
        at.tree,
        alert_id=at.found.alert_id,
        revision=at.found.number_for(what),
        not_before=not_before,
    )
    return _act(built, what, at.by)


def _extended_to(at: Moment, seen: int | None) -> datetime | None:
    """The end by an extension that the person has not seen."""
    newest = at.found.newest
    if seen is None or newest is None or newest.what is not ActKind.EXTEND or newest.revision <= seen:
        return None
    return newest.alert.expires_at if newest.alert else None


def _added(minutes: float) -> timedelta:
    if not 1 <= minutes <= _LONGEST / timedelta(minutes=1):
        raise _bad_extension()
    return timedelta(minutes=minutes)


def _last_added(at: Moment) -> timedelta | None:
    """By how much the last two acts differ in their end."""
    ends = [act.alert.expires_at for act in at.found.acts if act.alert]
    return ends[-1] - ends[-2] if len(ends) > 1 else None


def _bad_extension() -> Invalid:
    return Invalid("emergency.bad_extension", field="minutes", most_days=_LONGEST.days)


def _silence(at: Moment) -> Act:
    last = at.last()
    return Act(
        alert_id=last.alert_id,
        revision=at.found.next_revision(),
        what=ActKind.CANCEL,
        person_id=at.person_id,
        at=at.now,
        content=last.content,
        area_ids=last.area_ids,
        alert=None,
    )


def _all_clear(at: Moment) -> Act:
    """For every area that the alert ever sounded in."""
    heard = [act for act in at.found.acts if act.alert is not None]
    soundings = dict.fromkeys(act.alert.sounding for act in heard if act.alert)
    areas = [area_id for act in heard for area_id in act.area_ids]
    content = at.last().content.model_copy(update={"area_ids": checks.few(areas, at.tree)})
    built = building.all_clear_of(
        at.session,
        at.now,
        _alert(at, Move.CANCEL),
        content,
        at.tree,
        revision=at.found.next_revision(),
        after=tuple(soundings),
    )
    return _act(built, ActKind.CANCEL, at.by)


def _alert(at: Moment, move: Move) -> Alert:
    """What sounds now. Raises Conflict where nothing does."""
    alert = at.last().alert
    if alert is None:
        raise errors.refused(move, Refusal.WRONG_STATE, None, "")
    return alert


def _act(built: Built, what: ActKind, by: Actor) -> Act:
    return Act(
        alert_id=built.alert.id,
        revision=built.alert.revision,
        what=what,
        person_id=by.person_id,
        at=by.now,
        content=built.content,
        area_ids=built.content.area_ids,
        alert=built.alert,
        seconds=built.seconds,
    )
