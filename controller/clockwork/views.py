"""How the jobs are doing, for those who look after the controller."""

from datetime import datetime

from sqlalchemy.orm import Session

from controller.accounts import service as accounts
from controller.accounts.rules import Action, Principal
from controller.clockwork import queries
from controller.clockwork.schemas import ClockworkView, JobView, MissedWakeUpView
from controller.clockwork.tables import ClockworkJob


def overview(session: Session, now: datetime, principal: Principal, missed_limit: int = 50) -> ClockworkView:
    """Raises Forbidden."""
    accounts.require_anywhere(principal, Action.SEE_HEALTH)
    return ClockworkView(
        jobs=tuple(_job(job, now) for job in queries.jobs(session)),
        missed=tuple(MissedWakeUpView.model_validate(row) for row in queries.missed(session, missed_limit)),
    )


def _job(job: ClockworkJob, now: datetime) -> JobView:
    running = job.claimed_until is not None and job.claimed_until >= now
    failed_last = job.failed_at is not None and (job.finished_at is None or job.failed_at > job.finished_at)
    late_s = 0.0 if running else max(0.0, (now - job.due_at).total_seconds())
    return JobView(
        name=job.name,
        due_at=job.due_at,
        finished_at=job.finished_at,
        failed_at=job.failed_at,
        failure=job.failure,
        running=running,
        healthy=not failed_last,
        late_s=late_s,
    )
