"""Occurrences around one start, and what a cue says of them."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from schedules.cue import Cue, Progress, QuietWindow
from schedules.occurrence import Occurrence
from wire.ids import LatenessRule, Outcome, OutcomeReason, Priority

START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)  # 17:00 in the village
AT_17_01 = QuietWindow(time(17, 1), time(18), "Asia/Ho_Chi_Minh")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def one(id_: str = "a", at_s: float = 0, seconds: float = 60, *, skip: bool = False) -> Occurrence:
    return Occurrence(id_, after(at_s), seconds, lateness=LatenessRule.SKIP if skip else LatenessRule.RESUME)


def emergency(id_: str = "e", at_s: float = 0, seconds: float = 30) -> Occurrence:
    return replace(one(id_, at_s, seconds), priority=Priority.EMERGENCY)


BEGUN = Progress(begun_at=START)
CRASHED = replace(BEGUN, interrupted=True, interrupted_by=OutcomeReason.INTERRUPTED)


def outcomes(cue: Cue) -> list[tuple[str, Outcome, OutcomeReason | None]]:
    return [(ending.occurrence.id, ending.outcome, ending.reason) for ending in cue.endings]


def alert(id_: str = "alert", at_s: float = 0, *, rank: int = 0, grace_s: float = 600) -> Occurrence:
    plain = emergency(id_, at_s, 60)
    return replace(plain, rank=rank, lateness=LatenessRule.CONTINUE, grace_s=grace_s)
