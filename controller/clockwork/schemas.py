"""The clockwork as it is shown."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Shown(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class JobView(Shown):
    """`failure` is that of the last run that failed; `healthy` when the last run went well."""

    name: str
    due_at: datetime
    finished_at: datetime | None
    failed_at: datetime | None
    failure: str | None
    running: bool
    healthy: bool
    late_s: float


class MissedWakeUpView(Shown):
    job: str
    due_at: datetime
    noticed_at: datetime
    late_s: float


class ClockworkView(Shown):
    """`missed` has the newest first."""

    jobs: tuple[JobView, ...]
    missed: tuple[MissedWakeUpView, ...]
