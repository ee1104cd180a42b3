"""Which alerts stand on the board of an area. Pure: from the acts known, the time, and what a board said."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from controller.emergency.acts import Act
from controller.emergency.tables import ActKind
from wire.alerts import Alert, AlertBoard

MOST_ALERTS: Final = 50
"""What one board holds, by the wire."""
_NEARLY_OVER: Final = timedelta(minutes=2)

Key = tuple[str, int]
"""An act is known by its alert's id and its revision."""


def key_of(act: Act) -> Key:
    return act.alert_id, act.revision


def is_over(alert: Alert, now: datetime) -> bool:
    return now >= alert.expires_at


def in_force(act: Act, now: datetime) -> bool:
    return act.alert is not None and not is_over(act.alert, now)


def standing(
    area_id: str,
    now: datetime,
    known: Mapping[str, Act],
    heard: Iterable[Alert] = (),
    here: Iterable[Act] | None = None,
) -> tuple[Alert, ...]:
    """The alerts in force there, oldest first. `known` is the newest act of each alert, by its id; `here`
    those of them that name the area, where they are at hand.

    `heard` are the alerts that the board in the broker shows: one whose act we do not know yet, or only an
    older one, was put there by another controller, and stays.
    """
    found = {
        act.alert.id: act.alert
        for act in (known.values() if here is None else here)
        if act.alert is not None and area_id in act.area_ids and not is_over(act.alert, now)
    }
    for alert in heard:
        if is_news(alert, known) and not is_over(alert, now):
            found[alert.id] = alert
    return tuple(sorted(found.values(), key=lambda alert: (alert.sent_at, alert.id)))


def is_news(alert: Alert, known: Mapping[str, Act]) -> bool:
    act = known.get(alert.id)
    return act is None or act.revision < alert.revision


def fitting(alerts: tuple[Alert, ...]) -> tuple[Alert, ...]:
    """What a board has room for: the worst, of those the newest, drills last; in the order given."""
    if len(alerts) <= MOST_ALERTS:
        return alerts
    urgent = sorted(alerts, key=lambda one: (not one.drill, one.severity.rank, one.sent_at), reverse=True)
    kept = {alert.id for alert in urgent[:MOST_ALERTS]}
    return tuple(alert for alert in alerts if alert.id in kept)


def next_version(old: int, now: datetime) -> int:
    """Grows even where the clock was set back."""
    return max(old + 1, int(now.timestamp() * 1000))


def replaces(new: Act, old: Act | None) -> bool:
    """A later revision does. Of two that were made as the same one a cancel holds, or else the earlier."""
    if old is None or new.revision != old.revision:
        return old is None or new.revision > old.revision
    if ActKind.CANCEL in {new.what, old.what} and new.what is not old.what:
        return new.what is ActKind.CANCEL
    return (new.at, new.model_dump_json()) < (old.at, old.model_dump_json())


def differs(recorded: Act, known: Act) -> bool:
    """Whether the same revision is on record otherwise than we know it; then the record is right."""
    same = (recorded.alert, recorded.area_ids) == (known.alert, known.area_ids)
    return recorded.revision == known.revision and not same


def is_overruled(cancel: Act, other: Act) -> bool:
    """Whether this is a cancel, and `other` an act of the same revision or a later one that keeps the alert.

    Nothing but a cancel can be made of a cancelled alert: whoever made `other` did not know.
    """
    is_later = other.revision >= cancel.revision
    return cancel.what is ActKind.CANCEL and other.what is not ActKind.CANCEL and is_later


def alike(one: Act, other: Act) -> bool:
    """Whether both ask for the same, be it twice or by two people. All cancels are alike."""
    if one.what is not other.what or one.what is ActKind.CANCEL:
        return one.what is other.what
    return one.content == other.content and _extended_to(one) == _extended_to(other)


def _extended_to(act: Act) -> datetime | None:
    return act.alert.expires_at if act.alert and act.what is ActKind.EXTEND else None


def concerned(before: Act | None, act: Act) -> list[str]:
    """The areas whose boards change: first those that it stands on, then those that it leaves."""
    stays = act.area_ids if act.alert is not None else ()
    leaves = (*(before.area_ids if before else ()), *act.area_ids)
    return list(dict.fromkeys((*stays, *leaves)))


def renumbered(act: Act, revision: int, superseded: Act) -> Act:
    """The same act as a later revision, where another one was made out of the same state of the alert."""
    alert = act.alert
    if alert is not None and act.what is not ActKind.EXTEND:
        old = superseded.alert
        also = (old.sounding,) if old is not None and alert.only_after else ()
        alert = alert.model_copy(
            update={
                "sounding": f"{act.alert_id}-r{revision}@{alert.sent_at:%Y%m%dT%H%M%SZ}",
                "only_after": tuple(dict.fromkeys((*alert.only_after, *also))),
            }
        )
    if alert is not None:
        alert = alert.model_copy(update={"revision": revision})
    return act.model_copy(update={"revision": revision, "alert": alert})


def carries(board: AlertBoard, act: Act) -> bool:
    """Whether the board follows this act, or a later one on the same alert."""
    shown = next((alert for alert in board.alerts if alert.id == act.alert_id), None)
    if act.alert is not None and board.area in act.area_ids:
        return shown is not None and shown.revision >= act.revision
    return shown is None or shown.revision > act.revision


def as_wanted(shown: AlertBoard, wanted: tuple[Alert, ...], now: datetime) -> bool:
    """Whether a board from another controller may stay as it is.

    What is nearly over may be gone from it already: its clock need not be ours.
    """
    there = {alert.id: alert for alert in shown.alerts}
    if there.keys() - {alert.id for alert in wanted}:
        return False
    differing = [alert for alert in wanted if there.get(alert.id) != alert]
    return all(alert.id not in there and is_over(alert, now + _NEARLY_OVER) for alert in differing)
