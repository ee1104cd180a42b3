"""APScheduler as the alarm clock: it only wakes the conductor, which then asks the plan what to do."""

from collections.abc import Callable
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

_JOB = "wake"


class Alarm:
    """At most one wake-up is set; a late one still rings."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._at: datetime | None = None
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        """Needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def set(self, at: datetime | None) -> None:
        if at == self._at:
            return
        self._at = at
        if at is not None:
            self._scheduler.add_job(self._rung, DateTrigger(at), id=_JOB, replace_existing=True)
        elif self._scheduler.get_job(_JOB):
            self._scheduler.remove_job(_JOB)

    async def _rung(self) -> None:
        self._at = None
        self._ring()
