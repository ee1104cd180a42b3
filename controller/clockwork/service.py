"""The timer wakes, the table decides, and a conditional UPDATE claims: no due time is served twice."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from controller.clockwork import queries
from controller.clockwork.waker import Waker
from controller.context import Context

_log = logging.getLogger(__name__)

TIMER = "timer"
"""The job name under which the timer's own misses are kept."""


@dataclass(frozen=True)
class Job:
    """Something to do every so often, and whenever its name is woken. `run` works in a thread.

    A job that starts more than `grace_s` after its due time leaves a missed wake-up. A claim that is older
    than `lease_s` belongs to a process that died, and is taken over.
    """

    name: str
    every_s: float
    run: Callable[[], None]
    grace_s: float = 30.0
    lease_s: float = 120.0


@dataclass(frozen=True)
class _Claim:
    job: Job
    due_at: datetime


class Clockwork:
    """Attends to its jobs until cancelled. A job that fails is written down and woken again when due."""

    def __init__(
        self,
        context: Context,
        jobs: Sequence[Job],
        waker: Waker,
        tick_s: float = 1.0,
        misfire_grace_s: int = 5,
    ) -> None:
        self._context = context
        self._jobs = {job.name: job for job in jobs}
        self._ear = waker.listen(*self._jobs)
        self._tick_s = tick_s
        self._misfire_grace_s = misfire_grace_s
        self._running: set[str] = set()
        self._timer_missed: list[datetime] = []

    async def run(self) -> None:
        """Returns only by cancellation; raises if the table itself cannot be read or written."""
        timer = self._timer()
        pool = ThreadPoolExecutor(len(self._jobs) + 1, thread_name_prefix="clockwork")
        try:
            timer.start()
            await self._attend(pool)
        finally:
            timer.shutdown(wait=False)
            await asyncio.to_thread(pool.shutdown)

    async def _attend(self, pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(pool, self._ensure)
        async with asyncio.TaskGroup() as group:
            while True:
                claims = await loop.run_in_executor(pool, self._look, await self._ear.heard(self._tick_s * 5))
                for claim in claims:
                    group.create_task(self._serve(pool, claim), name=f"clockwork {claim.job.name}")

    async def _serve(self, pool: ThreadPoolExecutor, claim: _Claim) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self._do, claim.job)
        finally:
            self._running.discard(claim.job.name)
        self._ear.nudge()  # It may have become due again meanwhile.

    def _ensure(self) -> None:
        with self._context.database.write() as session:
            queries.ensure(session, self._context.now(), self._jobs)

    def _look(self, called: frozenset[str]) -> list[_Claim]:
        """Claim what is due and not already under way here. Looks without writing where nothing is."""
        self._hasten(called)
        idle = self._jobs.keys() - self._running
        with self._context.database.read() as session:
            due = queries.due(session, self._context.now(), idle)
        claims = [claim for name, due_at in due if (claim := self._claim(self._jobs[name], due_at))]
        self._running.update(claim.job.name for claim in claims)
        return claims

    def _hasten(self, called: frozenset[str]) -> None:
        missed, self._timer_missed = self._timer_missed, []
        if not called and not missed:
            return
        now = self._context.now()
        with self._context.database.write() as session:
            queries.hasten(session, now, called)
            if missed:
                queries.add_missed(session, TIMER, min(missed), now)

    def _claim(self, job: Job, due_at: datetime) -> _Claim | None:
        now = self._context.now()
        until, next_due = now + timedelta(seconds=job.lease_s), now + timedelta(seconds=job.every_s)
        with self._context.database.write() as session:
            who = self._context.process_id
            if not queries.claim(session, now, job.name, due_at, who=who, until=until, next_due=next_due):
                return None
            if (now - due_at).total_seconds() > job.grace_s:
                queries.add_missed(session, job.name, due_at, now)
        return _Claim(job, due_at)

    def _do(self, job: Job) -> None:
        failure: str | None = None
        try:
            job.run()
        except Exception as error:  # noqa: BLE001  the edge of a job: kept on its row, never hidden
            _log.exception("job %s failed", job.name)
            failure = f"{type(error).__name__}: {error}"[:2000]
        with self._context.database.write() as session:
            queries.finish(session, self._context.now(), job.name, self._context.process_id, failure)

    def _timer(self) -> AsyncIOScheduler:
        timer = AsyncIOScheduler(timezone="UTC")
        timer.add_job(
            self._tick,
            "interval",
            seconds=self._tick_s,
            id=TIMER,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=self._misfire_grace_s,
        )
        timer.add_listener(self._note_missed, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
        return timer

    async def _tick(self) -> None:
        self._ear.nudge()

    def _note_missed(self, event: Any) -> None:
        times = getattr(event, "scheduled_run_times", None) or [event.scheduled_run_time]
        self._timer_missed.append(min(times))
        _log.warning("the timer dropped a wake-up that was due at %s", min(times))
