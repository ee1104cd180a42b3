"""From the boards of a station's chain to what it is to sound of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.programme import Part, part_of
from wire.alerts import Alert, AlertBoard, StandingLayer, StandingSound
from wire.ids import LatenessRule, Priority
from wire.messages import Lateness, PlannedOccurrence, StationCard


@dataclass(frozen=True, slots=True)
class Posted:
    """An alert as it stands on the board of `area`, which is `depth` levels below the root."""

    alert: Alert
    area: str
    depth: int


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and how far it can be believed."""

    now: datetime
    clock_trusted: bool


def posted(card: StationCard, boards: Iterable[AlertBoard]) -> dict[str, Posted]:
    """By sounding. The highest revision of an alert counts, of equal ones that of the wider area."""
    by_alert: dict[str, Posted] = {}
    for board in boards:
        depth = card.areas.index(board.area)
        for alert in board.alerts:
            held = by_alert.get(alert.id)
            if held is None or alert.revision > held.alert.revision:
                by_alert[alert.id] = Posted(alert, board.area, depth)
    return {one.alert.sounding: one for one in by_alert.values()}


def begins_at(alert: Alert, age_s: float, at: Moment) -> datetime:
    """Without a trusted clock: when it came in. Otherwise when it was sent, unless our clock is behind."""
    received_at = at.now - timedelta(seconds=age_s)
    return min(alert.sent_at, received_at) if at.clock_trusted else received_at


def ends_at(alert: Alert, age_s: float, at: Moment) -> datetime:
    """From this instant on it is expired."""
    if at.clock_trusted:
        return alert.expires_at
    return at.now + alert.validity - timedelta(seconds=age_s)


def part_for(
    one: Posted, card: StationCard, age_s: float, at: Moment, *, with_signal: bool = True, over: bool = False
) -> Part:
    """The alert as this station sounds it: the voices of its languages, at the emergency volume.

    One that is `over` can neither begin nor go on any more.
    """
    alert = one.alert
    lateness = lateness_of(alert, age_s, at, over=over)
    planned = PlannedOccurrence(
        id=alert.sounding,
        schedule=alert.id,
        title=alert.title,
        start=begins_at(alert, age_s, at),
        items=tuple(item for voice in alert.voices_for(card.languages) for item in voice.items),
        repeats=alert.repeats,
        gap_s=alert.gap_s,
        opening=(alert.signal,) if with_signal else (),
        closing=() if alert.closing is None else (alert.closing,),
        priority=Priority.EMERGENCY,
        volume=card.emergency_volume,
        lateness=lateness,
    )
    return part_of(planned, one.area, one.depth, alert=alert)


def lateness_of(alert: Alert, age_s: float, at: Moment, *, over: bool = False) -> Lateness:
    """*Continue* lasts to the end of the validity; nothing may begin after it."""
    end = ends_at(alert, age_s, at)
    left_s = ((min(end, at.now) if over else end) - begins_at(alert, age_s, at)).total_seconds()
    grace_s = max(left_s, 0.0)
    if alert.lateness.rule is not LatenessRule.CONTINUE:
        grace_s = min(grace_s, alert.lateness.grace_s)
    return Lateness(rule=alert.lateness.rule, grace_s=grace_s)


def standing_for(card: StationCard, layers: Iterable[StandingLayer]) -> tuple[StandingSound, ...]:
    """Those without a language, and those in the station's own."""
    return tuple(
        sound
        for layer in layers
        for sound in layer.sounds
        if sound.language is None or sound.language in card.languages
    )
