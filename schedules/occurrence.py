"""One broadcast at one instant, as the time rules see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from wire.ids import LatenessRule, Priority


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`start` is aware UTC; `seconds` runs from the first sample to the last; `depth` is the area's level.

    Within a priority the higher `rank` wins (an alert's severity). `depth` 0 is the root of the area tree:
    where all else is equal, the wider area sounds first.
    """

    id: str
    start: datetime
    seconds: float
    priority: Priority = Priority.NORMAL
    rank: int = 0
    lateness: LatenessRule = LatenessRule.RESUME
    grace_s: float = 10.0
    depth: int = 0

    @property
    def strength(self) -> tuple[int, int]:
        """The greater takes the loudspeaker from the lesser."""
        return self.priority, self.rank

    @property
    def end(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)


def occurrence_id(schedule: str, start: datetime) -> str:
    """Stable for a schedule and an instant, so that an occurrence can play at most once."""
    return f"{schedule}@{start:%Y%m%dT%H%M%SZ}"
