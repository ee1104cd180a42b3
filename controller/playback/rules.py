"""Where an occurrence stands on one station, from the clock and from what the station has said. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wire.ids import Outcome, OutcomeReason
from wire.messages import PlaybackReport


class Pending(StrEnum):
    """No end is known yet."""

    PLANNED = "planned"
    SOUNDING = "sounding"
    WAITING_REPORT = "waiting_report"
    WITHDRAWN = "withdrawn"
    """Taken back before its start; there is nothing to report."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the occurrence is to be heard, and until when a report about it is awaited."""

    start: datetime
    end: datetime
    report_deadline_s: float
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    state: Outcome | Pending
    reason: OutcomeReason | None = None


def standing(window: Window, now: datetime, reported: Standing | None, *, reachable: bool = True) -> Standing:
    """What the station reported; else what the clock says. Silence after the deadline is *unknown*."""
    if reported is not None:
        return reported
    if window.withdrawn_at is not None and window.withdrawn_at <= window.start:
        return Standing(Pending.WITHDRAWN)
    if now < window.start:
        return Standing(Pending.PLANNED)
    if now >= window.end + timedelta(seconds=window.report_deadline_s):
        return Standing(Outcome.UNKNOWN, OutcomeReason.NO_REPORT)
    if now < window.end and reachable and window.withdrawn_at is None:
        return Standing(Pending.SOUNDING)
    return Standing(Pending.WAITING_REPORT)


class Overall(StrEnum):
    """How an occurrence went on all of its stations together."""

    PLAYED = "played"
    PARTLY = "partly"
    MISSED = "missed"
    GAVE_WAY = "gave_way"
    WAITING = "waiting"
    UNKNOWN = "unknown"
    NOBODY = "nobody"
    """No station of this realm had to play it."""


_OPEN = (Pending.PLANNED, Pending.SOUNDING, Pending.WAITING_REPORT)


def overall(counts: Mapping[str, int]) -> Overall:
    """`counts` of stations by state, as on the board."""

    def many(*states: Outcome | Pending) -> int:
        return sum(counts.get(state.value, 0) for state in states)

    total, played, waiting = sum(counts.values()), many(Outcome.PLAYED), many(*_OPEN)
    if played == total:
        return Overall.PLAYED if total else Overall.NOBODY
    if many(Outcome.PARTLY_PLAYED) or (played and played + waiting < total):
        return Overall.PARTLY
    if many(Outcome.MISSED, Outcome.FAILED):
        return Overall.MISSED
    if waiting:
        return Overall.WAITING
    return Overall.UNKNOWN if many(Outcome.UNKNOWN) else Overall.GAVE_WAY


def countable(reports: Iterable[PlaybackReport]) -> list[PlaybackReport]:
    """The first report of each occurrence. *Unknown* is never a station's word."""
    first: dict[str, PlaybackReport] = {}
    for report in reports:
        if report.outcome is not Outcome.UNKNOWN:
            first.setdefault(report.occurrence, report)
    return list(first.values())
