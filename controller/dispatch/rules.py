"""What a document holds, for how long, and when it counts as changed. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from wire.alerts import AlertBoard, StandingLayer
from wire.messages import PlanLayer, StationCard

Document = PlanLayer | StationCard | StandingLayer | AlertBoard

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """Whole UTC days, so that passing time alone changes a plan only once a day."""

    since: datetime
    until: datetime


def plan_window(now: datetime, plan_days: int) -> PlanWindow:
    """From the start of yesterday (what sounds now may have begun then) to the end of the last day."""
    today = datetime.combine(now.astimezone(UTC).date(), time(), tzinfo=UTC)
    return PlanWindow(today - _DAY, today + _DAY * (plan_days + 1))


def content_digest(document: Document) -> str:
    """SHA-256 of everything but version and issue time."""
    content = document.model_dump_json(exclude={"version", "issued_at"}, exclude_none=True)
    return hashlib.sha256(content.encode()).hexdigest()
