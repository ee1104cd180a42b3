"""Where an occurrence stands on one station, from the clock and from what the station has said. Pure."""

from collections.abc import Iterable
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


def countable(reports: Iterable[PlaybackReport]) -> list[PlaybackReport]:
    """The first report of each occurrence. *Unknown* is never a station's word."""
    first: dict[str, PlaybackReport] = {}
    for report in reports:
        if report.outcome is not Outcome.UNKNOWN:
            first.setdefault(report.occurrence, report)
    return list(first.values())
