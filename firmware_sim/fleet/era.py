"""Fleet time: one origin and one rate for all processes of a fleet."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from firmware_sim.scaled_loop import ScaledLoop


class Run(BaseModel):
    """What the processes of one run have in common. `began_at` is the village's time when it began.

    `began_s` is CLOCK_MONOTONIC at that moment, `lasts_s` counts in fleet time.
    """

    model_config = ConfigDict(frozen=True)

    scenario: Path | None = None
    stations: int | None = Field(default=None, ge=1)
    rate: float = Field(default=1.0, gt=0, le=10_000)
    lasts_s: float | None = Field(default=None, gt=0)
    began_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    began_s: float = Field(default_factory=time.monotonic)
    truth: Path | None = None
    language: str = Field(default="vi", pattern="^(vi|en)$")

    def beginning(self, at: datetime | None) -> "Run":
        """The village's time is `at` when it begins; None leaves ours."""
        return self if at is None else self.model_copy(update={"began_at": at})

    def fleet_s(self) -> float:
        """Seconds of fleet time since it began."""
        return (time.monotonic() - self.began_s) * self.rate

    def new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop() if self.rate == 1.0 else ScaledLoop(self.rate)


@dataclass(frozen=True, slots=True)
class Era:
    """The village's time by a loop's own."""

    began_at: datetime
    began_loop_s: float

    @classmethod
    def of(cls, run: Run, loop: asyncio.AbstractEventLoop) -> "Era":
        """A process that starts late has missed the beginning."""
        return cls(run.began_at, loop.time() - run.fleet_s())

    def now(self, loop_s: float) -> datetime:
        return self.began_at + timedelta(seconds=loop_s - self.began_loop_s)

    def loop_s(self, after_begin_s: float) -> float:
        return self.began_loop_s + after_begin_s
